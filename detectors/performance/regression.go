package performance

import "math"

// RegressionState is what labelled rows of a regression leave behind; it merges
// exactly but for rounding. The zero value holds no rows, for the median.
type RegressionState struct {
	Quantile float64 `json:"quantile"` // τ of the pinball loss, above 0 and below 1; 0 means 0.5
	N        int     `json:"n"`
	Absolute float64 `json:"absolute"` // Σ|e|, e = truth − prediction
	Squares  float64 `json:"squares"`  // Σe²
	Fourths  float64 `json:"fourths"`  // Σe⁴
	Pinball  float64 `json:"pinball"`  // Σ pinball loss
	Pinball2 float64 `json:"pinball2"` // Σ of its squares
	Mean     float64 `json:"mean"`     // of the truth
	Spread   float64 `json:"spread"`   // Σ(truth − mean)²
}

// Add one labelled row.
func (s *RegressionState) Add(predicted, truth float64) {
	e := truth - predicted
	s.Absolute += math.Abs(e)
	s.Squares += e * e
	s.Fourths += e * e * e * e
	l := pinball(e, s.quantile())
	s.Pinball += l
	s.Pinball2 += l * l
	s.N++
	d := truth - s.Mean // Welford
	s.Mean += d / float64(s.N)
	s.Spread += d * (truth - s.Mean)
}

func (s *RegressionState) quantile() float64 {
	if s.Quantile == 0 {
		return 0.5
	}
	return s.Quantile
}

func pinball(e, tau float64) float64 { return max(tau*e, (tau-1)*e) }

// Merge adds another state's rows; both must have the same quantile.
// (Means and spreads merge after Chan, Golub and LeVeque 1979.)
func (s *RegressionState) Merge(o *RegressionState) {
	if o.N == 0 {
		return
	}
	n, m := float64(s.N), float64(o.N)
	d := o.Mean - s.Mean
	s.Spread += o.Spread + d*d*n*m/(n+m)
	s.Mean += d * m / (n + m)
	s.N += o.N
	s.Absolute += o.Absolute
	s.Squares += o.Squares
	s.Fourths += o.Fourths
	s.Pinball += o.Pinball
	s.Pinball2 += o.Pinball2
}

// Figure of a metric by name; undefined for those of classifiers, and R² for a
// constant truth.
func (s *RegressionState) Figure(metric string) Figure {
	n := float64(s.N)
	switch {
	case s.N == 0:
		return undefined(0)
	case metric == NameMAE:
		return meanFigure(s.Absolute, s.Squares, s.N)
	case metric == NamePinball:
		return meanFigure(s.Pinball, s.Pinball2, s.N)
	case metric == NameRMSE:
		return rooted(meanFigure(s.Squares, s.Fourths, s.N))
	case metric == NameR2 && s.Spread > 0:
		r2 := 1 - s.Squares/s.Spread
		return Figure{r2, math.Sqrt(4 * max(0, r2) * (1 - r2) * (1 - r2) / n), s.N}
	}
	return undefined(s.N)
}

// rooted is the root of a figure, by the delta method.
func rooted(f Figure) Figure {
	root := math.Sqrt(f.Value)
	if root > 0 {
		f.SE /= 2 * root
	}
	f.Value = root
	return f
}

// MeasureRegression is a realised metric of labelled rows, by the metric's name;
// the pinball loss is that of the median, half the mean absolute error.
func MeasureRegression(metric string, predicted, truth []float64) Figure {
	var s RegressionState
	for i, y := range truth {
		s.Add(predicted[i], y)
	}
	return s.Figure(metric)
}
