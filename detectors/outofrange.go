package detectors

import (
	"fmt"
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// rangeDetector is the share of rows outside the reference's extremes, or
// outside the limits that the configuration declares (features.*.min, max),
// beyond the share that the reference has there itself.
//
// Null distribution: against the reference's own extremes, at least k of M new
// rows lie outside exactly when at most one of the k+1 outermost places, taken
// from both ends, is the reference's; over all orders of N+M rows that has
// probability [C(M,k+1)+N·C(M,k)]/C(N+M,k+1), whatever the distribution. Ties
// with an extreme count as inside, which is conservative. Against declared
// limits: two proportions. Cost: O(points).
var rangeDetector = Detector{
	Manual: Manual{
		Name: "out_of_range", Title: "out of range", Unit: "share of rows", Range: "0 to 1", Threshold: 0.01,
		Doc:    "Share of rows below the reference's smallest or above its largest value. `features.*.min` and `max` declare limits of your own.",
		Use:    "Features with natural limits, such as ages and percentages, and models that must not extrapolate.",
		Blind:  "Everything within the range. A reference with one wild row has a wide one: declare limits then.",
		Null:   "Exact over the orders of all rows for the reference's own extremes, two-proportion test for declared limits.",
		Cost:   "O(points)",
		Source: "exceedances: Gumbel and von Schelling, Annals of Mathematical Statistics 1950",
	},
	Kinds: numericOnly, Compare: outOfRange,
}

func outOfRange(ref, cur *schemas.Summary, par Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	low, high := extremes(ref)
	if par.Lower != nil {
		low = *par.Lower
	}
	if par.Upper != nil {
		high = *par.Upper
	}
	low, high = narrow(low), narrow(high)
	n, m := float64(ref.Present()), float64(cur.Present())
	a, b := outside(ref, low, high), outside(cur, low, high)
	r := Result{Score: max(0, b/m-a/n), PValue: 1, Detail: fmt.Sprintf("no row outside %s to %s", number(low), number(high))}
	if b > 0 {
		r.Detail = fmt.Sprintf("%s of rows outside %s to %s, %s in the reference", percent(b/m), number(low), number(high), percent(a/n))
	}
	switch {
	case r.Score == 0:
	case par.Lower == nil && par.Upper == nil:
		r.PValue = exceedanceTail(math.Floor(b), n, m)
	default:
		r.PValue = proportionTail(a, n, b, m)
	}
	return r
}

// extremes of a summary: its own, which are exact, or those of its points.
func extremes(s *schemas.Summary) (low, high float64) {
	low, high = s.Points[0].Value, s.Points[len(s.Points)-1].Value
	if s.Min < s.Max {
		low, high = min(low, s.Min), max(high, s.Max)
	}
	return low, high
}

// outside counts rows; a sketch may have no point for a single one, which its
// extremes still know.
func outside(s *schemas.Summary, low, high float64) (rows float64) {
	for _, p := range s.Points {
		if v := narrow(p.Value); v < low || v > high {
			rows += p.Weight
		}
	}
	rows *= float64(s.Present()) / mass(s.Points)
	if a, b := extremes(s); narrow(a) < low || narrow(b) > high {
		rows = max(rows, 1)
	}
	return rows
}

// exceedanceTail is the chance that k or more of m new rows lie outside the
// extremes of n rows of the same continuous distribution.
func exceedanceTail(k, n, m float64) float64 {
	if k <= 0 {
		return 1
	}
	all := logChoose(n+m, k+1)
	return tail.Clamp(math.Exp(logChoose(m, k+1)-all) + math.Exp(math.Log(n)+logChoose(m, k)-all))
}

// logChoose is ln C(n, k), −∞ when there is no such choice.
func logChoose(n, k float64) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
