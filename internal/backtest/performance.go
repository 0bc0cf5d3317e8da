package backtest

import (
	"fmt"
	"math"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// labels are the truths as text: by id, or in a column of the data itself.
type labels struct {
	name string            // of the label column
	byID map[string]string // nil: a column of the data
}

// readLabels of the labels file; nil when there is none.
func readLabels(o Options) (*labels, error) {
	if o.Labels == "" {
		return nil, nil
	}
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

// of the rows of a table, "" where unknown.
func (l *labels) of(t *tabular.Table, o Options) []string {
	if l.byID == nil {
		return textsOf(t, l.name)
	}
	out := make([]string, t.Rows)
	for i, id := range t.Column(o.ID).Texts() {
		out[i] = l.byID[id]
	}
	return out
}

// textsOf a column, all missing when the table has none.
func textsOf(t *tabular.Table, name string) []string {
	if c := t.Column(name); c != nil {
		return c.Texts()
	}
	return make([]string, t.Rows)
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
	scores    []float64
	positive  []bool
}

// outcomesOf the rows whose label is known.
func outcomesOf(t *tabular.Table, truths []string, o Options) outcomes {
	out := outcomes{binary: true}
	predictions := textsOf(t, o.Prediction)
	var scores []float64
	if c := t.Column(o.Score); c != nil {
		scores = c.Numbers
	}
	for i, truth := range truths {
		if truth == "" {
			continue
		}
		out.labelled++
		if predictions[i] != "" {
			out.predicted++
			if predictions[i] == truth {
				out.right++
			}
		}
		out.binary = out.binary && (truth == "0" || truth == "1")
		if scores != nil && !math.IsNaN(scores[i]) {
			out.scores = append(out.scores, scores[i])
			out.positive = append(out.positive, truth == "1")
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
	a.positive = append(a.positive, b.positive...)
}

func (a outcomes) performance(span schemas.Span, rows int) Performance {
	p := Performance{WindowStart: span.Start, WindowEnd: span.End, N: rows, Labelled: a.labelled, Metrics: []Measure{}}
	if rows > 0 {
		p.Coverage = float64(a.labelled) / float64(rows)
	}
	if a.predicted > 0 {
		p.Accuracy = known(float64(a.right) / float64(a.predicted))
	}
	if a.binary && a.labelled > 0 {
		p.AUC = known(performance.AUC(a.scores, a.positive).Value)
	}
	return p
}

// known is a figure for JSON: nil when it is not defined.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
