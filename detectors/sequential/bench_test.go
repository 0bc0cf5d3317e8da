package sequential

import (
	"testing"
)

// BenchmarkStep is one value of one method at its defaults, on errors at a rate
// of 0.2 that does not change.
func BenchmarkStep(b *testing.B) {
	for _, e := range All() {
		b.Run(e.Name, func(b *testing.B) { benchmark(b, mustNew(b, e.Name, nil)) })
	}
}

// BenchmarkADWIN is ADWIN with a window of a million values and more, by clock.
func BenchmarkADWIN(b *testing.B) {
	for _, clock := range []float64{1, 8, 32} {
		b.Run("clock="+map[float64]string{1: "1", 8: "8", 32: "32"}[clock], func(b *testing.B) {
			d := mustNew(b, "adwin", Params{"clock": clock})
			for i := range 1 << 20 {
				d.Step(float64(i % 5 / 4))
			}
			benchmark(b, d)
		})
	}
}

func benchmark(b *testing.B, d *Detector) {
	values := make([]float64, 1<<12)
	for i := range values {
		values[i] = float64(i % 5 / 4)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.Step(values[i&(len(values)-1)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "values/s")
}
