package detectors

import (
	"fmt"
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// varianceDetector compares the spread, as the mean absolute deviation from the
// median: the score is its change over the larger of the two, so that half as
// wide and twice as wide score the same. The variance itself would do, but a
// single outlier makes it, and with it the test.
//
// Null distribution: Brown and Forsythe's test, which takes the deviations from
// the median for samples and asks whether their means agree (see tail.SameMean). Cost: O(points).
var varianceDetector = Detector{
	Manual: Manual{
		Name: "variance_shift", Title: "variance shift", Unit: "share of the larger spread", Range: "0 to 1; 0.5 is half as wide or twice as wide", Threshold: 0.2,
		Doc:    "Change of the spread, measured as the mean absolute deviation from the median.",
		Use:    "Features that get noisier or go quiet while their middle stays: sensors, smoothed inputs, a cache in front of a source.",
		Blind:  "Shifts of the middle, and shapes of equal spread. A constant reference has no spread: no data.",
		Null:   "Brown and Forsythe's test, with the larger p of Welch's form and the pooled one; conservative for skewed data.",
		Cost:   "O(points)",
		Source: "Brown and Forsythe, JASA 1974",
	},
	Kinds: numericOnly, Compare: varianceShift,
}

func varianceShift(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	a, b := deviations(ref), deviations(cur)
	if !(a.Mean > 0) {
		return Result{NoData: true, Detail: "the reference has one value and so no spread"}
	}
	return Result{
		Score:  math.Abs(a.Mean-b.Mean) / max(a.Mean, b.Mean),
		PValue: tail.SameMean(a, b),
		Detail: fmt.Sprintf("mean deviation from the median went from %s to %s", number(a.Mean), number(b.Mean)),
	}
}

// deviations from the median, as a sample.
func deviations(s *schemas.Summary) tail.Sample {
	middle := narrow(quantile(s.Points, 0.5))
	return transformed(s, func(v float64) float64 { return math.Abs(v - middle) })
}
