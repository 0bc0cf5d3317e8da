package eval

import (
	"hash/fnv"
	"math/rand/v2"
)

// Synthetic streams have 10,000 rows; those with a change have it at 5,000.
const (
	syntheticRows = 10_000
	changeAt      = 5_000
)

// synthetic is a stream made from random numbers: errors at a rate, or normal
// values of deviation 1 about a mean.
type synthetic struct {
	name, title string
	real        bool
	from, to    float64 // rate or mean before and after the change
	over        int     // rows that the change takes
}

var synthetics = []synthetic{
	{"steady", "errors at a rate of 0.2 that does not change", false, 0.2, 0.2, 0},
	{"abrupt_small", "errors, the rate from 0.2 to 0.3 at once", false, 0.2, 0.3, 0},
	{"abrupt_large", "errors, the rate from 0.05 to 0.25 at once", false, 0.05, 0.25, 0},
	{"gradual", "errors, the rate from 0.1 to 0.4 evenly over 1000 rows", false, 0.1, 0.4, 1000},
	{"steady_values", "normal values of mean 0 and deviation 1 that do not change", true, 0, 0, 0},
	{"mean_rise", "normal values of deviation 1, the mean from 0 to 1 at once", true, 0, 1, 0},
	{"mean_fall", "normal values of deviation 1, the mean from 0 to -0.5 at once", true, 0, -0.5, 0},
}

// syntheticStreams are made from the seed alone.
func syntheticStreams(seed uint64, runs int) []stream {
	var out []stream
	for _, s := range synthetics {
		st := stream{
			name: s.name, title: s.title, rows: syntheticRows, runs: runs, tolerance: 1000, bits: !s.real,
			values: func(run int) []float64 { return s.draw(seed, run) },
		}
		if s.from != s.to {
			st.changes = []Change{{changeAt, changeAt + s.over}}
		}
		out = append(out, st)
	}
	return out
}

// draw makes one run. Each has random numbers of its own, so that leaving out
// another changes nothing here.
func (s *synthetic) draw(seed uint64, run int) []float64 {
	h := fnv.New64a()
	h.Write([]byte(s.name))
	rng := rand.New(rand.NewPCG(seed, h.Sum64()+uint64(run)))
	out := make([]float64, syntheticRows)
	for i := range out {
		switch level := s.level(i); {
		case s.real:
			out[i] = level + rng.NormFloat64()
		case rng.Float64() < level:
			out[i] = 1
		}
	}
	return out
}

func (s *synthetic) level(row int) float64 {
	switch {
	case row < changeAt:
		return s.from
	case row >= changeAt+s.over:
		return s.to
	}
	return s.from + (s.to-s.from)*float64(row-changeAt)/float64(s.over)
}
