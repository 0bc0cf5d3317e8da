package detectors

import (
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// exactPairs is the largest N·M for which the exact distribution of D is
// counted; above it the limit is good to the second digit even at p = 1e-4.
const exactPairs = 10_000

// ksDetector is the two-sample Kolmogorov–Smirnov statistic: the largest gap
// between the two distribution functions, looked for only after all rows of a
// value have been counted on both sides (ties).
//
// Null distribution: Kolmogorov's, at D·(√n+0.12+0.11/√n) with n = NM/(N+M)
// (M. A. Stephens, "Use of the Kolmogorov–Smirnov … statistics", JRSS B 1970);
// up to 10,000 pairs the exact one, counted over lattice paths (J. L. Hodges,
// Arkiv för Matematik 1958). With ties both are conservative. Cost: O(points),
// exact O(N·M).
var ksDetector = Detector{
	Manual: Manual{
		Name: "ks", Title: "KS", Unit: "probability", Range: "0 to 1", Threshold: 0.1,
		Doc:    "Largest difference between the two distribution functions.",
		Use:    "A numeric feature of which nothing is known: no bins, no scale, no assumption.",
		Blind:  "Tails, where both functions meet, and many small changes that never add up at one place.",
		Null:   "Kolmogorov's distribution with Stephens' correction; exact over lattice paths up to 10,000 pairs. Conservative with ties.",
		Cost:   "O(points); exact O(N·M)",
		Source: "Kolmogorov 1933; Smirnov 1939; Stephens 1970; Hodges 1958",
	},
	Kinds: numericOnly, Default: true, Compare: kolmogorovSmirnov,
}

func kolmogorovSmirnov(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	var d float64
	walk(ref.Points, cur.Points, func(_, f, g float64) { d = max(d, math.Abs(f-g)) })
	d = min(d, 1)
	return Result{Score: d, PValue: ksTail(d, ref.Present(), cur.Present()), Detail: moved(ref, cur)}
}

func ksTail(d float64, n, m uint64) float64 {
	if n <= exactPairs && m <= exactPairs && n*m <= exactPairs {
		return exactKSTail(d, int(n), int(m))
	}
	root := math.Sqrt(float64(n) * float64(m) / float64(n+m))
	return kolmogorovTail(d * (root + 0.12 + 0.11/root))
}

// exactKSTail is P(D ≥ d). A sample order is a path over an n×m grid, all
// equally likely; at each point the last step came from the left with
// probability i/(i+j). Summed are the paths that have met a gap of d: the
// others, taken from 1, would leave no digits of a small p.
func exactKSTail(d float64, n, m int) float64 {
	if d <= 0 {
		return 1
	}
	inside := func(i, j int) bool {
		gap := math.Abs(float64(i)/float64(n) - float64(j)/float64(m))
		return gap < d-1e-9 // d is a sum of rounded shares
	}
	row := make([]float64, m+1)
	for i := range n + 1 {
		for j := range m + 1 {
			switch {
			case !inside(i, j):
				row[j] = 1
			case i+j > 0:
				var left float64
				if j > 0 {
					left = row[j-1]
				}
				row[j] = (row[j]*float64(i) + left*float64(j)) / float64(i+j)
			}
		}
	}
	return tail.Clamp(row[m])
}
