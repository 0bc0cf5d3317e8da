package detectors

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/driftline/driftline/schemas"
)

// meanDetector is the difference of the means in standard deviations of the
// reference (Glass's Δ). The window's own deviation is no part of the unit: an
// outlier that moves the mean would widen it as well and hide itself.
//
// Null distribution: Student's t, the larger p of Welch's form and of the one
// with a pooled variance (see sameMean). Cost: O(1); O(points) where the summary has no moments.
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
	if !(a.variance > 0) {
		return Result{NoData: true, Detail: "the reference has one value and so no scale"}
	}
	return Result{
		Score:  math.Abs(a.mean-b.mean) / math.Sqrt(a.variance),
		PValue: sameMean(a, b),
		Detail: "mean went from " + number(a.mean) + " to " + number(b.mean),
	}
}

// sampling is what a test of means needs of a sample.
type sampling struct{ n, mean, variance float64 } // population variance

// sampled takes the moments from the summary where it has them: those are exact
// even when the points come from a sketch.
func sampled(s *schemas.Summary) sampling {
	if s.Variance > 0 {
		return sampling{float64(s.Present()), s.Mean, s.Variance}
	}
	return transformed(s, func(v float64) float64 { return v })
}

// transformed are the moments of a function of the values.
func transformed(s *schemas.Summary, f func(float64) float64) sampling {
	var sum, mean, m2 float64
	for _, p := range s.Points {
		if p.Weight > 0 {
			sum += p.Weight
			d := f(narrow(p.Value)) - mean
			mean += d * p.Weight / sum
			m2 += p.Weight * d * (f(narrow(p.Value)) - mean)
		}
	}
	return sampling{float64(s.Present()), mean, max(0, m2/sum)}
}

// sameMean is the two-sided p-value of "two samples share a mean": the larger
// of Welch's and of Student's with a pooled variance. For skewed data Welch's
// is too small, because a sample that by chance has no outliers has a low mean
// and a low variance at once; Student's is too small where the fewer rows have
// the wider spread. Each covers for the other.
func sameMean(a, b sampling) float64 {
	if a.n < 2 || b.n < 2 {
		return 1
	}
	return max(welch(a, b), student(a, b))
}

func welch(a, b sampling) float64 {
	va, vb := a.variance/(a.n-1), b.variance/(b.n-1)
	df := (va + vb) / (va*va/(a.n-1) + vb*vb/(b.n-1)) * (va + vb)
	return studentTails(math.Abs(a.mean-b.mean), math.Sqrt(va+vb), df)
}

func student(a, b sampling) float64 {
	df := a.n + b.n - 2
	pooled := (a.n*a.variance + b.n*b.variance) / df
	return studentTails(math.Abs(a.mean-b.mean), math.Sqrt(pooled*(1/a.n+1/b.n)), df)
}

// studentTails is P(|T|·deviation ≥ gap) of Student's distribution.
func studentTails(gap, deviation, df float64) float64 {
	if !(deviation > 0) {
		return noScaleTail(gap)
	}
	t := gap / deviation
	if math.IsNaN(t) || math.IsInf(t, 0) || !(df > 0) {
		return 1
	}
	return clamp01(mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)))
}
