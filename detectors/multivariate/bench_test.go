package multivariate

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// BenchmarkCompare is one comparison of 2,000 rows with 2,000.
func BenchmarkCompare(b *testing.B) {
	for _, width := range []int{10, 30, 100, 300} {
		rng := rand.New(rand.NewPCG(uint64(width), 1))
		rows := func() *mat.Dense {
			out := mat.NewDense(2000, width, nil)
			out.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, out)
			return out
		}
		ref, cur := rows(), rows()
		for _, d := range All() {
			b.Run(fmt.Sprintf("%s/columns=%d", d.Name, width), func(b *testing.B) {
				for b.Loop() {
					d.Compare(ref, cur, Options{Seed: 1})
				}
			})
		}
	}
}
