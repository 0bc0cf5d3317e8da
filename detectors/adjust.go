package detectors

import (
	"cmp"
	"slices"
)

// Adjust turns p-values into adjusted ones that control the false discovery
// rate over all of them: an adjusted p at or below q is a discovery at rate q.
// When nothing changed at all, that is also the chance of any false alarm.
// (Benjamini and Hochberg, JRSS B 1995; yekutieli: Benjamini and Yekutieli,
// Annals of Statistics 2001, valid under any dependence, larger by Σ1/i.)
func Adjust(ps []float64, yekutieli bool) []float64 {
	order := make([]int, len(ps))
	factor := 1.0
	if yekutieli {
		factor = 0
	}
	for i := range ps {
		order[i] = i
		if yekutieli {
			factor += 1 / float64(i+1)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	least := 1.0
	for rank := len(order); rank > 0; rank-- {
		i := order[rank-1]
		least = min(least, ps[i]*factor*float64(len(ps))/float64(rank))
		out[i] = least
	}
	return out
}
