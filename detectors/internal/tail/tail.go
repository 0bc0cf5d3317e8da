// Package tail holds the tail probabilities that univariate and multivariate
// detectors share. Each gives a finite number in [0,1] for every input, so that
// no NaN can reach a signal.
package tail

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Normal is P(X ≥ z) for a standard normal variable. The complementary error
// function keeps all digits down to 1e-308 (z = 37.5); one minus a distribution
// function would be 0 from z = 8.3 on.
func Normal(z float64) float64 { return Clamp(math.Erfc(z/math.Sqrt2) / 2) }

// Gamma is P(X ≥ x) for a gamma variable of the given shape and scale 1.
func Gamma(shape, x float64) float64 {
	if !(shape > 0) || !(x > 0) {
		return 1
	}
	if math.IsInf(x, 1) {
		return 0
	}
	return Clamp(mathext.GammaIncRegComp(shape, x))
}

// Quadratic is P(X ≥ x) for X = Σλᵢχ²₁, of which the sums of λ, λ² and λ³ are
// known, as they are traces of a covariance and its powers: a gamma variable
// with an offset that has the same three cumulants. It is exact for equal λ.
func Quadratic(s1, s2, s3, x float64) float64 {
	if !(s3 > 0) {
		return NoScale(x)
	}
	scale := 2 * s3 / s2
	shape := s2 / s3 * s2 / s3 * s2 / 2
	return Gamma(shape, (x-(s1-shape*scale))/scale)
}

// NoScale is the tail of a statistic that is 0 whenever nothing changed.
func NoScale(x float64) float64 {
	if x > 0 {
		return 0
	}
	return 1
}

// Sample is what a test of means needs to know.
type Sample struct {
	N, Mean  float64
	Variance float64 // of the population: divided by N
}

// SameMean is the two-sided p-value of "two samples share a mean": the larger
// of Welch's and of Student's with a pooled variance. For skewed data Welch's
// is too small, because a sample that by chance has no outliers has a low mean
// and a low variance at once; Student's is too small where the fewer rows have
// the wider spread. Each covers for the other.
func SameMean(a, b Sample) float64 {
	if a.N < 2 || b.N < 2 {
		return 1
	}
	return max(Welch(a, b), Student(a, b))
}

// Welch is the p-value of the t-test for unequal variances (B. L. Welch,
// Biometrika 1947); both samples need two rows.
func Welch(a, b Sample) float64 {
	va, vb := a.Variance/(a.N-1), b.Variance/(b.N-1)
	df := (va + vb) / (va*va/(a.N-1) + vb*vb/(b.N-1)) * (va + vb)
	return students(math.Abs(a.Mean-b.Mean), math.Sqrt(va+vb), df)
}

// Student is the p-value of the t-test with a pooled variance; both samples
// need two rows.
func Student(a, b Sample) float64 {
	df := a.N + b.N - 2
	pooled := (a.N*a.Variance + b.N*b.Variance) / df
	return students(math.Abs(a.Mean-b.Mean), math.Sqrt(pooled*(1/a.N+1/b.N)), df)
}

// students is P(|T|·deviation ≥ gap) of Student's distribution.
func students(gap, deviation, df float64) float64 {
	if !(deviation > 0) {
		return NoScale(gap)
	}
	t := gap / deviation
	if math.IsNaN(t) || math.IsInf(t, 0) || !(df > 0) {
		return 1
	}
	return Clamp(mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)))
}

// F is P(X ≥ x) of Fisher's distribution.
func F(x, d1, d2 float64) float64 {
	if !(x > 0) {
		return 1
	}
	return Clamp(mathext.RegIncBeta(d2/2, d1/2, d2/(d2+d1*x)))
}

// Chernoff is the least of exp(f(λ)) over λ ≥ 0, f being the logarithm of
// exp(−λx)·E exp(λX): a bound on P(X ≥ x). F must be convex and 0 at 0. Any λ
// gives a valid bound, so an inexact one only costs sharpness.
func Chernoff(f func(l float64) float64) float64 {
	const golden = 0.6180339887498949
	high := 1e-6
	for high < 1e3 && f(2*high) < f(high) {
		high *= 2
	}
	low, high := 0.0, 2*high
	a, b := high-golden*(high-low), low+golden*(high-low)
	fa, fb := f(a), f(b)
	for range 32 {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - golden*(high-low)
			fa = f(a)
		} else {
			low, a, fa = a, b, fb
			b = low + golden*(high-low)
			fb = f(b)
		}
	}
	return Clamp(math.Exp(min(0, fa, fb)))
}

// Clamp makes a probability of what rounding left of one; NaN says nothing and
// becomes 1.
func Clamp(p float64) float64 {
	if math.IsNaN(p) {
		return 1
	}
	return min(1, max(0, p))
}
