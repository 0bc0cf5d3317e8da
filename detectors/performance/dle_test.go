package performance

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/driftline/driftline/internal/testkit"
)

// prices is a regression whose error depends on the inputs: the noise is
// 0.5 + x² + (a category's own), and the model's prediction is the right mean.
func prices(rng *rand.Rand, n int, shift, concept float64) RegressionRows {
	r := RegressionRows{Features: make([][]float64, 3)}
	for range n {
		x, kind, noise := rng.NormFloat64()+shift, float64(rng.IntN(3)), rng.NormFloat64()
		p := 3*x + kind
		y := p + concept + (0.5+x*x+kind)*noise
		if rng.IntN(20) == 0 {
			kind = math.NaN() // not recorded
		}
		r.Features[0] = append(r.Features[0], x)
		r.Features[1] = append(r.Features[1], kind)
		r.Features[2] = append(r.Features[2], rng.NormFloat64()) // says nothing
		r.Predicted = append(r.Predicted, p)
		r.Truth = append(r.Truth, y)
	}
	return r
}

// Under covariate shift the estimate follows the true error, of which the
// reference's own error is no estimate, and false alarms stay in bounds.
func TestDLETracksTheErrorUnderCovariateShift(t *testing.T) {
	references, windows := 10, 50
	if testing.Short() || testkit.Race {
		references, windows = 5, 25
	}
	names, shifts := []string{NameMAE, NameRMSE}, []float64{-1, -0.5, 0.5, 1}
	low, constant := map[string]float64{}, map[string]float64{}
	estimated, realised := map[string][4]float64{}, map[string][4]float64{}
	add := func(to map[string][4]float64, metric string, k int, v float64) {
		sums := to[metric]
		sums[k] += v / float64(references)
		to[metric] = sums
	}
	for k := range references {
		rng := rand.New(rand.NewPCG(uint64(k), 21))
		reference := prices(rng, 4000, 0, 0)
		e, err := NewDLE(reference)
		if err != nil {
			t.Fatal(err)
		}
		for s, shift := range shifts {
			rows := prices(rng, 4000, shift, 0)
			for _, metric := range names {
				add(estimated, metric, s, e.Estimate(metric, rows).Value)
				add(realised, metric, s, MeasureRegression(metric, rows.Predicted, rows.Truth).Value)
			}
		}
		for _, metric := range names {
			constant[metric] += MeasureRegression(metric, reference.Predicted, reference.Truth).Value / float64(references)
			for range windows {
				g := e.Gap(metric, prices(rng, 500, 1.5*(rng.Float64()-0.5), 0))
				low[metric] += one(g.PValue <= 0.05) / float64(references*windows)
			}
		}
	}
	for _, metric := range names {
		for s, shift := range shifts {
			got, want := estimated[metric][s], realised[metric][s]
			t.Logf("%-4s shift %+.1f: estimated %.3f, realised %.3f, reference %.3f", metric, shift, got, want, constant[metric])
			if math.Abs(got-want) > 0.5*math.Abs(constant[metric]-want) {
				t.Errorf("%s at shift %v: estimated %v, realised %v", metric, shift, got, want)
			}
		}
		t.Logf("%-4s P(p≤0.05) without concept drift %.4f", metric, low[metric])
		if n := float64(references * windows); low[metric] > 0.055+3*math.Sqrt(0.05*0.95/n+0.05*0.05/float64(references)) {
			t.Errorf("%s: %.4f of p-values at or below 0.05", metric, low[metric])
		}
	}
}

func TestDLEGapSeesConceptDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 22))
	e, err := NewDLE(prices(rng, 4000, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	found := 0.0
	for range 50 {
		found += one(e.Gap(NameMAE, prices(rng, 500, 0.3, 2)).PValue <= 0.001) / 50
	}
	if found < 0.9 {
		t.Errorf("a bias of 2 is found in %.2f of windows", found)
	}
}

func TestDLEIsDeterministicAndChangesNothing(t *testing.T) {
	make2 := func() RegressionRows { return prices(rand.New(rand.NewPCG(3, 3)), 400, 0, 0) }
	a, b := make2(), make2()
	x, err := NewDLE(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := NewDLE(b)
	if err != nil {
		t.Fatal(err)
	}
	if p, q := x.Estimate(NameMAE, a), y.Estimate(NameMAE, b); p != q {
		t.Errorf("%v and %v from the same rows", p, q)
	}
	if !reflect.DeepEqual(a.Predicted, make2().Predicted) || !reflect.DeepEqual(a.Features[0], make2().Features[0]) {
		t.Error("the inputs were changed")
	}
	if x.Estimate(NameAUC, a).Defined() {
		t.Error("an AUC of a regression")
	}
	if _, err := NewDLE(RegressionRows{}); err == nil {
		t.Error("no rows are enough to learn from")
	}
}
