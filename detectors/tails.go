package detectors

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/driftline/driftline/detectors/internal/tail"
)

// Tail probabilities shared by the detectors. Each returns a finite number in
// [0,1] for every input, so that no NaN can reach a signal.

// chiSquareTail is P(X ≥ x) for a chi-squared variable.
func chiSquareTail(x, df float64) float64 {
	return tail.Gamma(df/2, x/2)
}

// proportionTail is the two-sided p-value of "two samples share a proportion",
// for a of n and b of m. Given a+b, b is hypergeometric; a binomial of either
// the marked rows or the window's rows as trials stands for it. That is
// conservative by the share of the trials in all rows, so the fewer of the two
// are taken, and where even that share is large the normal approximation,
// provided that no cell expects fewer than five. The normal one alone would be
// wrong by a factor of two at p = 0.001 for a category of 5 %.
func proportionTail(a, n, b, m float64) float64 {
	total, rows := a+b, n+m
	if total <= 0 || total >= rows {
		return 1
	}
	if total > rows/2 { // count the rarer answer
		a, b, total = n-a, m-b, rows-total
	}
	if m > n { // and look at the smaller sample
		a, n, b, m = b, m, a, n
	}
	trials := min(total, m)
	if trials > rows/10 && total*m/rows >= 5 {
		p := total / rows
		z := math.Abs(a/n-b/m) / math.Sqrt(p*(1-p)*(1/n+1/m))
		return tail.Clamp(2 * tail.Normal(z))
	}
	share := total * m / rows / trials
	return min(1, 2*min(binomialTail(b, trials, share), binomialTail(trials-b, trials, 1-share)))
}

// binomialTail is P(X ≥ x) for n trials of probability p, continuous in x and n
// because the counts of sketches may be fractional.
func binomialTail(x, n, p float64) float64 {
	if x <= 0 {
		return 1
	}
	if x > n {
		return 0
	}
	return tail.Clamp(mathext.RegIncBeta(x, n-x+1, p))
}

// kolmogorovTail is P(K ≥ x) for the limit of √n·D. Of the two series of
// Kolmogorov's distribution each converges in a few terms on its side of 1.18.
func kolmogorovTail(x float64) float64 {
	if !(x > 0) {
		return 1
	}
	var sum float64
	if x < 1.18 {
		for k := 1.0; k <= 9; k += 2 {
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * x * x))
		}
		return tail.Clamp(1 - math.Sqrt(2*math.Pi)/x*sum)
	}
	for k, sign := 1.0, 1.0; k <= 8; k, sign = k+1, -sign {
		sum += sign * math.Exp(-2*k*k*x*x)
	}
	return tail.Clamp(2 * sum)
}
