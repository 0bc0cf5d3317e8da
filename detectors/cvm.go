package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// cvmDetector is the root of the Cramér–von Mises criterion ∫(F−G)²dH, H the
// mean of both distribution functions, all taken at the middle of ties (mid
// ranks): the typical gap where KS takes the largest one. For equal sizes its
// square times NM/(N+M) is the usual two-sample T of mid ranks.
//
// Null distribution: NM/(N+M)·ω² converges to ∫B²dF (Anderson 1962); its tail
// is fitted to three cumulants of the pooled sample's own law, ties included
// (see quadratic). Cost: O(points).
var cvmDetector = Detector{
	Manual: Manual{
		Name: "cramer_von_mises", Title: "Cramér–von Mises", Unit: "probability", Range: "0 to 0.58", Threshold: 0.08,
		Doc:    "Root mean square difference between the two distribution functions.",
		Use:    "Instead of KS where a shift spreads over the whole range: more power for moves of the middle, less for one step.",
		Blind:  "Tails, which weigh as little as they have rows.",
		Null:   "∫B(F)²dF, a sum of weighted χ²: gamma with an offset, fitted to three cumulants. Ties are taken into account.",
		Cost:   "O(points)",
		Source: "Anderson, Annals of Mathematical Statistics 1962; cumulants after Anderson and Darling 1952",
	},
	Kinds: numericOnly, Compare: cramerVonMises,
}

func cramerVonMises(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	var sum float64
	var null quadratic
	places(ref.Points, cur.Points, func(h, u, variance, gap float64) {
		sum += h * gap * gap
		null.add(u, variance, h)
	})
	return Result{Score: math.Sqrt(sum), PValue: null.tail(sum * effective(ref, cur)), Detail: moved(ref, cur)}
}
