package detectors

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// vanishedDetector is the share of the reference's rows whose category the
// window does not have.
//
// Null distribution: given the pooled count t of a category, none of its rows
// falls into the window with a probability of at most (N/(N+M))ᵗ. The
// categories' indicators are negatively associated, so Chernoff's bound for
// independent ones holds: a bound on p at every sample size, for three
// categories as for a million, sharp where one category decides.
// Cost: O(K log K).
var vanishedDetector = Detector{
	Manual: Manual{
		Name: "vanished_category", Title: "vanished categories", Unit: "share of the reference's rows", Range: "0 to 1", Threshold: 0.05,
		Doc:    "Share of the reference's rows in categories that the window lacks: a source that fell silent, a renamed value.",
		Use:    "Beside new_category on features whose categories are all expected in every window.",
		Blind:  "Categories that only became rarer; linf sees those. In short windows chance explains many absences.",
		Null:   "Chernoff's bound over the categories given their pooled counts: conservative at every size, follows the number of categories.",
		Cost:   "O(K log K)",
		Source: "Chernoff 1952; Joag-Dev and Proschan, Annals of Statistics 1983, for negative association",
	},
	Kinds: categoricalOnly, Compare: vanished,
}

func vanished(ref, cur *schemas.Summary, _ Params) Result {
	ts := tallies(ref, cur)
	n, m := totals(ts)
	if n == 0 {
		return Result{NoData: true}
	}
	var gone float64
	var top tally
	kinds := 0
	counts := make([]float64, len(ts))
	for i, t := range ts {
		counts[i] = t.ref + t.cur
		if t.cur == 0 {
			gone += t.ref
			kinds++
			if t.ref > top.ref {
				top = t
			}
		}
	}
	r := Result{Score: gone / n, PValue: 1, Detail: "no category vanished"}
	if gone > 0 {
		r.PValue = absenceBound(counts, n/(n+m), gone)
		r.Detail = fmt.Sprintf("%d categories vanished, the largest %s with %s of the reference", kinds, quoted(top.value), percent(top.ref/n))
	}
	return r
}

// absenceBound bounds P(Σ t·1(category absent) ≥ x), each absent with
// probability share^t, by the least of exp(−λx)·Π(1−θ+θ·exp(λt)).
func absenceBound(counts []float64, share, x float64) float64 {
	groups := map[float64]float64{} // categories by count: the rare ones, which are many, share few counts
	for _, t := range counts {
		groups[t]++
	}
	type group struct{ t, kinds, log float64 } // log θ
	var gs []group
	for _, t := range slices.Sorted(maps.Keys(groups)) {
		if t > 0 {
			gs = append(gs, group{t, groups[t], t * math.Log(share)})
		}
	}
	exponent := func(l float64) float64 {
		sum := -l * x
		for _, g := range gs {
			up := g.log + l*g.t
			if up < 30 {
				sum += g.kinds * math.Log1p(math.Exp(up)-math.Exp(g.log))
			} else {
				sum += g.kinds * up // beside exp(30) the rest is nothing
			}
		}
		return sum
	}
	return tail.Chernoff(exponent)
}
