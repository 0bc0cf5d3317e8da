package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// energyDetector is the energy distance √(2E|X−Y|−E|X−X′|−E|Y−Y′|), which in
// one dimension is √(2∫(F−G)²dx), in roots of the reference's standard
// deviation: a distance of squares, so it grows with the root of the scale.
//
// Null distribution: NM/(N+M)·∫(F−G)²dx converges to ∫B(F(x))²dx; its tail is
// fitted to three cumulants of the pooled sample's own law (see quadratic).
// Cost: O(points).
var energyDetector = Detector{
	Manual: Manual{
		Name: "energy", Title: "energy distance", Unit: "√(reference standard deviations)", Range: "0 and up", Threshold: 0.2,
		Doc:    "Székely's energy distance: zero only when both distributions agree, growing with how far the rows moved.",
		Use:    "Between Wasserstein and Cramér–von Mises: it weighs distance on the axis, yet one far row moves it little.",
		Blind:  "A constant reference has no scale: no data. A small change in a long tail.",
		Null:   "∫B(F(x))²dx, a sum of weighted χ²: gamma with an offset, fitted to three cumulants.",
		Cost:   "O(points)",
		Source: "Székely and Rizzo 2013; Cramér 1928 for one dimension",
	},
	Kinds: numericOnly, Compare: energy,
}

func energy(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	scale := spread(ref)
	if !(scale > 0) {
		return Result{NoData: true, Detail: "the reference has one value and so no scale"}
	}
	sum, null := squareArea(ref.Points, cur.Points)
	return Result{
		Score:  math.Sqrt(2 * sum / scale),
		PValue: null.tail(sum * effective(ref, cur)),
		Detail: moved(ref, cur),
	}
}

// squareArea is ∫(F−G)²dx with its null distribution.
func squareArea(ref, cur []schemas.Point) (sum float64, null quadratic) {
	var last, f, g float64
	walk(ref, cur, func(at, nextF, nextG float64) {
		if u := (f + g) / 2; u > 0 { // not before the first value
			sum += (at - last) * (f - g) * (f - g)
			null.add(u, u*(1-u), at-last)
		}
		last, f, g = at, nextF, nextG
	})
	return sum, null
}
