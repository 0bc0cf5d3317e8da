package detectors

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/driftline/driftline/schemas"
)

// totalVariationDetector is ½Σ|p−q|: the share of rows that would have to
// change their category to make both alike.
//
// Between two samples it is never 0, and with many categories far from it: that
// is why the null knows the categories. Given the pooled counts t, a window's
// count is hypergeometric; its mean absolute deviation is that of a binomial
// (de Moivre) times the root of the finite correction, exact where a category
// has one row and where it has thousands. The total's mean and variance,
// covariances included, are those of a gamma distribution that gives the tail.
// Cost: O(K).
var totalVariationDetector = Detector{
	Manual: Manual{
		Name: "total_variation", Title: "total variation", Unit: "share of rows", Range: "0 to 1", Threshold: 0.1,
		Doc:    "Half the sum of the changes of all categories' shares: how many rows are not where they were.",
		Use:    "Categorical features of any number of categories, where a share of rows is the figure to act on.",
		Blind:  "Which category it was. With more categories than rows chance alone makes it large, and only its p-value tells.",
		Null:   "Sum of the categories' absolute deviations given the pooled counts: gamma with its mean and variance. Follows the number of categories; conservative in the far tail.",
		Cost:   "O(K)",
		Source: "total variation norm; de Moivre 1730 for the mean deviation",
	},
	Kinds: categoricalOnly, Compare: totalVariation,
}

func totalVariation(ref, cur *schemas.Summary, _ Params) Result {
	ts := tallies(ref, cur)
	n, m := totals(ts)
	if n == 0 {
		return Result{NoData: true}
	}
	var sum float64
	for _, t := range ts {
		sum += math.Abs(t.ref/n-t.cur/m) / 2
	}
	mean, variance := deviationMoments(ts, n, m)
	r := Result{Score: min(1, sum), PValue: fittedTail(sum, mean, variance), Detail: shifted(ts, n, m)}
	r.Detail += ", " + percent(mean) + " expected by chance"
	return r
}

// deviationMoments are mean and variance of ½Σ|p−q| given the pooled counts.
func deviationMoments(ts []tally, n, m float64) (mean, variance float64) {
	rows, share := n+m, m/(n+m)
	scale := (1/n + 1/m) / 2
	// For two normal variables of correlation ρ the covariance of the absolute
	// values is 2/π·(ρ²/2+ρ⁴/24+ρ⁶/80+5ρ⁸/896+…) of their deviations' product,
	// and here ρ² is a product over the two categories, so that the sums over
	// pairs are squares of sums.
	series := [...]float64{1. / 2, 1. / 24, 1. / 80, 5. / 896}
	var sums, squares [len(series)]float64
	for _, t := range ts {
		count := t.ref + t.cur
		finite := (rows - count) / (rows - 1)
		v := count * share * (1 - share) * finite
		d := binomialDeviation(count, share) * math.Sqrt(finite)
		mean += d
		variance += max(0, v-d*d)
		odds := count / (rows - count)
		part := math.Sqrt(v)
		for k := range series {
			if part *= odds; count < rows {
				sums[k] += part
				squares[k] += part * part
			}
		}
	}
	for k, c := range series {
		variance += 2 / math.Pi * c * max(0, sums[k]*sums[k]-squares[k])
	}
	return mean * scale, variance * scale * scale
}

// binomialDeviation is the mean absolute deviation of a binomial variable:
// 2ν(1−p)·P(X=ν) with ν the first whole number above np.
func binomialDeviation(n, p float64) float64 {
	nu := math.Floor(n*p) + 1
	if nu > n {
		return 2 * n * p * (1 - p) * math.Pow(p, n-1) // ν = n+1 is the mirror image of ν = 0
	}
	log := math.Log(nu) + math.Log1p(-p) + nu*math.Log(p) + (n-nu)*math.Log1p(-p) - math.Log(n+1) - mathext.Lbeta(nu+1, n-nu+1)
	return 2 * math.Exp(log)
}
