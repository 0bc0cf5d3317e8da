package detectors

import (
	"cmp"
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// Bin is a part of a feature's values, seen in a reference and in a window.
type Bin struct {
	Low, High    float64 // of a numeric feature: values v with Low ≤ v < High; the outermost end at the extremes of both
	Label        string  // of a categorical feature: the category
	Reference    float64 // share of the rows with a value
	Current      float64
	Contribution float64 // to the PSI: (q−p)·ln(q/p) of the smoothed shares, 0 without a reference
}

// overlayCategories is how many categories are bins of their own.
const overlayCategories = 20

// Overlay lays a window over its reference, bin by bin: the bins of PSI for a
// numeric feature, ascending; for a categorical one the largest categories of
// either side, the others as one. A reference without values leaves its shares 0
// and takes the bins from the window.
func Overlay(ref, cur *schemas.Summary, par Params) []Bin {
	if cur.Kind == schemas.Categorical {
		return overlayNames(ref, cur)
	}
	base := ref
	if len(ref.Points) == 0 {
		base = cur
	}
	if len(base.Points) == 0 {
		return nil
	}
	// PSI merges tails; people want to see them, so bins are twice as fine.
	cuts := freeze(base.Points, 2*par.Bins)
	low, high := cur.Min, cur.Max
	if len(ref.Points) > 0 {
		low, high = min(low, ref.Min), max(high, ref.Max)
	}
	p, q := fill(ref.Points, cuts), fill(cur.Points, cuts)
	out := make([]Bin, len(q))
	for i := range out {
		out[i].Low, out[i].High = low, high
		if i > 0 {
			out[i].Low = cuts[i-1]
		}
		if i < len(cuts) {
			out[i].High = cuts[i]
		}
	}
	contribute(out, p, q)
	return slices.DeleteFunc(out, func(b Bin) bool { return b.Reference == 0 && b.Current == 0 })
}

func overlayNames(ref, cur *schemas.Summary) []Bin {
	counts := map[string]*[2]float64{}
	for side, s := range []*schemas.Summary{ref, cur} {
		for _, c := range s.Categories {
			if counts[c.Value] == nil {
				counts[c.Value] = &[2]float64{}
			}
			counts[c.Value][side] += float64(c.Count)
		}
	}
	shareOf := func(n float64, of *schemas.Summary) float64 { return n / math.Max(1, float64(of.Present())) }
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	weight := func(name string) float64 {
		return max(shareOf(counts[name][0], ref), shareOf(counts[name][1], cur))
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(-cmp.Compare(weight(a), weight(b)), cmp.Compare(a, b)) })
	var out []Bin
	var p, q []float64
	for i, name := range names {
		if i >= overlayCategories {
			last := len(out) - 1
			if i == overlayCategories {
				out, p, q = append(out, Bin{Label: schemas.OtherCategories}), append(p, 0), append(q, 0)
				last++
			}
			p[last] += counts[name][0]
			q[last] += counts[name][1]
			continue
		}
		out, p, q = append(out, Bin{Label: name}), append(p, counts[name][0]), append(q, counts[name][1])
	}
	contribute(out, p, q)
	return out
}

// contribute fills in the shares of counts and what each bin adds to the PSI.
func contribute(bins []Bin, p, q []float64) {
	sum := func(counts []float64) (s float64) {
		for _, c := range counts {
			s += c
		}
		return s
	}
	m, n := sum(p), sum(q)
	for i := range bins {
		if m > 0 {
			bins[i].Reference = p[i] / m
		}
		if n > 0 {
			bins[i].Current = q[i] / n
		}
	}
	if m == 0 || n == 0 {
		return
	}
	smooth(p)
	smooth(q)
	for i := range bins {
		bins[i].Contribution = (q[i] - p[i]) * math.Log(q[i]/p[i])
	}
}
