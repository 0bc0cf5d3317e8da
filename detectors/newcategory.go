package detectors

import (
	"fmt"

	"gonum.org/v1/gonum/mathext"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// newCategoryDetector is the share of the window's rows whose category the
// reference does not have.
//
// Null distribution: a finite reference never has all categories. Good and
// Turing estimate the mass it has not seen by the share of its rows whose
// category occurs once, N₁/N (I. J. Good, Biometrika 1953). With N₁+1 in place
// of N₁, for the mass is not zero when no category occurs once, the unseen
// mass has a gamma posterior, and the window's number of new rows is negative
// binomial: P(X ≥ x) = I_{M/(N+M)}(x, N₁+1). Cost: O(K).
var newCategoryDetector = Detector{
	Manual: Manual{
		Name: "new_category", Title: "new categories", Unit: "share of rows", Range: "0 to 1", Threshold: 0.01,
		Doc:    "Share of rows in categories that the reference does not have: new values upstream, a changed encoding.",
		Use:    "Every categorical feature. Its null follows the reference's singletons, so it stays quiet on identifiers, where new values are normal.",
		Blind:  "Rows that move between known categories. Where `ingest.max_categories` lumps the rest as _other, new ones hide in it.",
		Null:   "Good's estimate of the mass that the reference has not seen; negative binomial tail.",
		Cost:   "O(K)",
		Source: "I. J. Good, Biometrika 1953",
	},
	Kinds: categoricalOnly, Default: true, Compare: newCategory,
}

func newCategory(ref, cur *schemas.Summary, _ Params) Result {
	ts := tallies(ref, cur)
	n, m := totals(ts)
	if n == 0 {
		return Result{NoData: true}
	}
	var once, fresh float64
	var top tally
	kinds := 0
	for _, t := range ts {
		switch t.ref {
		case 0:
			fresh += t.cur
			kinds++
			if t.cur > top.cur {
				top = t
			}
		case 1:
			once++
		}
	}
	r := Result{Score: fresh / m, PValue: 1, Detail: "no new category"}
	if fresh > 0 {
		r.PValue = tail.Clamp(mathext.RegIncBeta(fresh, once+1, m/(n+m)))
		r.Detail = fmt.Sprintf("%s rows in %d new categories, most in %s", count(uint64(fresh)), kinds, quoted(top.value))
	}
	return r
}
