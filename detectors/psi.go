package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// psiDetector is the population stability index on bins frozen at the
// reference's quantiles: Σ (q−p)·ln(q/p).
//
// Empty bins would make it infinite, and the usual floors (1e-4, or the
// smallest float: the same two samples of 100 then score 461) make the floor
// the result. Here both sides are smoothed with half a row per bin,
// (c+½)/(n+B/2), the Jeffreys prior, so that an empty bin counts for what n
// rows can tell.
//
// Null distribution: PSI/(1/N+1/M) is asymptotically χ² with B−1 degrees of
// freedom (B. Yurdakul, J. Naranjo, "Statistical properties of the population
// stability index", 2020). Cost: O(points·log bins).
var psiDetector = Detector{
	Manual: Manual{
		Name: "psi", Title: "PSI", Unit: "nats", Range: "0 and up; 0.1 moderate, 0.25 large", Threshold: 0.2,
		Doc:    "Population stability index over ten bins frozen at the reference's quantiles: mass that moves between bins.",
		Use:    "The figure that people in credit and risk know; a steady first look at any numeric feature.",
		Blind:  "Movement within a bin. Its size depends on the bins' number, so values of other bins do not compare.",
		Null:   "(1/N+1/M)·χ² with B−1 degrees of freedom.",
		Cost:   "O(points·log bins)",
		Source: "Yurdakul and Naranjo 2020",
	},
	Kinds: numericOnly, Default: true, Compare: psi,
}

func psi(ref, cur *schemas.Summary, par Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	p, q := binned(ref, cur, par.Bins)
	smooth(p)
	smooth(q)
	var sum float64
	for i := range p {
		sum += (q[i] - p[i]) * math.Log(q[i]/p[i])
	}
	sum = max(0, sum)
	return Result{
		Score:  sum,
		PValue: chiSquareTail(sum*effective(ref, cur), float64(len(p)-1)),
		Detail: moved(ref, cur),
	}
}

// smooth turns counts into shares with half a row more in each bin.
func smooth(counts []float64) {
	total := float64(len(counts)) / 2
	for _, c := range counts {
		total += c
	}
	for i, c := range counts {
		counts[i] = (c + 0.5) / total
	}
}
