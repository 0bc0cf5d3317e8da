package loadtest

import (
	"math"
	"math/rand/v2"
)

// draws is the randomness of one event. Seeded anew for every event, so that
// event i is the same whatever came before it.
type draws struct {
	*rand.Rand
	source *rand.PCG
}

func newDraws() *draws {
	source := rand.NewPCG(0, 0)
	return &draws{rand.New(source), source}
}

// seed makes the draws those of event i in a stream.
func (d *draws) seed(seed, stream, i uint64) {
	d.source.Seed(mix(seed^mix(stream)), mix(i+1))
}

// mix is the finaliser of SplitMix64: neighbouring seeds give unrelated states.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// normal with mean and standard deviation.
func (d *draws) normal(mean, sd float64) float64 { return mean + sd*d.NormFloat64() }

// lognormal with a median, and the standard deviation of the logarithm.
func (d *draws) lognormal(median, sd float64) float64 { return median * math.Exp(sd*d.NormFloat64()) }

// exponential with a mean.
func (d *draws) exponential(mean float64) float64 { return mean * d.ExpFloat64() }

// choice of one of a distribution's values.
func (d *draws) choice(s shares) string { return s.at(d.Float64()) }

// shares is a categorical distribution: values with their cumulated shares.
type shares struct {
	values    []string
	cumulated []float64
}

// zipf gives value k the weight 1/k^exponent, as countries and devices have it.
func zipf(exponent float64, values ...string) shares {
	weights := make([]float64, len(values))
	for k := range weights {
		weights[k] = math.Pow(float64(k+1), -exponent)
	}
	return weighted(values, weights)
}

func weighted(values []string, weights []float64) shares {
	total, sum := 0.0, 0.0
	for _, w := range weights {
		total += w
	}
	s := shares{values: values}
	for _, w := range weights {
		sum += w / total
		s.cumulated = append(s.cumulated, sum)
	}
	return s
}

// at is the value at u within [0, 1).
func (s shares) at(u float64) string {
	for k, c := range s.cumulated {
		if u < c {
			return s.values[k]
		}
	}
	return s.values[len(s.values)-1]
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// digits rounds to n decimal places, as data do that people or systems enter.
func digits(x float64, n int) float64 {
	p := math.Pow10(n)
	return math.Round(x*p) / p
}
