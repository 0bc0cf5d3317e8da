package multivariate

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/internal/testkit"
)

var populations = map[string]func(rng *rand.Rand, n int) *mat.Dense{
	"mixed table": func(rng *rand.Rand, n int) *mat.Dense { return table(rng, n, nil) },
	"independent normals": func(rng *rand.Rand, n int) *mat.Dense {
		out := mat.NewDense(n, 8, nil)
		out.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, out)
		return out
	},
	"heavy tails": func(rng *rand.Rand, n int) *mat.Dense {
		out := mat.NewDense(n, 3, nil)
		out.Apply(func(int, int, float64) float64 { return math.Exp(rng.NormFloat64()) }, out)
		return out
	},
	"repeating rows": func(rng *rand.Rand, n int) *mat.Dense {
		out := mat.NewDense(n, 2, nil)
		out.Apply(func(int, int, float64) float64 { return math.Floor(12 * rng.Float64()) }, out)
		return out
	},
}

// Without drift p-values are not too small too often. Figures are logged for
// the manual.
func TestNullDistributions(t *testing.T) {
	runs := 130
	if testing.Short() || testkit.Race {
		runs = 40
	}
	for name, f := range populations {
		rng := draw(21)
		small, tiny := map[string]float64{}, map[string]float64{}
		for range runs {
			ref, cur := f(rng, 800), f(rng, 200)
			for _, d := range All() {
				p := d.Compare(ref, cur, Options{Seed: seed}).PValue
				if p <= 0.05 {
					small[d.Name] += 1 / float64(runs)
				}
				if p <= 0.01 {
					tiny[d.Name] += 1 / float64(runs)
				}
			}
		}
		for _, d := range All() {
			t.Logf("%-20s %-20s P(p≤0.05)=%.3f, P(p≤0.01)=%.4f", d.Name, name, small[d.Name], tiny[d.Name])
			if most := 0.06 + 3*math.Sqrt(0.05*0.95/float64(runs)); small[d.Name] > most {
				t.Errorf("%s on %s: %.3f of p-values ≤ 0.05", d.Name, name, small[d.Name])
			}
		}
	}
}
