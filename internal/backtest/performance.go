package backtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// labels are the truths by id, as text.
type labels struct {
	name string // of the label column
	byID map[string]string
}

func readLabels(o Options) (*labels, error) {
	t, err := tabular.Open(o.Labels, tabular.Options{})
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	ids := t.Column(o.ID)
	if ids == nil {
		return nil, fmt.Errorf("%s: no column %q; columns: %v", o.Labels, o.ID, t.Names())
	}
	label, err := labelColumn(t, o)
	if err != nil {
		return nil, err
	}
	l := &labels{name: label.Name, byID: make(map[string]string, t.Rows)}
	truths := label.Texts()
	for i, id := range ids.Texts() {
		if truths[i] != "" {
			l.byID[id] = truths[i] // the last of repeated labels wins: a correction
		}
	}
	return l, nil
}

func labelColumn(t *tabular.Table, o Options) (*tabular.Column, error) {
	if o.Label != "" {
		if c := t.Column(o.Label); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("%s: no column %q; columns: %v", o.Labels, o.Label, t.Names())
	}
	var found *tabular.Column
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Name == o.ID || c.Kind == tabular.Time {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: %q and %q may both be the label: say which with --label", o.Labels, found.Name, c.Name)
		}
		found = c
	}
	if found == nil {
		return nil, fmt.Errorf("%s: no column beside %q that may be the label", o.Labels, o.ID)
	}
	return found, nil
}

// outcomes are labelled rows.
type outcomes struct {
	labelled  int
	right     int  // predictions equal to their label
	predicted int  // labelled rows with a prediction
	binary    bool // every label is 0 or 1
	scores    []scored
}

type scored struct {
	score    float64
	positive bool
}

// outcomes of the rows whose label is known.
func (l *labels) outcomes(t *tabular.Table, o Options) outcomes {
	out := outcomes{binary: true}
	ids := t.Column(o.ID).Texts()
	var predictions []string
	if c := t.Column(o.Prediction); c != nil {
		predictions = c.Texts()
	}
	var scores []float64
	if c := t.Column(o.Score); c != nil {
		scores = c.Numbers
	}
	for i, id := range ids {
		truth, ok := l.byID[id]
		if !ok {
			continue
		}
		out.labelled++
		if predictions != nil && predictions[i] != "" {
			out.predicted++
			if predictions[i] == truth {
				out.right++
			}
		}
		out.binary = out.binary && (truth == "0" || truth == "1")
		if scores != nil && !math.IsNaN(scores[i]) {
			out.scores = append(out.scores, scored{scores[i], truth == "1"})
		}
	}
	return out
}

// add the outcomes of another window.
func (a *outcomes) add(b outcomes) {
	if a.labelled == 0 {
		a.binary = true
	}
	a.labelled += b.labelled
	a.right += b.right
	a.predicted += b.predicted
	a.binary = a.binary && b.binary
	a.scores = append(a.scores, b.scores...)
}

func (a outcomes) performance(span schemas.Span, rows int) Performance {
	p := Performance{WindowStart: span.Start, WindowEnd: span.End, N: rows, Labelled: a.labelled}
	if rows > 0 {
		p.Coverage = float64(a.labelled) / float64(rows)
	}
	if a.predicted > 0 {
		accuracy := float64(a.right) / float64(a.predicted)
		p.Accuracy = &accuracy
	}
	if auc, ok := rocAUC(a.scores); ok && a.binary {
		p.AUC = &auc
	}
	return p
}

// rocAUC is the exact area under the ROC curve: the chance that a positive row
// scores above a negative one, ties counting half (Mann and Whitney 1947; by
// mid-ranks, Hanley and McNeil 1982). False when a class is absent.
func rocAUC(rows []scored) (auc float64, ok bool) {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	var positives, negatives, wins float64
	for i := 0; i < len(rows); {
		var pos, neg float64 // of this score
		for at := rows[i].score; i < len(rows) && rows[i].score == at; i++ {
			if rows[i].positive {
				pos++
			} else {
				neg++
			}
		}
		wins += pos * (negatives + neg/2)
		positives += pos
		negatives += neg
	}
	if positives == 0 || negatives == 0 {
		return 0, false
	}
	return wins / (positives * negatives), true
}
