package performance

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/driftline/driftline/internal/testkit"
)

// three classes whose chances are the softmax of random logits; the model says
// them too surely, and of a share of the rows the classes are rotated.
func three(rng *rand.Rand, n int, shift, rotated float64) (r MulticlassRows) {
	softmax := func(logits [3]float64, sharp float64) []float64 {
		p, sum := make([]float64, 3), 0.0
		for k, l := range logits {
			p[k] = math.Exp(sharp * l)
			sum += p[k]
		}
		scale(p, 1/sum)
		return p
	}
	for range n {
		logits := [3]float64{1.5*rng.NormFloat64() + shift, 1.5 * rng.NormFloat64(), 1.5 * rng.NormFloat64()}
		u, y := rng.Float64(), 0
		for p := softmax(logits, 1); y < 2 && u >= p[y]; y++ {
			u -= p[y]
		}
		if rng.Float64() < rotated {
			y = (y + 1) % 3
		}
		r.Probabilities = append(r.Probabilities, softmax(logits, 1.5))
		r.Truth = append(r.Truth, y)
	}
	return r
}

var multiclassMetrics = []string{NameAUC, NameAccuracy, NamePrecision, NameRecall, NameF1, NameLogLoss}

// Estimates follow inputs that shift, p-values stay near their level, and
// rotated classes are found.
func TestMultiCBPE(t *testing.T) {
	references, windows := 10, 30
	if testing.Short() || testkit.Race {
		references = 5
	}
	low, found, off := map[string]float64{}, map[string]float64{}, map[string]float64{}
	n := float64(references * windows)
	for k := range references {
		rng := rand.New(rand.NewPCG(uint64(k), 41))
		e, err := NewMultiCBPE(three(rng, 3000, 0, 0), 3)
		if err != nil {
			t.Fatal(err)
		}
		for range windows {
			same, changed := three(rng, 600, 0.6*(rng.Float64()-0.5), 0), three(rng, 600, 0, 0.25)
			for _, m := range multiclassMetrics {
				g := e.Gap(m, same)
				low[m] += one(g.PValue <= 0.05) / n
				off[m] += g.Deficit / n
				found[m] += one(e.Gap(m, changed).PValue <= 0.001) / n
			}
		}
	}
	for _, m := range multiclassMetrics {
		t.Logf("%-9s P(p≤0.05)=%.4f, mean deficit %+.4f; of windows with a quarter rotated %.2f found", m, low[m], off[m], found[m])
		if low[m] > 0.055+3*math.Sqrt(0.05*0.95/n+0.05*0.05/float64(references)) {
			t.Errorf("%s: %.4f of p-values at or below 0.05", m, low[m])
		}
		if found[m] < 0.9 {
			t.Errorf("%s: %.2f of rotated windows found", m, found[m])
		}
	}
}

func TestMultiCBPENeedsEveryClass(t *testing.T) {
	r := three(rand.New(rand.NewPCG(1, 1)), 100, 0, 0)
	for i := range r.Truth {
		r.Truth[i] %= 2
	}
	if _, err := NewMultiCBPE(r, 3); err == nil {
		t.Error("a class without rows is accepted")
	}
}
