package detectors

import (
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// constantDetector fires when all rows of the window have one value although
// the reference has several: a sensor that froze, a default that took over, a
// join that failed.
//
// Null distribution: n independent rows fall on one value with probability
// Σpᵢⁿ, for which the largest share to the power of n stands. Cost: O(points).
var constantDetector = Detector{
	Manual: Manual{
		Name: "constant", Title: "constant value", Unit: "0 or 1", Range: "0 or 1", Threshold: 1,
		Doc:    "The window has one value although the reference has several.",
		Use:    "Every feature: a sensor that froze, a default that took over, a join that failed.",
		Blind:  "A feature that is nearly constant; frozen and default_value see that.",
		Null:   "Probability that n rows agree: the largest share of the reference to the power of n.",
		Cost:   "O(points) or O(K)",
		Source: "multinomial probability",
	},
	Kinds: bothKinds, Default: true, Compare: constant,
}

func constant(ref, cur *schemas.Summary, _ Params) Result {
	refValues, largest, _ := atoms(ref)
	curValues, _, value := atoms(cur)
	if refValues == 0 || curValues == 0 {
		return Result{NoData: true}
	}
	if curValues > 1 || refValues == 1 {
		return Result{PValue: 1, Detail: "values vary as before"}
	}
	return Result{
		Score:  1,
		PValue: tail.Clamp(math.Pow(largest, float64(cur.Present()))),
		Detail: "is always " + value,
	}
}

// atoms counts the distinct values of a summary and gives the largest share
// that one of them has, and that value.
func atoms(s *schemas.Summary) (values int, share float64, value string) {
	var total, top, run float64
	if s.Kind == schemas.Categorical {
		for _, c := range s.Categories {
			total += float64(c.Count)
			if float64(c.Count) > top {
				top, value = float64(c.Count), quoted(c.Value)
			}
		}
		values = len(s.Categories)
	} else {
		last := math.NaN()
		for _, p := range s.Points {
			if v := narrow(p.Value); v != last {
				values, run, last = values+1, 0, v
			}
			total += p.Weight
			if run += p.Weight; run > top {
				top, value = run, number(p.Value)
			}
		}
	}
	if total == 0 {
		return 0, 0, ""
	}
	return values, top / total, value
}
