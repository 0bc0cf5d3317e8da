package detectors

import (
	"maps"
	"math"
	"slices"
)

// leastOf is the least value over λ ≥ 0 of a convex function that is 0 at 0, as
// the exponents of Chernoff bounds are, to about six digits of λ. Any λ gives a
// valid bound, so an inexact one only costs sharpness.
func leastOf(f func(float64) float64) float64 {
	const ratio = 0.6180339887498949
	high := 1e-6
	for high < 1e3 && f(2*high) < f(high) {
		high *= 2
	}
	low, high := 0.0, 2*high
	a, b := high-ratio*(high-low), low+ratio*(high-low)
	fa, fb := f(a), f(b)
	for range 32 {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - ratio*(high-low)
			fa = f(a)
		} else {
			low, a, fa = a, b, fb
			b = low + ratio*(high-low)
			fb = f(b)
		}
	}
	return min(0, fa, fb)
}

// sortedKeys fixes an order, so that sums come out the same bit for bit.
func sortedKeys(m map[float64]float64) []float64 {
	return slices.Sorted(maps.Keys(m))
}

// logChoose is ln C(n, k), −∞ when there is no such choice.
func logChoose(n, k float64) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
