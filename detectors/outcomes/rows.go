package outcomes

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// Row is one prediction of a window, with its label when it has one.
type Row struct {
	Version    string
	RequestID  string
	Time       time.Time
	Prediction string
	Score      float64   // NaN is missing
	Features   []float64 // those that were asked for, in that order; NaN is missing
	Labelled   bool
	Label      string
	Value      float64 // truth of a regression; NaN is none
}

// Window is what is stored of one.
type Window struct {
	Rows  []Row  // by version, then event time, then request id; a version and request id comes once
	OneOf uint64 // 1: all predictions; k: a fixed one in k
}

// Question asks for a window.
type Question struct {
	schemas.ModelKey
	Span     schemas.Span
	Horizon  time.Duration // a label counts if it became known so soon after its prediction
	Features []string      // numeric ones
	MaxRows  uint64
}

// sample is rows as their task needs them; rows that lack what it needs are
// left out.
type sample struct {
	binary     performance.BinaryRows
	regression performance.RegressionRows
	classes    [2][]string // predictions and truths
}

func (s *sample) rows(task string) int {
	switch task {
	case Binary:
		return len(s.binary.Scores)
	case Regression:
		return len(s.regression.Predicted)
	}
	return len(s.classes[0])
}

// truth of a label as text.
func (r *Row) truth() string {
	if r.Label == "" && !math.IsNaN(r.Value) {
		return strconv.FormatFloat(r.Value, 'g', -1, 64)
	}
	return r.Label
}

// quantity of a text or a number; NaN when neither is one.
func quantity(v float64, text string) float64 {
	if !math.IsNaN(v) {
		return v
	}
	if parsed, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(parsed, 0) {
		return parsed
	}
	return math.NaN()
}

// sampleOf rows: all of them without truths, or those with a label.
func (j *Judge) sampleOf(rows []Row, labelled bool) (out sample) {
	if j.cfg.Task == Regression && len(j.features) > 0 {
		out.regression.Features = make([][]float64, len(j.features))
	}
	for i := range rows {
		r := &rows[i]
		if labelled && !r.Labelled {
			continue
		}
		switch j.cfg.Task {
		case Binary:
			j.addBinary(&out.binary, r, labelled)
		case Regression:
			j.addRegression(&out.regression, r, labelled)
		case Multiclass:
			if r.Prediction != "" && labelled {
				out.classes[0], out.classes[1] = append(out.classes[0], r.Prediction), append(out.classes[1], r.truth())
			}
		}
	}
	return out
}

func (j *Judge) addBinary(b *performance.BinaryRows, r *Row, labelled bool) {
	score, predicted := r.Score, r.Prediction == j.cfg.PositivePrediction
	switch {
	case r.Prediction == "" && math.IsNaN(score), j.scored && math.IsNaN(score):
		return
	case r.Prediction == "":
		predicted = score >= 0.5
	}
	b.Scores, b.Predicted = append(b.Scores, score), append(b.Predicted, predicted)
	if labelled {
		b.Positive = append(b.Positive, r.truth() == j.cfg.Positive)
	}
}

func (j *Judge) addRegression(g *performance.RegressionRows, r *Row, labelled bool) {
	predicted, truth := quantity(r.Score, r.Prediction), quantity(r.Value, r.Label)
	if math.IsNaN(predicted) || labelled && math.IsNaN(truth) {
		return
	}
	g.Predicted = append(g.Predicted, predicted)
	if labelled {
		g.Truth = append(g.Truth, truth)
	}
	for k := range j.features {
		g.Features[k] = append(g.Features[k], r.Features[k])
	}
}

// measure a realised metric of labelled rows.
func (j *Judge) measure(metric string, s sample) performance.Figure {
	switch {
	case s.rows(j.cfg.Task) == 0 || j.cfg.Task == Binary && !j.scored && needsScore(metric):
		return performance.Figure{Value: math.NaN(), SE: math.NaN(), N: s.rows(j.cfg.Task)}
	case j.cfg.Task == Binary:
		return performance.MeasureBinary(metric, s.binary)
	case j.cfg.Task == Regression:
		return performance.MeasureRegression(metric, s.regression.Predicted, s.regression.Truth)
	}
	names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.classes[0], s.classes[1]))))
	state := performance.NewMulticlassState(len(names))
	for i, truth := range s.classes[1] {
		p, _ := slices.BinarySearch(names, s.classes[0][i])
		y, _ := slices.BinarySearch(names, truth)
		state.Add(nil, p, y)
	}
	return state.Figure(metric)
}

func needsScore(metric string) bool {
	return slices.Contains([]string{performance.NameAUC, performance.NameLogLoss, performance.NameBrier, performance.NameECE}, metric)
}

// Columns say what a reference file holds.
type Columns struct {
	Label, Prediction, Score string
	Features                 []string // numeric ones, for the estimates of regressions
}

// RowsOf a reference table that has a label, rounded to what the store keeps.
func RowsOf(t *tabular.Table, c Columns) ([]Row, error) {
	label := t.Column(c.Label)
	if label == nil {
		return nil, fmt.Errorf("no column %q, which performance.label names; columns: %v", c.Label, t.Names())
	}
	rows := make([]Row, t.Rows)
	truths, values := label.Texts(), numbersOf(t, c.Label)
	scores := numbersOf(t, c.Score)
	var predictions []string
	if p := t.Column(c.Prediction); p != nil {
		predictions = p.Texts()
	}
	features := make([][]float64, len(c.Features))
	for k, name := range c.Features {
		features[k] = numbersOf(t, name)
	}
	for i := range rows {
		r := &rows[i]
		*r = Row{Labelled: truths[i] != "", Label: truths[i], Value: values[i], Score: narrow(scores[i]), Features: make([]float64, len(features))}
		if predictions != nil {
			r.Prediction = predictions[i]
		}
		for k := range features {
			r.Features[k] = narrow(features[k][i])
		}
	}
	return rows, nil
}

// narrow rounds to what the store keeps of scores and features, so that a value
// of the file and the same value of an event are equal.
func narrow(v float64) float64 { return float64(float32(v)) }

// numbersOf a column, NaN when there is none or it is not numeric.
func numbersOf(t *tabular.Table, name string) []float64 {
	if c := t.Column(name); c != nil && c.Kind == tabular.Numeric {
		return c.Numbers
	}
	return slices.Repeat([]float64{math.NaN()}, t.Rows)
}

// byVersion cuts rows into those of each version, ascending.
func byVersion(rows []Row) [][]Row {
	var out [][]Row
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Version == rows[0].Version {
			n++
		}
		out, rows = append(out, rows[:n]), rows[n:]
	}
	return out
}

func inEventOrder(a, b *Row) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.RequestID, b.RequestID))
}
