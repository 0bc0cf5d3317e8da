package performance

import (
	"errors"
	"fmt"
	"math"
)

// MulticlassRows are rows of a classifier of several classes, numbered from 0,
// column by column.
type MulticlassRows struct {
	Probabilities [][]float64 // by row, then by class
	Predicted     []int       // nil: the class of the greatest probability, the first of equals
	Truth         []int       // nil when unknown
}

func (r MulticlassRows) predicted(i int) int {
	if r.Predicted != nil {
		return r.Predicted[i]
	}
	best := 0
	for k, p := range r.Probabilities[i] {
		if p > r.Probabilities[i][best] {
			best = k
		}
	}
	return best
}

// class is one class against the rest: its probabilities, and its labels when known.
func (r MulticlassRows) class(k int) (scores []float64, positive []bool) {
	scores = make([]float64, len(r.Probabilities))
	for i, p := range r.Probabilities {
		scores[i] = p[k]
	}
	if r.Truth != nil {
		positive = make([]bool, len(r.Truth))
		for i, y := range r.Truth {
			positive[i] = y == k
		}
	}
	return scores, positive
}

// MeasureMulticlass is a realised metric of labelled rows, by name: as
// MulticlassState.Figure, and roc_auc as the plain mean of each class against
// the rest over the classes that occur. The standard error of that mean takes
// the classes for perfectly correlated, and so is not too small.
func MeasureMulticlass(metric string, rows MulticlassRows, classes int) Figure {
	if metric == NameAUC {
		var value, se, seen float64
		for k := range classes {
			if f := AUC(rows.class(k)); f.Defined() {
				value, se, seen = value+f.Value, se+f.SE, seen+1
			}
		}
		if seen == 0 {
			return undefined(len(rows.Truth))
		}
		return Figure{value / seen, se / seen, len(rows.Truth)}
	}
	s := NewMulticlassState(classes)
	for i, y := range rows.Truth {
		s.Add(rows.Probabilities[i], rows.predicted(i), y)
	}
	return s.Figure(metric)
}

// MultiCBPE is CBPE for several classes: each class is calibrated against the
// rest, and the calibrated probabilities of a row are divided by their sum.
type MultiCBPE struct {
	Calibrators []*Calibrator // by class
}

// NewMultiCBPE fits a labelled reference, in which every class must occur.
func NewMultiCBPE(reference MulticlassRows, classes int) (*MultiCBPE, error) {
	if len(reference.Truth) != len(reference.Probabilities) {
		return nil, fmt.Errorf("fit calibrators: %d labels for %d rows", len(reference.Truth), len(reference.Probabilities))
	}
	if classes < 2 {
		return nil, errors.New("fit calibrators: at least two classes are needed")
	}
	e := &MultiCBPE{}
	for k := range classes {
		scores, positive := reference.class(k)
		one, err := NewCBPE(BinaryRows{Scores: scores, Positive: positive})
		if err != nil {
			return nil, fmt.Errorf("class %d: %w", k, err)
		}
		e.Calibrators = append(e.Calibrators, one.Calibrator)
	}
	return e, nil
}

// Estimate is the expected value of a metric on rows without labels; see CBPE.
func (e *MultiCBPE) Estimate(metric string, rows MulticlassRows) Figure {
	return e.expect(metric, rows).figure(len(rows.Probabilities))
}

// Gap holds the estimate against the labels of the same rows.
func (e *MultiCBPE) Gap(metric string, rows MulticlassRows) Gap {
	return newGap(metric, e.expect(metric, rows), MeasureMulticlass(metric, rows, len(e.Calibrators)))
}

// expect is as for two classes, with one pull by class: a row's label is one
// draw among the classes, of variance Σ c·pull² − (Σ c·pull)². Of the
// calibrators' errors the classes' standard deviations are added up, because
// the classes were fitted on the same rows.
func (e *MultiCBPE) expect(metric string, rows MulticlassRows) (x expectation) {
	value, _ := e.expectedMetric(metric, rows, e.calibrated(rows, (*Calibrator).Probability))
	cautious := e.calibrated(rows, (*Calibrator).cautious)
	var pull [][]float64 // by class, then by row
	x.value = value
	if x.cautious, pull = e.expectedMetric(metric, rows, cautious); math.IsNaN(x.value) {
		return x
	}
	var fit float64
	for k, c := range e.Calibrators {
		scores, _ := rows.class(k)
		fit += math.Sqrt(c.uncertainty(scores, pull[k]))
	}
	x.variance = fit * fit
	for i, c := range cautious {
		var mean, square, cube float64
		for k, p := range c {
			v := pull[k][i]
			mean, square, cube = mean+p*v, square+p*v*v, cube+p*v*v*v
		}
		x.variance += square - mean*mean
		x.third += cube - 3*mean*square + 2*mean*mean*mean
	}
	return x
}

func (e *MultiCBPE) calibrated(rows MulticlassRows, of func(*Calibrator, float64) float64) [][]float64 {
	out := make([][]float64, len(rows.Probabilities))
	for i, raw := range rows.Probabilities {
		out[i] = make([]float64, len(e.Calibrators))
		var sum float64
		for k, c := range e.Calibrators {
			out[i][k] = of(c, raw[k])
			sum += out[i][k]
		}
		for k := range out[i] {
			if sum > 0 {
				out[i][k] /= sum
			} else {
				out[i][k] = 1 / float64(len(e.Calibrators))
			}
		}
	}
	return out
}

// expectedMetric is a metric's expected value and its derivative by each label.
func (e *MultiCBPE) expectedMetric(metric string, rows MulticlassRows, c [][]float64) (value float64, pull [][]float64) {
	classes := len(e.Calibrators)
	pull = make([][]float64, classes)
	if metric == NameAUC || metric == NameLogLoss {
		for k := range classes {
			scores, _ := rows.class(k)
			chances := make([]float64, len(c))
			for i := range c {
				chances[i] = c[i][k]
			}
			var v float64
			if metric == NameAUC {
				v, pull[k] = expectAUC(scores, chances)
				v /= float64(classes)
				scale(pull[k], 1/float64(classes))
			} else {
				v, pull[k] = expectLoss(scores, chances, func(s float64, yes bool) float64 { return one(yes) * logLoss(s, yes) })
			}
			value += v
		}
		return value, pull
	}
	m := NewConfusion(classes)
	for i := range c {
		for k, p := range c[i] {
			m.Add(k, rows.predicted(i), p)
		}
	}
	value, s := m.metric(metric)
	for k := range classes {
		pull[k] = make([]float64, len(c))
		for i := range c {
			pull[k][i] = s[k*classes+rows.predicted(i)]
		}
	}
	return value, pull
}

func scale(values []float64, by float64) {
	for i := range values {
		values[i] *= by
	}
}
