package detectors

import (
	"math"
	"slices"
	"sort"

	"github.com/driftline/driftline/schemas"
)

// Bins frozen on a reference: the k-th bin holds the values v with
// cuts[k-1] ≤ v < cuts[k], and the outer bins are open to infinity. Edges that
// moved with each window would compare every window on a ruler of its own.

// freeze places cuts at the reference's quantiles, none above the largest value:
// a bin for what lies beyond would be empty in the reference, and not in windows
// of the same rows when the reference is reduced to fewer points. A value that
// alone holds half a bin's mass or more gets a bin to itself, with a cut on
// either side, so that a window which leaves a constant reference, or fills a
// gap between two frequent values, is seen. Bins that are left with a small part of a bin's
// mass are joined to a neighbour: their counts would be too small for the null
// distribution. Bins without any reference mass stay; in an unchanged window
// they are empty.
func freeze(ref []schemas.Point, bins int) []float64 {
	share := mass(ref) / float64(bins)
	var cuts []float64
	var sum, next float64 = 0, share
	for i := 0; i < len(ref); {
		at, w := narrow(ref[i].Value), 0.0
		for ; i < len(ref) && narrow(ref[i].Value) == at; i++ {
			w += ref[i].Weight
		}
		sum += w
		heavy := w >= share/2
		if heavy {
			cuts = append(cuts, at)
		}
		if heavy || i < len(ref) && sum >= next*(1-1e-12) {
			cuts = append(cuts, above(at))
		}
		for next <= sum*(1+1e-12) {
			next += share
		}
	}
	cuts = slices.Compact(cuts)
	return joinSmall(ref, cuts, share/4)
}

// above is the next value that the store can tell from v.
func above(v float64) float64 {
	return float64(math.Nextafter32(float32(v), float32(math.Inf(1))))
}

// joinSmall removes cuts until every bin has no mass or at least the least.
func joinSmall(ref []schemas.Point, cuts []float64, least float64) []float64 {
	for {
		counts := fill(ref, cuts)
		k := slices.IndexFunc(counts, func(c float64) bool { return c > 0 && c < least })
		if k < 0 || len(cuts) == 0 {
			return cuts
		}
		k = min(k, len(cuts)-1) // the last bin has no cut above it
		cuts = slices.Delete(cuts, k, k+1)
	}
}

// fill is the mass of each bin.
func fill(points []schemas.Point, cuts []float64) []float64 {
	counts := make([]float64, len(cuts)+1)
	k := 0
	for _, p := range points {
		v := narrow(p.Value)
		if k < len(cuts) && v >= cuts[k] {
			k += sort.Search(len(cuts)-k, func(i int) bool { return v < cuts[k+i] })
		}
		counts[k] += p.Weight
	}
	return counts
}

// unlikelyBeyond is how unlikely a part of a window must be beyond the reference's
// extremes to have a bin of its own.
const unlikelyBeyond = 1e-6

// binned counts a reference and a window over the reference's bins, leaving
// out bins that are empty in both. Beyond the reference's extremes there is a
// bin on either side when chance does not put so much of the window there: an
// unchanged window has its few rows in the outer bins, and one that left the
// reference shares no bin with it.
func binned(ref, cur *schemas.Summary, bins int) (p, q []float64) {
	cuts := freeze(ref.Points, bins)
	low := narrow(min(ref.Min, ref.Points[0].Value))
	high := above(narrow(max(ref.Max, ref.Points[len(ref.Points)-1].Value)))
	beyond := fill(cur.Points, []float64{low, high})
	least := mass(cur.Points) / float64(4*bins)
	n, m := float64(ref.Present()), float64(cur.Present())
	if k := beyond[0]; k >= least && chanceBeyond(k, n, m) <= unlikelyBeyond && (len(cuts) == 0 || low < cuts[0]) {
		cuts = slices.Insert(cuts, 0, low)
	}
	if k := beyond[2]; k >= least && chanceBeyond(k, n, m) <= unlikelyBeyond && (len(cuts) == 0 || high > cuts[len(cuts)-1]) {
		cuts = append(cuts, high)
	}
	p, q = fill(ref.Points, cuts), fill(cur.Points, cuts)
	k := 0
	for i := range p {
		if p[i] > 0 || q[i] > 0 {
			p[k], q[k] = p[i], q[i]
			k++
		}
	}
	return p[:k], q[:k]
}

// chanceBeyond bounds the chance that k of m rows are beyond an extreme of n
// rows of the same distribution: each of the largest k+1 of all is equally
// likely to be of either sample, without regard to the shape.
func chanceBeyond(k, n, m float64) float64 { return math.Pow(m/(n+m), k) }
