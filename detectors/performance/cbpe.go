package performance

import (
	"errors"
	"fmt"
	"math"
)

// BinaryRows are rows of a binary classifier, column by column, of equal length.
type BinaryRows struct {
	Scores    []float64
	Predicted []bool // nil: a score of at least 0.5
	Positive  []bool // the labels; nil when unknown
}

func (r BinaryRows) predicted(i int) int {
	if r.Predicted == nil {
		return int(one(r.Scores[i] >= 0.5))
	}
	return int(one(r.Predicted[i]))
}

// MeasureBinary is a realised metric of labelled rows, by the metric's name.
// Undefined for metrics of regressions.
func MeasureBinary(metric string, rows BinaryRows) Figure {
	switch metric {
	case NameAUC:
		return AUC(rows.Scores, rows.Positive)
	case NameLogLoss:
		return LogLoss(rows.Scores, rows.Positive)
	case NameBrier:
		return Brier(rows.Scores, rows.Positive)
	case NameECE:
		return ECE(EqualMass(rows.Scores, rows.Positive, CalibrationBins)).Figure
	}
	c := NewConfusion(2)
	for i, yes := range rows.Positive {
		c.Add(int(one(yes)), rows.predicted(i), 1)
	}
	return c.figure(c.metric(metric))
}

// CBPE estimates the performance of a binary classifier without labels: with
// calibrated probabilities, every row adds its chance of being positive to one
// cell of the expected confusion matrix and of the expected ROC curve
// (confidence-based performance estimation). Exact in the mean while P(y|score)
// is that of the reference, also when the scores' distribution moves.
type CBPE struct {
	Calibrator *Calibrator
}

// NewCBPE fits the calibrator on a labelled reference.
func NewCBPE(reference BinaryRows) (*CBPE, error) {
	if len(reference.Positive) != len(reference.Scores) {
		return nil, fmt.Errorf("fit calibrator: %d labels for %d scores", len(reference.Positive), len(reference.Scores))
	}
	var positives float64
	for i, yes := range reference.Positive {
		if math.IsNaN(reference.Scores[i]) {
			return nil, fmt.Errorf("fit calibrator: the score of row %d is not a number", i)
		}
		positives += one(yes)
	}
	if positives == 0 || positives == float64(len(reference.Positive)) {
		return nil, errors.New("fit calibrator: the reference needs labels of both classes")
	}
	return &CBPE{Calibrator: NewCalibrator(reference.Scores, reference.Positive)}, nil
}

// Estimate is the expected value of a metric on rows without labels. SE is the
// standard deviation of realised around estimated while nothing but the inputs
// changes: the labels' own chance and the calibrator's error. Undefined for the
// calibration error, which calibrated probabilities say nothing about.
func (e *CBPE) Estimate(metric string, rows BinaryRows) Figure {
	return e.expect(metric, rows).figure(len(rows.Scores))
}

// Gap holds the estimate against the labels of the same rows.
func (e *CBPE) Gap(metric string, rows BinaryRows) Gap {
	return newGap(metric, e.expect(metric, rows), MeasureBinary(metric, rows))
}

// expectation of a metric over the labels, given the inputs.
type expectation struct {
	value    float64
	cautious float64 // value without what the fit on the reference promises too much
	variance float64 // of realised around cautious
	third    float64 // third central moment of realised
}

func (x expectation) figure(n int) Figure {
	if math.IsNaN(x.value) {
		return undefined(n)
	}
	return Figure{Value: x.value, SE: math.Sqrt(x.variance), N: n}
}

// expect linearises the metric in the labels: realised ≈ value + Σ pull·(y−c),
// where c is the probability of a row. Given the scores the labels are
// independent, so the variance is Σ pull²·c(1−c), plus what the calibrator's
// error adds to Σ pull·c.
func (e *CBPE) expect(metric string, rows BinaryRows) (x expectation) {
	c, cautious := make([]float64, len(rows.Scores)), make([]float64, len(rows.Scores))
	for i, s := range rows.Scores {
		c[i], cautious[i] = e.Calibrator.Probability(s), e.Calibrator.cautious(s)
	}
	x.value, _ = expectBinary(metric, rows, c)
	if math.IsNaN(x.value) {
		return x
	}
	var pull []float64
	x.cautious, pull = expectBinary(metric, rows, cautious)
	x.variance = e.Calibrator.uncertainty(rows.Scores, pull)
	for i, p := range cautious {
		x.variance += pull[i] * pull[i] * p * (1 - p)
		x.third += pull[i] * pull[i] * pull[i] * p * (1 - p) * (1 - 2*p)
	}
	return x
}

// expectBinary is a metric's expected value and its derivative by each label.
func expectBinary(metric string, rows BinaryRows, c []float64) (value float64, pull []float64) {
	switch metric {
	case NameAUC:
		return expectAUC(rows.Scores, c)
	case NameLogLoss:
		return expectLoss(rows.Scores, c, logLoss)
	case NameBrier:
		return expectLoss(rows.Scores, c, squaredError)
	}
	m := NewConfusion(2)
	for i, p := range c {
		m.Add(1, rows.predicted(i), p)
		m.Add(0, rows.predicted(i), 1-p)
	}
	value, s := m.metric(metric)
	pull = make([]float64, len(c))
	for i := range c {
		k := rows.predicted(i)
		pull[i] = s[2+k] - s[k]
	}
	return value, pull
}

func expectAUC(scores, c []float64) (value float64, pull []float64) {
	neg := make([]float64, len(c))
	for i, p := range c {
		neg[i] = 1 - p
	}
	r := rank(scores, c, neg)
	pull = make([]float64, len(c))
	for i := range c {
		pull[i] = (r.below[i] - r.above[i] - r.auc*(r.neg-r.pos)) / (r.pos * r.neg)
	}
	return r.auc, pull
}

func expectLoss(scores, c []float64, loss func(float64, bool) float64) (value float64, pull []float64) {
	n := float64(len(c))
	if n == 0 {
		return math.NaN(), nil
	}
	pull = make([]float64, len(c))
	for i, p := range c {
		yes, no := loss(scores[i], true), loss(scores[i], false)
		value += (p*yes + (1-p)*no) / n
		pull[i] = (yes - no) / n
	}
	return value, pull
}
