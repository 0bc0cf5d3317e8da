package detectors

import (
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// meanDetector is the difference of the means in standard deviations of the
// reference (Glass's Δ). The window's own deviation is no part of the unit: an
// outlier that moves the mean would widen it as well and hide itself.
//
// Null distribution: Student's t, the larger p of Welch's form and of the one
// with a pooled variance (see tail.SameMean). Cost: O(1); O(points) where the summary has no moments.
var meanDetector = Detector{
	Manual: Manual{
		Name: "mean_shift", Title: "mean shift", Unit: "reference standard deviations", Range: "0 and up; 0.2 small, 0.5 medium, 0.8 large", Threshold: 0.2,
		Doc:    "Difference of the means.",
		Use:    "Where the mean is what counts, as for a score or a cost; the cheapest test, and the strongest for a plain shift.",
		Blind:  "Everything that leaves the mean: spread, shape, two peaks for one. Heavy tails make it slow to notice.",
		Null:   "Student's t: the larger p of Welch's form and of the pooled one. Exact for normal data, conservative for skewed ones.",
		Cost:   "O(1)",
		Source: "Welch, Biometrika 1947; Glass 1976 for the effect",
	},
	Kinds: numericOnly, Compare: meanShift,
}

func meanShift(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	a, b := sampled(ref), sampled(cur)
	if !(a.Variance > 0) {
		return Result{NoData: true, Detail: "the reference has one value and so no scale"}
	}
	return Result{
		Score:  math.Abs(a.Mean-b.Mean) / math.Sqrt(a.Variance),
		PValue: tail.SameMean(a, b),
		Detail: "mean went from " + number(a.Mean) + " to " + number(b.Mean),
	}
}

// sampled takes the moments from the summary where it has them: those are exact
// even when the points come from a sketch.
func sampled(s *schemas.Summary) tail.Sample {
	if s.Variance > 0 {
		return tail.Sample{N: float64(s.Present()), Mean: s.Mean, Variance: s.Variance}
	}
	return transformed(s, func(v float64) float64 { return v })
}

// transformed are the moments of a function of the values.
func transformed(s *schemas.Summary, f func(float64) float64) tail.Sample {
	var sum, mean, m2 float64
	for _, p := range s.Points {
		if p.Weight > 0 {
			sum += p.Weight
			d := f(narrow(p.Value)) - mean
			mean += d * p.Weight / sum
			m2 += p.Weight * d * (f(narrow(p.Value)) - mean)
		}
	}
	return tail.Sample{N: float64(s.Present()), Mean: mean, Variance: max(0, m2/sum)}
}
