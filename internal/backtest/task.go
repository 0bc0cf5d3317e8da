package backtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/tabular"
)

// sample is rows as their task needs them; rows that lack what it needs are
// left out.
type sample struct {
	binary     performance.BinaryRows
	regression performance.RegressionRows
	multiclass performance.MulticlassRows // with probabilities
	classes    [2][]string                // without: predictions and truths
}

// manyValues is how many distinct whole numbers are a quantity and no classes.
const manyValues = 20

// taskOf labels: 0 and 1 are binary, fractions or many numbers a regression,
// anything else classes.
func taskOf(truths []string) Task {
	values := map[string]bool{}
	binary, numeric, fractions := true, true, false
	for _, y := range truths {
		if y == "" || values[y] {
			continue
		}
		values[y] = true
		binary = binary && (y == "0" || y == "1")
		v, err := strconv.ParseFloat(y, 64)
		numeric = numeric && err == nil
		fractions = fractions || v != math.Trunc(v)
	}
	switch {
	case binary:
		return Binary
	case numeric && (fractions || len(values) > manyValues):
		return Regression
	}
	return Multiclass
}

// sampler makes samples of tables that share their columns.
type sampler struct {
	task     Task
	o        Options
	features []string // numeric columns of both files, for the loss model
	classes  []class  // with probabilities, ascending by name; nil without
}

// of the rows of a table. With truths only rows whose label is known.
func (s *sampler) of(t *tabular.Table, truths []string) (out sample, err error) {
	scores, predictions := numbersOf(t, s.o.Score), textsOf(t, s.o.Prediction)
	values := numbersOf(t, cmp.Or(s.o.Score, s.o.Prediction))
	var probabilities [][]float64 // by class
	for _, c := range s.classes {
		probabilities = append(probabilities, numbersOf(t, c.column))
	}
	var rows []int
	for i := range t.Rows {
		if truths != nil && truths[i] == "" {
			continue
		}
		switch s.task {
		case Binary:
			s.addBinary(&out.binary, scores[i], predictions[i], truths, i)
		case Multiclass:
			if s.classes != nil {
				if err := s.addClasses(&out.multiclass, probabilities, predictions[i], truths, i); err != nil {
					return out, fmt.Errorf("%s, row %d: %w", t.Name, i, err)
				}
			} else if predictions[i] != "" && truths != nil {
				out.classes[0], out.classes[1] = append(out.classes[0], predictions[i]), append(out.classes[1], truths[i])
			}
		case Regression:
			if math.IsNaN(values[i]) {
				continue
			}
			rows = append(rows, i)
			out.regression.Predicted = append(out.regression.Predicted, values[i])
			if truths != nil {
				y, err := strconv.ParseFloat(truths[i], 64)
				if err != nil {
					return out, fmt.Errorf("%s: label %q is no number, and the task is a regression", t.Name, truths[i])
				}
				out.regression.Truth = append(out.regression.Truth, y)
			}
		}
	}
	for _, f := range s.features {
		out.regression.Features = append(out.regression.Features, pick(numbersOf(t, f), rows))
	}
	return out, nil
}

// addBinary adds a row that has what the options name: score, prediction.
func (s *sampler) addBinary(b *performance.BinaryRows, score float64, prediction string, truths []string, i int) {
	if s.o.Score != "" && math.IsNaN(score) || s.o.Prediction != "" && prediction == "" {
		return
	}
	predicted := prediction == "1"
	if s.o.Prediction == "" {
		predicted = score >= 0.5
	}
	b.Scores, b.Predicted = append(b.Scores, score), append(b.Predicted, predicted)
	if truths != nil {
		b.Positive = append(b.Positive, truths[i] == "1")
	}
}

// measure a realised metric of a sample with labels.
func (s *sampler) measure(metric string, x sample) performance.Figure {
	switch s.task {
	case Binary:
		if len(x.binary.Positive) == 0 || s.o.Score == "" && needsScore(metric) {
			return performance.Figure{Value: math.NaN(), SE: math.NaN()}
		}
		return performance.MeasureBinary(metric, x.binary)
	case Regression:
		return performance.MeasureRegression(metric, x.regression.Predicted, x.regression.Truth)
	case Multiclass:
	}
	if s.classes == nil {
		return measureNames(metric, x.classes[0], x.classes[1])
	}
	if len(x.multiclass.Truth) == 0 {
		return performance.Figure{Value: math.NaN(), SE: math.NaN()}
	}
	return performance.MeasureMulticlass(metric, x.multiclass, len(s.classes))
}

func needsScore(metric string) bool {
	return slices.Contains([]string{performance.NameAUC, performance.NameLogLoss, performance.NameBrier, performance.NameECE}, metric)
}

// usual metrics of a task: one, so that a window is one question. The AUC of a
// classifier does not move with the base rate and the choice of a cut, which
// accuracy and F1 do.
func (s *sampler) usual() []string {
	switch {
	case s.task == Regression:
		return []string{performance.NameMAE}
	case s.task == Binary && s.o.Score != "", s.task == Multiclass && s.classes != nil:
		return []string{performance.NameAUC}
	}
	return []string{performance.NameAccuracy}
}

// numbersOf a column, NaN when the table has none or it is not numeric.
func numbersOf(t *tabular.Table, name string) []float64 {
	if c := t.Column(name); c != nil && c.Kind == tabular.Numeric {
		return c.Numbers
	}
	out := make([]float64, t.Rows)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

func pick(values []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}
