package detectors

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// BenchmarkEvaluateWindow is the pure evaluation, all detectors, of windows as
// the store gives them: 106 weighted points a numeric feature against a
// reduced reference of 2,048.
func BenchmarkEvaluateWindow(b *testing.B) {
	plan, err := NewPlan(DefaultConfig(), Model{Name: "m"})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ref := MakeReference(plan.Key, "training", "bench", mixed(rng, 20000))
	w := schemas.WindowSummaries{Features: mixed(rng, 5000)}
	for i := range w.Features {
		if w.Features[i].Kind == schemas.Numeric {
			w.Features[i] = *coarse(&w.Features[i], 106)
		}
	}
	found := []schemas.WindowSummaries{w}
	b.ReportAllocs()
	for b.Loop() {
		EvaluateWindow(plan, &ref, found, schemas.Span{}, time.Time{})
	}
	b.ReportMetric(float64(b.N*len(ref.Features))/b.Elapsed().Seconds(), "features/s")
}

// BenchmarkDetector is one comparison of one feature.
func BenchmarkDetector(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	ref, cur := mixed(rng, 20000), mixed(rng, 5000)
	for _, d := range All() {
		b.Run(d.Name, func(b *testing.B) {
			features := 0
			for b.Loop() {
				for i := range ref {
					if d.Applies(ref[i].Kind) {
						d.Compare(&ref[i], &cur[i], DefaultParams())
						features++
					}
				}
			}
			b.ReportMetric(float64(features)/b.Elapsed().Seconds(), "features/s")
		})
	}
}
