package detectors

import (
	"math"
	"slices"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// The tail is the largest of the surprises: one window in tailShare, but at
// least usualTail of them, if that is not more than one in four. Few windows
// cost little, for how little they tell is part of the p-value; many reach down
// to where surprises are not exponential yet (with rows of autocorrelation 0.8,
// one in 4 gave twice the declared false alarms of PSI; see docs/quality.md).
const (
	bodyPoints = 64 // surprises kept of the body
	tailShare  = 32
	usualTail  = 12

	leastTail = 4 // windows in a tail; with fewer, a score is not calibrated
)

// surprise is minus the logarithm of a gamma variable's tail.
func surprise(square, shape, scale float64) float64 {
	return -logGammaTail(shape, max(0, square)/scale)
}

// logGammaTail is ln P(X ≥ x) for a gamma variable of scale 1, also where the
// probability itself is below the smallest float: above the mean by Legendre's
// continued fraction, evaluated by Lentz's method (Thompson and Barnett 1986).
func logGammaTail(shape, x float64) float64 {
	switch {
	case !(x > 0):
		return 0
	case math.IsInf(x, 1):
		return math.Inf(-1)
	case x < shape+1:
		return math.Log(tail.Gamma(shape, x))
	}
	const tiny = 1e-300
	b := x + 1 - shape
	c, d := 1/tiny, 1/b
	h := d
	for i := 1.0; i < 10_000; i++ {
		a := -i * (i - shape)
		b += 2
		if d = a*d + b; math.Abs(d) < tiny {
			d = tiny
		}
		if c = b + a/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		step := c * d
		h *= step
		if math.Abs(step-1) < 1e-12 {
			break
		}
	}
	lg, _ := math.Lgamma(shape)
	return min(0, shape*math.Log(x)-x-lg+math.Log(h))
}

// gammaFrom is the gamma distribution with the mean and variance of a sample
// (Satterthwaite's way with weighted sums of χ² variables, Biometrics 1946);
// false when all values are the same.
func gammaFrom(values []float64) (shape, scale float64, ok bool) {
	mean, variance := moments(values)
	if !(mean > 0) || !(variance > 1e-12*mean*mean) {
		return 0, 0, false
	}
	return mean * mean / variance, variance / mean, true
}

// fitTail describes a sample of surprises, in the order of time. Rank and
// exponential tail are predictive: they are the exact chance for a new
// independent window, the uncertainty of the fit included (for the tail: the
// ratio of an exponential variable to the sum of k others is Pareto II with
// shape k). Of windows that depend on each other memory ones count as one.
// False when the sample has no tail.
func fitTail(n *schemas.Null, ys []float64) bool {
	sorted := slices.Sorted(slices.Values(ys))
	w := len(sorted)
	k := max(w/tailShare, min(usualTail, w/4))
	// A score that is mostly zero has a tail only where it is not.
	if zeros, _ := slices.BinarySearch(sorted, math.SmallestNonzeroFloat64); w-zeros < 2*k {
		k = (w - zeros) / 2
	}
	if k < leastTail {
		return false
	}
	from := sorted[w-k-1]
	mean := 0.
	for _, y := range sorted[w-k:] {
		mean += (y - from) / float64(k)
	}
	if !(mean > 0) {
		return false
	}
	n.Tail = schemas.Tail{
		From: from, Mean: mean, Count: max(1, float64(k)/n.Memory),
		Share: (float64(k) + n.Memory) / (float64(w) + n.Memory),
	}
	points := min(w, bodyPoints)
	n.Body = make([]float64, points)
	for j := range n.Body {
		n.Body[j] = sorted[j*w/points]
	}
	return true
}

// tailOf is the p-value of a surprise. It never rises with the surprise, and
// is never zero.
func tailOf(n *schemas.Null, y float64) float64 {
	t := &n.Tail
	if y > t.From {
		return max(math.SmallestNonzeroFloat64, t.Share*math.Exp(-t.Count*math.Log1p((y-t.From)/(t.Count*t.Mean))))
	}
	below, _ := slices.BinarySearch(n.Body, y) // of the body's points, those smaller than y
	if below == 0 {
		return 1
	}
	// At least as many windows are below y as up to the last such point.
	known := float64((below-1)*n.Windows/len(n.Body) + 1)
	return max(t.Share, (float64(n.Windows)+1-known)/(float64(n.Windows)+1))
}

// surpriseAt is the surprise with a p-value, the inverse of the tail; p at or
// above the tail's share gives its beginning.
func surpriseAt(n *schemas.Null, p float64) float64 {
	t := &n.Tail
	if p >= t.Share {
		return t.From
	}
	return t.From + t.Count*t.Mean*math.Expm1(math.Log(t.Share/p)/t.Count)
}

// memoryOf is the autocorrelation time of a series, 1+2Σρ(k), summed up to the
// first lag whose correlation is within two standard errors of none; and the
// same of the signed quantity whose square the series is, by √ρ.
func memoryOf(series []float64) (squared, signed float64) {
	squared, signed = 1, 1
	mean, variance := moments(series)
	n := len(series)
	if !(variance > 0) {
		return squared, signed
	}
	for lag := 1; lag <= n/4; lag++ {
		var sum float64
		for i := lag; i < n; i++ {
			sum += (series[i] - mean) * (series[i-lag] - mean)
		}
		rho := sum / (float64(n) * variance)
		if rho < 2/math.Sqrt(float64(n)) {
			break
		}
		squared += 2 * rho
		signed += 2 * math.Sqrt(rho)
	}
	return squared, signed
}
