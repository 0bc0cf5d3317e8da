package detectors

import (
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// unitDetector asks whether the window is the reference in another unit: all
// values multiplied by 10ᵏ, 2ᵏ (so 1024 too), 60 or 3600. The factors near the
// median shift of the quantiles' logarithms are taken out in turn, and what
// remains is compared by KS. The least must be at most 0.05, or what chance
// explains at 1 %, and at most half of what it was. The score is the factor in decimal orders of magnitude;
// a change that is not a plain factor scores 0.
//
// Null distribution: when nothing changed the p-value of KS between window and
// reference is one; no further test is made. Cost: O(points).
var unitDetector = Detector{
	Manual: Manual{
		Name: "unit_change", Title: "unit change", Unit: "decimal orders of magnitude", Range: "0 and up; 0.301 is a factor of 2, 3 one of 1000", Threshold: 0.3,
		Doc:    "The window is the reference times a power of ten or two, 60 or 3600, and otherwise the same: seconds became milliseconds, bytes became KiB.",
		Use:    "Measured quantities. It names the cause of an alarm that ks, psi and wasserstein raise as well.",
		Blind:  "Neighbours such as 60 and 64, 1000 and 1024 need many rows to be told apart. Units with an offset (Celsius to Fahrenheit), other factors (miles, pounds, currencies), and a change of unit together with another drift or in part of the rows.",
		Null:   "That of ks between window and reference.",
		Cost:   "O(points)",
		Source: "shift of log-quantiles; KS for the residual",
	},
	Kinds: numericOnly, Compare: unitChange,
}

func unitChange(ref, cur *schemas.Summary, par Params) Result {
	before := kolmogorovSmirnov(ref, cur, par)
	if before.NoData {
		return before
	}
	r := Result{PValue: before.PValue, Detail: "scale as before"}
	shift, ok := logShift(ref.Points, cur.Points)
	if !ok {
		return r
	}
	factor, after := 1.0, before
	for _, f := range unitsNear(shift) {
		if r := kolmogorovSmirnov(ref, scaled(cur, 1/f), par); r.Score < after.Score {
			factor, after = f, r
		}
	}
	allowed := max(0.05, 1.63/math.Sqrt(effective(ref, cur))) // 1.63: 1 % point of Kolmogorov's distribution
	if factor == 1 || after.Score > min(allowed, before.Score/2) {
		return r
	}
	r.Score = math.Abs(math.Log10(factor))
	r.Detail = "is " + number(factor) + " times the reference, KS " + number(after.Score) + " apart otherwise"
	return r
}

// scaled has all values multiplied.
func scaled(s *schemas.Summary, by float64) *schemas.Summary {
	out := *s
	out.Points = slices.Clone(s.Points)
	for i := range out.Points {
		out.Points[i].Value *= by
	}
	return &out
}

// logShift is the median of log₁₀ of the ratio of equal quantiles; not ok when
// most of them have no ratio, being zero or of unlike signs.
func logShift(ref, cur []schemas.Point) (shift float64, ok bool) {
	var shifts []float64
	unlike := 0
	for q := 0.025; q < 1; q += 0.05 {
		a, b := narrow(quantile(ref, q)), narrow(quantile(cur, q))
		switch {
		case a*b > 0:
			shifts = append(shifts, math.Log10(b/a))
		case a != 0 || b != 0: // the same atom at 0 has any factor
			unlike++
		}
	}
	if len(shifts) <= unlike {
		return 0, false
	}
	slices.Sort(shifts)
	return shifts[len(shifts)/2], true
}

// unitsNear are the factors of a change of unit within 10 % of 10^shift.
func unitsNear(shift float64) (near []float64) {
	try := func(factor float64) {
		if math.Abs(shift-math.Log10(factor)) < math.Log10(1.1) {
			near = append(near, factor)
		}
	}
	for k := 1.0; k <= 12; k++ {
		try(math.Pow(10, k))
		try(math.Pow(10, -k))
	}
	for k := 1.0; k <= 10; k++ {
		try(math.Pow(2, k))
		try(math.Pow(2, -k))
	}
	for _, f := range []float64{60, 3600} {
		try(f)
		try(1 / f)
	}
	return near
}
