package silent

import (
	"cmp"
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// outputCollapse judges the variety of the classes that a model predicts.
var outputCollapseRule = Rule{
	Name: "output_collapse", Title: "collapse of the output", Unit: "share of the entropy", Needs: []Input{Classes},
	Doc:    "A model predicts one class nearly always that it did not before: the entropy of its answers falls by half or more, and its commonest class is far commoner than it was.",
	Use:    "Classifiers. For scores and regressions see frozen_feature on _score.",
	Blind:  "Traffic that is one-sided itself; a model that gave one class from the beginning.",
	Source: "Shannon entropy of the classes; binomial tail of the commonest class at the upper Wilson bound of its earlier share",
	Params: []Param{leastRows, significance, {"min_fall", 0.5, 0.01, 1, "share of the entropy", "smallest fall that counts"}},
	Model:  outputCollapse,
}

func outputCollapse(m *Model, c Clock, p Params) []Finding {
	by := map[string][]Class{}
	for _, class := range m.Classes {
		if class.Value != "" { // missing
			by[class.Version] = append(by[class.Version], class)
		}
	}
	if len(by) == 0 {
		return []Finding{noData("no prediction of a class was seen")}
	}
	var out []Finding
	for version, classes := range by {
		out = append(out, collapse(classes, c, p).of(version, schemas.FeaturePrediction))
	}
	return sorted(out)
}

func collapse(classes []Class, c Clock, p Params) Finding {
	// Sums of floats depend on their order.
	slices.SortFunc(classes, func(a, b Class) int {
		return cmp.Or(cmp.Compare(b.Recent, a.Recent), cmp.Compare(a.Value, b.Value))
	})
	var n, n0 uint64
	for _, class := range classes {
		n, n0 = n+class.Recent, n0+class.Before
	}
	switch {
	case n == 0:
		return noData("no prediction in the last %s", long(c.Recent))
	case n < p.count("min_rows") || n0 < p.count("min_rows"):
		return insufficient(n, n0, "%d predictions and %d before are too few, %d are needed in each", n, n0, p.count("min_rows"))
	}
	var now, then float64 // entropies in bits
	for _, class := range classes {
		now, then = now-bits(class.Recent, n), then-bits(class.Before, n0)
	}
	top := classes[0]
	fall := 0.
	if then > 0 {
		fall = 1 - now/then
	}
	_, bound := wilson(top.Before, n0, 3)
	f := effect(fall, p["min_fall"], binomialAtLeast(top.Recent, n, bound), p["p_value"], n, n0)
	return f.says("class %q is %s of %d predictions, before it was %s of %d; the entropy went from %s to %s bits",
		top.Value, percent(share(top.Recent, n)), n, percent(share(top.Before, n0)), n0, number(then), number(now)).from(c.from())
}

// bits is p·log₂p for k of n.
func bits(k, n uint64) float64 {
	if k == 0 {
		return 0
	}
	q := share(k, n)
	return q * math.Log2(q)
}
