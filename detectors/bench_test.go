package detectors

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// BenchmarkEvaluateWindow is the pure evaluation of windows as the store gives
// them: 268 weighted points a numeric feature against a reduced reference of
// 2,048. An evaluation is one detector on one feature.
func BenchmarkEvaluateWindow(b *testing.B) {
	for _, set := range []string{DefaultSet, AllSet} {
		b.Run(set, func(b *testing.B) { benchmarkWindow(b, set) })
	}
}

func benchmarkWindow(b *testing.B, set string) {
	plan, err := NewPlan(DefaultConfig(), Model{Name: "m", Detectors: []string{set}})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ref := MakeReference(plan.Key, "training", "bench", mixed(rng, 20000))
	w := schemas.WindowSummaries{Features: mixed(rng, 5000)}
	for i := range w.Features {
		if w.Features[i].Kind == schemas.Numeric {
			w.Features[i] = *coarse(&w.Features[i], 268)
		}
	}
	found := []schemas.WindowSummaries{w}
	b.ReportAllocs()
	signals := 0
	for b.Loop() {
		signals += len(EvaluateWindow(plan, &ref, found, schemas.Span{}, time.Time{}))
	}
	b.ReportMetric(float64(b.N*len(ref.Features))/b.Elapsed().Seconds(), "features/s")
	b.ReportMetric(float64(signals)/b.Elapsed().Seconds(), "evaluations/s")
}

// BenchmarkEvaluateCalibrated is the same with a calibration of 336 windows.
func BenchmarkEvaluateCalibrated(b *testing.B) {
	plan, err := NewPlan(DefaultConfig(), Model{Name: "m"})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ref := MakeReference(plan.Key, "training", "bench", mixed(rng, 20000))
	var history []schemas.WindowSummaries
	for i := range 336 {
		at := time.Unix(int64(i)*3600, 0).UTC()
		history = append(history, schemas.WindowSummaries{Features: mixed(rng, 500), Span: schemas.Span{Start: at, End: at.Add(time.Hour)}})
	}
	c := plan.Calibrate(&ref, plan.Score(&ref, history))
	ref.Calibration = &c
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

// BenchmarkDetector is one comparison of one feature, summaries as above.
func BenchmarkDetector(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	ref, cur := mixed(rng, 20000), mixed(rng, 5000)
	for i := range ref {
		if ref[i] = Reduce(ref[i]); ref[i].Kind == schemas.Numeric {
			cur[i] = *coarse(&cur[i], 268)
		}
	}
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
			b.ReportMetric(float64(features)/b.Elapsed().Seconds(), "evaluations/s")
		})
	}
}
