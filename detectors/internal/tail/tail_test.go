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

// Far out, where a p-value of 0 would say more than any data can. Values by
// series of 30 digits (mpmath).
func TestFarTails(t *testing.T) {
	row := func(n float64) Sample { return Sample{N: n, Variance: 1} }
	student := func(at, df float64) float64 { // two samples of df/2+1 rows at t deviations
		a, b := row(df/2+1), row(df/2+1)
		b.Mean = at * math.Sqrt(2*a.N/df*2/a.N)
		return Student(a, b)
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"normal at 1", Normal(1), 0.158655253931},
		{"normal at 8", Normal(8), 6.22096057427e-16},
		{"normal at 9.3", Normal(9.3), 7.02228424044e-21},
		{"normal at 20", Normal(20), 2.75362411861e-89},
		{"normal at 37", Normal(37), 5.72557122252e-300},
		{"χ²₉ at 100", Gamma(4.5, 50), 1.57351763038e-17},
		{"χ²₉ at 500", Gamma(4.5, 250), 5.74941390304e-102},
		{"χ²₁ at 1300", Gamma(0.5, 650), 1.13037284415e-284},
		{"t₂₀ at 10", student(10, 20), 3.16378175871e-9},
		{"t₁₀₀ at 20", student(20, 100), 9.99426786134e-37},
		{"F(5,200) at 20", F(20, 5, 200), 3.73661936775e-16},
		{"F(3,1000) at 100", F(100, 3, 1000), 1.29902045595e-56},
	} {
		near(t, c.what+" over the exact one", c.got/c.want, 1, 1e-9)
	}
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
			"Gamma": Gamma(2, x), "Normal": Normal(x), "shape": Gamma(x, 1), "Quadratic": Quadratic(1, 1, 1, x), "s3": Quadratic(1, 1, x, 1), "F": F(x, 2, 5),
			"Welch": SameMean(Sample{10, x, 1}, Sample{10, 0, 1}), "variance": SameMean(Sample{10, 1, x}, Sample{10, 0, 1}), "n": SameMean(Sample{x, 1, 1}, Sample{10, 0, 1}),
		} {
			if !(p >= 0 && p <= 1) {
				t.Errorf("%s at %v: %v", name, x, p)
			}
		}
	}
}
