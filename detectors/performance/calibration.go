package performance

import (
	"cmp"
	"math"
	"slices"
)

// CalibrationBins is how many bins the calibration error has by default.
const CalibrationBins = 10

// clipped is how far a probability may be from 0 and 1 in the log loss: beyond
// it one sure and wrong row would outweigh all others without bound.
const clipped = 1e-15

// LogLoss is the mean of −ln of the probability given to the label, in nats.
// Probabilities are clipped to [1e-15, 1−1e-15].
func LogLoss(scores []float64, positive []bool) Figure {
	return meanOf(scores, positive, logLoss)
}

// Brier is the mean squared distance of probability and label.
func Brier(scores []float64, positive []bool) Figure {
	return meanOf(scores, positive, squaredError)
}

func logLoss(score float64, positive bool) float64 {
	p := min(max(score, clipped), 1-clipped)
	if positive {
		return -math.Log(p)
	}
	return -math.Log1p(-p)
}

func squaredError(score float64, positive bool) float64 {
	d := score - one(positive)
	return d * d
}

func meanOf(scores []float64, positive []bool, loss func(float64, bool) float64) Figure {
	var sum, squares float64
	for i, s := range scores {
		l := loss(s, positive[i])
		sum, squares = sum+l, squares+l*l
	}
	return meanFigure(sum, squares, len(scores))
}

// CalibrationBin is one bin of a calibration curve.
type CalibrationBin struct {
	Rows      float64 `json:"rows"`
	Scores    float64 `json:"scores"`    // sum
	Positives float64 `json:"positives"` // count
}

// Calibration is an expected calibration error with what chance adds to it.
type Calibration struct {
	Figure           // Value is Σ rows/n·|mean score − observed share|; SE by the delta method, too small when Value is near ByChance
	ByChance float64 // expected Value when the probabilities are right: √(2/π)·Σ rows/n·deviation. The error is never 0 in a sample
}

// EqualMass bins hold the same number of rows each, to within one, in order of
// score; rows of equal score may be parted, in the order given. It is the
// default here, for scores that crowd at one end leave equal widths empty.
func EqualMass(scores []float64, positive []bool, bins int) []CalibrationBin {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	out := make([]CalibrationBin, bins)
	for at, i := range order {
		out[at*bins/len(order)].add(scores[i], positive[i])
	}
	return out
}

// EqualWidth bins cut [0,1] into equal parts; scores outside go to the ends.
// They do not move with the rows, and so merge exactly.
func EqualWidth(scores []float64, positive []bool, bins int) []CalibrationBin {
	out := make([]CalibrationBin, bins)
	for i, s := range scores {
		out[binOf(s, bins)].add(s, positive[i])
	}
	return out
}

// binOf is the bin of a score in [0,1], closed below and open above, but for the last.
func binOf(score float64, bins int) int {
	return min(max(int(score*float64(bins)), 0), bins-1)
}

func (b *CalibrationBin) add(score float64, positive bool) {
	b.Rows++
	b.Scores += score
	b.Positives += one(positive)
}

// ECE is the expected calibration error of bins.
func ECE(bins []CalibrationBin) Calibration {
	var n, sum, variance, chance float64
	for _, b := range bins {
		n += b.Rows
	}
	if n == 0 {
		return Calibration{Figure: undefined(0), ByChance: math.NaN()}
	}
	for _, b := range bins {
		if b.Rows == 0 {
			continue
		}
		mean, share := b.Scores/b.Rows, b.Positives/b.Rows
		sum += math.Abs(b.Scores - b.Positives)
		variance += b.Rows * share * (1 - share)
		chance += b.Rows * math.Sqrt(2/math.Pi*max(0, mean*(1-mean))/b.Rows)
	}
	return Calibration{Figure: Figure{Value: sum / n, SE: math.Sqrt(variance) / n, N: int(math.Round(n))}, ByChance: chance / n}
}
