package tail

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.8g, want %.8g ± %g", what, got, want, tolerance)
	}
}

// Percentage points from tables.
func TestKnownPoints(t *testing.T) {
	near(t, "χ²₃ at 7.8147", Gamma(1.5, 7.814728/2), 0.05, 1e-6)
	near(t, "one χ²₁", Quadratic(2, 4, 8, 2*3.841459), 0.05, 1e-6)
	near(t, "F(3,10) at 3.7083", F(3.708265, 3, 10), 0.05, 1e-6)
	a, b := Sample{N: 6, Mean: 1, Variance: 5. / 6}, Sample{N: 6, Mean: 1 + 2.228139*math.Sqrt(1./3), Variance: 5. / 6}
	near(t, "t₁₀ at 2.2281", Student(a, b), 0.05, 1e-6)
	near(t, "Welch for equal variances", Welch(a, b), 0.05, 1e-6)
}

// The bound on a binomial tail has a closed form, exp(−n·KL).
func TestChernoffOfABinomial(t *testing.T) {
	const n, p, x = 100.0, 0.3, 50.0
	got := Chernoff(func(l float64) float64 { return -l*x + n*math.Log1p(p*math.Expm1(l)) })
	q := x / n
	near(t, "bound", got, math.Exp(-n*(q*math.Log(q/p)+(1-q)*math.Log((1-q)/(1-p)))), 1e-9)
	if got := Chernoff(func(l float64) float64 { return l }); got != 1 {
		t.Errorf("below the mean the bound is %v", got)
	}
}

func TestFinite(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -1, 1e308} {
		for name, p := range map[string]float64{
			"Gamma": Gamma(2, x), "shape": Gamma(x, 1), "Quadratic": Quadratic(1, 1, 1, x), "s3": Quadratic(1, 1, x, 1), "F": F(x, 2, 5),
			"Welch": SameMean(Sample{10, x, 1}, Sample{10, 0, 1}), "variance": SameMean(Sample{10, 1, x}, Sample{10, 0, 1}), "n": SameMean(Sample{x, 1, 1}, Sample{10, 0, 1}),
		} {
			if !(p >= 0 && p <= 1) {
				t.Errorf("%s at %v: %v", name, x, p)
			}
		}
	}
}
