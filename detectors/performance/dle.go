package performance

import (
	"fmt"
	"math"
)

// RegressionRows are rows of a regression, column by column.
type RegressionRows struct {
	Features  [][]float64 // by feature, then by row; missing values are NaN
	Predicted []float64
	Truth     []float64 // nil when unknown
}

// dleFolds is how many parts of the reference each have a loss model that has
// not seen them.
const dleFolds = 5

// minDLE is the fewest reference rows for which folds have leaves to speak of.
const minDLE = dleFolds * 2 * treeMinLeaf

// DLE estimates a regression's error without labels: a second model learns the
// loss of each row from the features and the prediction, and the mean of what
// it says of a window is the window's expected error (direct loss estimation).
// It follows shifts of the inputs into regions where the model was known to be
// better or worse, as long as the reference has rows there.
type DLE struct {
	losses map[string]*lossModel // by metric
}

// lossModel is one model for each fold left out.
type lossModel struct {
	forests []*forest
	loss    func(truth, predicted float64) float64
}

// NewDLE learns from a labelled reference of at least 200 rows.
func NewDLE(reference RegressionRows) (*DLE, error) {
	if n := len(reference.Truth); n < minDLE || n != len(reference.Predicted) {
		return nil, fmt.Errorf("fit loss model: %d labels for %d predictions; at least %d are needed", n, len(reference.Predicted), minDLE)
	}
	for i := range reference.Truth {
		if e := reference.Truth[i] - reference.Predicted[i]; math.IsNaN(e) || math.IsInf(e, 0) {
			return nil, fmt.Errorf("fit loss model: row %d has no finite error", i)
		}
	}
	e := &DLE{losses: map[string]*lossModel{
		NameMAE:  {loss: func(y, p float64) float64 { return math.Abs(y - p) }},
		NameRMSE: {loss: func(y, p float64) float64 { return (y - p) * (y - p) }},
	}}
	inputs := reference.inputs()
	for _, m := range e.losses {
		m.fit(inputs, reference)
	}
	return e, nil
}

// inputs of the loss models: the features and the prediction itself.
func (r RegressionRows) inputs() [][]float64 {
	return append(append([][]float64{}, r.Features...), r.Predicted)
}

// fit a forest for each fold left out; folds are rows of equal remainder, so
// that each covers the whole time of the reference.
func (m *lossModel) fit(inputs [][]float64, reference RegressionRows) {
	for fold := range dleFolds {
		var rows []int
		var targets []float64
		for i, y := range reference.Truth {
			if i%dleFolds != fold {
				rows = append(rows, i)
				targets = append(targets, m.loss(y, reference.Predicted[i]))
			}
		}
		columns := make([][]float64, len(inputs))
		for k := range inputs {
			columns[k] = take(inputs[k], rows)
		}
		m.forests = append(m.forests, fitForest(columns, targets))
	}
}

// means is the expected loss of each row, and the mean of all rows by each of
// the fold's models.
func (m *lossModel) means(inputs [][]float64, n int) (rows, folds []float64) {
	rows, folds = make([]float64, n), make([]float64, len(m.forests))
	k := float64(len(m.forests))
	for i := range rows {
		for f, forest := range m.forests {
			v := max(0, forest.predict(inputs, i))
			rows[i] += v / k
			folds[f] += v / float64(n)
		}
	}
	return rows, folds
}

// modelVariance is the delete-a-group jackknife over the folds: how uncertain
// the mean loss is because the models were learned from a sample.
func modelVariance(folds []float64) (v float64) {
	center, k := mean(folds), float64(len(folds))
	for _, f := range folds {
		v += (f - center) * (f - center)
	}
	return v * (k - 1) / k
}

// Estimate is the expected MAE or RMSE of rows without labels; other metrics
// are undefined. SE counts the models' uncertainty only: how much single rows
// scatter around their expected loss is known once there are labels, by Gap.
func (e *DLE) Estimate(metric string, rows RegressionRows) Figure {
	m, n := e.losses[metric], len(rows.Predicted)
	if m == nil || n == 0 {
		return undefined(n)
	}
	_, folds := m.means(rows.inputs(), n)
	f := Figure{mean(folds), math.Sqrt(modelVariance(folds)), n}
	if metric == NameRMSE {
		return rooted(f)
	}
	return f
}

// Gap holds the estimate against the labels of the same rows. Its variance is
// that of the mean of paired differences (loss − expected loss), which leaves
// out what the inputs explain, plus that of the models.
func (e *DLE) Gap(metric string, rows RegressionRows) Gap {
	realised := MeasureRegression(metric, rows.Predicted, rows.Truth)
	m, n := e.losses[metric], len(rows.Truth)
	if m == nil || n < 2 {
		return newGap(metric, expectation{value: math.NaN()}, realised)
	}
	expected, folds := m.means(rows.inputs(), n)
	var sum, squares, cubes float64
	for i, y := range rows.Truth {
		expected[i] = m.loss(y, rows.Predicted[i]) - expected[i] // now the difference
		sum += expected[i]
	}
	k := float64(n)
	for _, d := range expected {
		c := d - sum/k
		squares, cubes = squares+c*c, cubes+c*c*c
	}
	x := expectation{value: mean(folds), variance: squares/(k-1)/k + modelVariance(folds), third: cubes / k / k / k}
	if metric == NameRMSE {
		x.value = math.Sqrt(x.value)
		// d√v = dv / 2√v, at the mean of both, where the secant is exact
		slope := 1 / max(x.value+realised.Value, math.SmallestNonzeroFloat64)
		x.variance *= slope * slope
		x.third *= slope * slope * slope
	}
	x.cautious = x.value
	return newGap(metric, x, realised)
}
