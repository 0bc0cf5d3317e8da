package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// andersonDetector is the root of the Anderson–Darling distance
// ∫(F−G)²/(H(1−H))dH in the mid-rank form for two samples (F. W. Scholz and
// M. A. Stephens, JASA 1987, equation 7): each gap in units of its own standard
// deviation, so that tails count as much as the middle. H is the mean of both
// distribution functions; for equal sizes the square times NM/(N+M) is their
// A²ₐ times (N+M)/(N+M−1).
//
// Null distribution: as for Cramér–von Mises, with these weights (see
// quadratic), not the table with interpolation that other programs use, which
// ends at 0.001. Cost: O(points).
var andersonDetector = Detector{
	Manual: Manual{
		Name: "anderson_darling", Title: "Anderson–Darling", Unit: "standard deviations of the gap", Range: "0 to 1.25", Threshold: 0.17,
		Doc:    "Root mean square difference between the two distribution functions, each difference in units of its own standard deviation.",
		Use:    "Features whose tails matter: it is the strongest rank test for tails, and hardly weaker than Cramér–von Mises in the middle.",
		Blind:  "How far a tail moved: only ranks count.",
		Null:   "∫B(F)²/(F(1−F))dF, a sum of weighted χ²: gamma with an offset, fitted to three cumulants. Ties are taken into account.",
		Cost:   "O(points)",
		Source: "Scholz and Stephens, JASA 1987, mid-rank form; cumulants after Anderson and Darling 1952",
	},
	Kinds: numericOnly, Compare: andersonDarling,
}

func andersonDarling(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	var sum float64
	var null quadratic
	places(ref.Points, cur.Points, func(h, u, variance, gap float64) {
		if variance > 1e-15 { // 0 where all rows of both have one value
			sum += h / variance * gap * gap
			null.add(u, variance, h/variance)
		}
	})
	return Result{Score: math.Sqrt(sum), PValue: null.tail(sum * effective(ref, cur)), Detail: moved(ref, cur)}
}
