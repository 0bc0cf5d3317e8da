package performance

import "math"

// Band is a range in which a figure is expected.
type Band struct {
	Low, High float64
}

// Outside tells whether a value is out of the band. NaN never is.
func (b Band) Outside(v float64) bool { return v < b.Low || v > b.High }

// ChunkBand is the mean of the reference's chunks ± 3 standard deviations
// (dividing by the count). It is a habit, not a calibrated test: with the usual
// ten chunks the deviation itself is uncertain by a quarter, and the chance of
// a false alarm is several times the 0.27 % that three deviations of a known
// normal distribution have. Values that are NaN are left out; without any, the
// band is unbounded. Not clipped to the metric's range.
func ChunkBand(values []float64) Band {
	var n, sum, squares float64
	for _, v := range values {
		if !math.IsNaN(v) {
			n, sum = n+1, sum+v
		}
	}
	if n == 0 {
		return Band{math.Inf(-1), math.Inf(1)}
	}
	mean := sum / n
	for _, v := range values {
		if !math.IsNaN(v) {
			squares += (v - mean) * (v - mean)
		}
	}
	sd := math.Sqrt(squares / n)
	return Band{mean - 3*sd, mean + 3*sd}
}
