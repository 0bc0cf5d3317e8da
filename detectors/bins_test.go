package detectors

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

// A reference of fewer points than rows is no reason for alarms: PSI and its
// relatives keep their level on windows of the same rows. With a bin above the
// largest point, which is empty in such a reference and not in a window, 14 % of
// PSI's p-values against 256 points were below 0.001.
func TestNullDistributionsOfReducedReferences(t *testing.T) {
	windows := 6000
	if testing.Short() || testkit.Race {
		windows = 300
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, points := range []int{2048, 256} {
		ps := map[string][]float64{}
		var ref *schemas.Summary
		for i := range windows {
			if i%(windows/20) == 0 {
				ref = coarse(numbers(column(rng, 20000, populations["normal"])...), points)
			}
			cur := numbers(column(rng, 1000, populations["normal"])...)
			for _, d := range []Detector{psiDetector, jsDetector, hellingerDetector} {
				ps[d.Name] = append(ps[d.Name], d.Compare(ref, cur, DefaultParams()).PValue)
			}
		}
		for name, got := range ps {
			t.Logf("%-9s %4d points: P(p≤0.05)=%.4f P(p≤0.01)=%.4f P(p≤0.001)=%.4f", name, points, rate(got, 0.05), rate(got, 0.01), rate(got, 0.001))
			for _, level := range []float64{0.05, 0.01, 0.001} {
				if r := rate(got, level); r > 1.2*level+3*math.Sqrt(level/float64(windows)) {
					t.Errorf("%s against %d points: %.4f of p-values ≤ %v", name, points, r, level)
				}
			}
		}
	}
}

// A window that left the reference's range shares no bin with it, on either
// side; a few rows beyond an extreme are no bin.
func TestBinsBeyondTheReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	ref := coarse(numbers(column(rng, 20000, populations["normal"])...), 256)
	for _, shift := range []float64{-500, 500} {
		cur := numbers(column(rng, 1000, func(r *rand.Rand) float64 { return shift + r.NormFloat64() })...)
		near(t, "JS of a disjoint window", jensenShannon(ref, cur, DefaultParams()).Score, 1, 1e-12)
	}
	few := numbers(append(column(rng, 1000, populations["normal"]), 50, 60, -50)...)
	if p, _ := binned(ref, few, 10); len(p) != 10 {
		t.Errorf("%d bins, want 10: three rows of 1003 are beyond the extremes", len(p))
	}
}

// The p-values of lost variety hold their level, also far out, where a normal
// limit of the skewed statistic gave 0.074 for 0.05 and 0.02 for 0.01.
func TestNullDistributionOfFrozen(t *testing.T) {
	windows := 4000
	if testing.Short() || testkit.Race {
		windows = 300
	}
	for _, kinds := range []int{2, 10, 30} {
		rng := rand.New(rand.NewPCG(uint64(kinds), 8))
		pick := func(n int) *schemas.Summary {
			s := schemas.Summary{Kind: schemas.Categorical, Rows: uint64(n), Categories: make([]schemas.Category, kinds)}
			for range n {
				u := rng.Float64()
				s.Categories[int(float64(kinds)*u*u)].Count++
			}
			return &s
		}
		var ps []float64
		for range windows {
			ps = append(ps, frozen(pick(5000), pick(500), DefaultParams()).PValue)
		}
		t.Logf("%d kinds: P(p≤0.05)=%.4f P(p≤0.01)=%.4f P(p≤0.001)=%.4f", kinds, rate(ps, 0.05), rate(ps, 0.01), rate(ps, 0.001))
		for _, level := range []float64{0.05, 0.01, 0.001} {
			if r := rate(ps, level); r > 1.2*level+3*math.Sqrt(level/float64(windows)) {
				t.Errorf("%d kinds: %.4f of p-values ≤ %v", kinds, r, level)
			}
		}
	}
}

// D = 1 is one order of all in either direction: 2/C(n+m, n), with all digits.
func TestExactKSKeepsSmallPValues(t *testing.T) {
	for _, c := range []struct {
		n, m int
		want float64
	}{{100, 100, 2.2087606932e-59}, {20, 40, 4.77116934378e-16}} {
		near(t, "p of D = 1 over the exact one", exactKSTail(1, c.n, c.m)/c.want, 1, 1e-9)
	}
	near(t, "Kolmogorov's tail at 18 over the exact one", kolmogorovTail(18)/7.55449994472e-282, 1, 1e-9)
	near(t, "a binomial tail over the exact one", binomialTail(60, 500, 0.01)/3.37303421645e-44, 1, 1e-9)
}
