package silent

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mathext"

	"github.com/driftline/driftline/detectors/internal/tail"
)

// madScale makes the median absolute deviation of normal values their standard
// deviation: 1/Φ⁻¹(3/4).
const madScale = 1.4826

// quantile of ascending values by the nearest rank; 0 of none.
func quantile[T float64 | time.Duration](ascending []T, q float64) T {
	if len(ascending) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(ascending)))) - 1
	return ascending[min(max(i, 0), len(ascending)-1)]
}

// spread gives the median and the scaled median absolute deviation.
func spread(values []float64) (median, deviation float64) {
	sorted := slices.Sorted(slices.Values(values))
	median = middle(sorted)
	for i, v := range sorted {
		sorted[i] = math.Abs(v - median)
	}
	slices.Sort(sorted)
	return median, madScale * middle(sorted)
}

func middle(ascending []float64) float64 {
	n := len(ascending)
	if n == 0 {
		return 0
	}
	return (ascending[(n-1)/2] + ascending[n/2]) / 2
}

// countBelow is P(X ≤ k) for counts of a mean and a variance: Poisson where the
// variance is no larger than the mean, else negative binomial of the same
// moments, r = m²/(v−m) and success probability r/(r+m).
func countBelow(k uint64, mean, variance float64) float64 {
	if !(mean > 0) {
		return 1
	}
	if variance <= mean*(1+1e-9) {
		return clamp01(mathext.GammaIncRegComp(float64(k)+1, mean))
	}
	r := mean * mean / (variance - mean)
	return clamp01(mathext.RegIncBeta(r, float64(k)+1, r/(r+mean)))
}

// binomialAtLeast is P(X ≥ k) for n trials of probability p.
func binomialAtLeast(k, n uint64, p float64) float64 {
	switch {
	case k == 0:
		return 1
	case k > n || p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	return clamp01(mathext.RegIncBeta(float64(k), float64(n-k)+1, p))
}

// risen is the chance of k or more of n, when k0 of n0 were seen before and
// nothing changed: the predictive tail of the beta-binomial with Jeffreys'
// prior. Beyond exactTrials a normal variable of its moments stands for it.
func risen(k, n, k0, n0 uint64) float64 {
	if k == 0 || n == 0 {
		return 1
	}
	a, b := float64(k0)+.5, float64(n0-min(k0, n0))+.5
	const exactTrials = 2000
	if n > exactTrials {
		m := float64(n)
		mean := m * a / (a + b)
		variance := m * a * b * (a + b + m) / ((a + b) * (a + b) * (a + b + 1))
		return clamp01(tail.Normal((float64(k) - .5 - mean) / math.Sqrt(variance)))
	}
	sum := 0.
	for x := float64(k); x <= float64(n); x++ {
		sum += math.Exp(lchoose(float64(n), x) + lbeta(x+a, float64(n)-x+b) - lbeta(a, b))
	}
	return clamp01(sum)
}

func lchoose(n, k float64) float64 { return lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1) }

func lbeta(a, b float64) float64 { return lgamma(a) + lgamma(b) - lgamma(a+b) }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// wilson are the bounds of a proportion k of n that lie z standard errors from
// it (Wilson's score interval).
func wilson(k, n uint64, z float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	m := float64(n)
	p := float64(k) / m
	centre := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, centre-half), min(1, centre+half)
}

// normalTails is the two-sided p-value of a standard normal z.
func normalTails(z float64) float64 {
	return clamp01(2 * tail.Normal(math.Abs(z)))
}

// share is k of n, 0 of none.
func share(k, n uint64) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}

func clamp01(p float64) float64 {
	if math.IsNaN(p) {
		return 1
	}
	return min(1, max(0, p))
}
