package sketch

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// shapes are distributions that a sketch has to bear.
var shapes = map[string]func(*rand.Rand) float64{
	"normal":      func(r *rand.Rand) float64 { return r.NormFloat64() },
	"uniform":     func(r *rand.Rand) float64 { return r.Float64() },
	"lognormal":   func(r *rand.Rand) float64 { return math.Exp(2 * r.NormFloat64()) },
	"pareto":      func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1) },
	"cauchy":      func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - .5)) },
	"binary":      func(r *rand.Rand) float64 { return float64(r.IntN(2)) },
	"hundred":     func(r *rand.Rand) float64 { return float64(r.IntN(100)) },
	"mostly zero": func(r *rand.Rand) float64 { return max(0, r.NormFloat64()-1.3) },
	"two heaps":   func(r *rand.Rand) float64 { return float64(r.IntN(2))*1e6 + r.NormFloat64() },
	"constant":    func(*rand.Rand) float64 { return 3.5 },
	"huge":        func(r *rand.Rand) float64 { return (r.Float64() - .5) * 2 * math.MaxFloat32 },
	"tiny":        func(r *rand.Rand) float64 { return r.Float64() * math.SmallestNonzeroFloat32 * 100 },
}

func draw(shape func(*rand.Rand) float64, n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(shape(r))
		if r.IntN(20) == 0 {
			out[i] = float32(math.NaN())
		}
	}
	return out
}

// The laws: weights add up to the values, means ascend and lie within the
// extremes, and at the edge between any two centroids the rank is right to the
// share that a centroid may have.
func TestDigestLaws(t *testing.T) {
	m := &Maker{}
	for name, shape := range shapes {
		for _, n := range []int{0, 1, 2, 255, 256, 257, 5000, 50_000} {
			values := draw(shape, n, uint64(n))
			s := m.Of(values)
			checkSummary(t, name, values, s)
		}
	}
}

func checkSummary(t *testing.T, name string, values []float32, s Summary) {
	t.Helper()
	sorted := slices.DeleteFunc(slices.Clone(values), func(v float32) bool { return v != v })
	slices.Sort(sorted)
	n := float64(len(sorted))
	if s.Present != uint64(len(sorted)) || n > 0 && (s.Min != sorted[0] || s.Max != sorted[len(sorted)-1]) {
		t.Fatalf("%s: %d values from %g to %g, want %d", name, s.Present, s.Min, s.Max, len(sorted))
	}
	var sum, squares float64
	var integers uint64
	for _, v := range sorted {
		sum += float64(v)
		squares += float64(v) * float64(v)
		if float64(v) == math.Trunc(float64(v)) {
			integers++
		}
	}
	if math.Abs(s.Sum-sum) > 1e-9*math.Abs(squares+1) || math.Abs(s.Squares-squares) > 1e-9*(squares+1) || s.Integers != integers {
		t.Errorf("%s: sums %g and %g, %d integers; want %g, %g, %d", name, s.Sum, s.Squares, s.Integers, sum, squares, integers)
	}
	if len(s.Digest) > 1500 {
		t.Errorf("%s: %d centroids of %d values", name, len(s.Digest), len(sorted))
	}
	weight, last := 0., float32(math.Inf(-1))
	for i, c := range s.Digest {
		if c.Mean < last || c.Mean < s.Min || c.Mean > s.Max || c.Weight < 1 {
			t.Fatalf("%s: centroid %d is %v after mean %g", name, i, c, last)
		}
		last = c.Mean
		weight += float64(c.Weight)
		// Between this centroid and the next, the share of values below must be that of the weights.
		if i+1 < len(s.Digest) {
			edge := (float64(c.Mean) + float64(s.Digest[i+1].Mean)) / 2
			below, _ := slices.BinarySearchFunc(sorted, edge, func(v float32, edge float64) int { return cmp.Compare(float64(v), edge) })
			upTo := below
			for upTo < len(sorted) && float64(sorted[upTo]) == edge {
				upTo++
			}
			if gap := max(float64(below)-weight, weight-float64(upTo)); gap > share*n {
				t.Fatalf("%s, n=%d: below %g are %d to %d values, the digest says %g", name, len(sorted), edge, below, upTo, weight)
			}
		}
	}
	if weight != n {
		t.Errorf("%s: weights add up to %g, want %g", name, weight, n)
	}
}

// The same values in another order give the same summary, up to the rounding
// of sums.
func TestOrderDoesNotMatter(t *testing.T) {
	m := &Maker{}
	for name, shape := range shapes {
		values := draw(shape, 3000, 7)
		a := slices.Clone(m.Of(values).Digest)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(values), func(i, k int) { values[i], values[k] = values[k], values[i] })
		b := m.Of(values).Digest
		same := slices.EqualFunc(a, b, func(x, y Centroid) bool {
			return x.Weight == y.Weight && math.Abs(float64(x.Mean-y.Mean)) <= 1e-6*math.Abs(float64(x.Mean))+1e-30
		})
		if !same {
			t.Errorf("%s: other centroids", name)
		}
	}
}

func FuzzMaker(f *testing.F) {
	f.Add(uint64(1), 1000, float32(0), float32(1))
	f.Add(uint64(2), 300, float32(1e38), float32(-3e38))
	f.Fuzz(func(t *testing.T, seed uint64, n int, a, b float32) {
		if n < 0 || n > 5000 || math.IsInf(float64(a), 0) || math.IsInf(float64(b), 0) {
			return
		}
		r := rand.New(rand.NewPCG(seed, 2))
		values := make([]float32, n)
		for i := range values {
			if values[i] = a + b*float32(r.NormFloat64()); math.IsInf(float64(values[i]), 0) || r.IntN(9) == 0 {
				values[i] = a
			}
		}
		s := (&Maker{}).Of(values)
		var weight float64
		for _, c := range s.Digest {
			weight += float64(c.Weight)
		}
		if weight != float64(s.Present) {
			t.Fatalf("weights add up to %g, want %d", weight, s.Present)
		}
	})
}

func BenchmarkMaker(b *testing.B) {
	for _, name := range []string{"normal", "lognormal", "hundred", "mostly zero"} {
		for _, n := range []int{500, 5000, 50_000} {
			b.Run(name, func(b *testing.B) {
				values, m := draw(shapes[name], n, 3), &Maker{}
				for b.Loop() {
					m.Of(values)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
				b.ReportMetric(float64(len(m.digest)), "centroids")
			})
		}
	}
}

func TestKeysAreInOrder(t *testing.T) {
	values := []float32{float32(math.Inf(-1)), -math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, 0, math.SmallestNonzeroFloat32, 1, math.MaxFloat32}
	for i, v := range values {
		if valueOf(keyOf(v)) != v || i > 0 && keyOf(values[i-1]) >= keyOf(v) {
			t.Errorf("%g has key %x and comes back as %g", v, keyOf(v), valueOf(keyOf(v)))
		}
	}
	if keyOf(float32(math.Copysign(0, -1))) != keyOf(0) {
		t.Error("-0 is not 0")
	}
}
