// Package draw is the randomness of generated records: independent draws for
// every event, and distributions that data have.
package draw

import (
	"math"
	"math/rand/v2"
)

// Draws is the randomness of one event. Seeded anew for every event, so that
// event i is the same whatever came before it.
type Draws struct {
	*rand.Rand
	source *rand.PCG
}

// New makes draws; Seed them before use.
func New() *Draws {
	source := rand.NewPCG(0, 0)
	return &Draws{rand.New(source), source}
}

// Seed makes the draws those of event i in a stream.
func (d *Draws) Seed(seed, stream, i uint64) {
	d.source.Seed(Mix(seed^Mix(stream)), Mix(i+1))
}

// Mix is the finaliser of SplitMix64: neighbouring seeds give unrelated states.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Normal with mean and standard deviation.
func (d *Draws) Normal(mean, sd float64) float64 { return mean + sd*d.NormFloat64() }

// Lognormal with a median, and the standard deviation of the logarithm.
func (d *Draws) Lognormal(median, sd float64) float64 { return median * math.Exp(sd*d.NormFloat64()) }

// Exponential with a mean.
func (d *Draws) Exponential(mean float64) float64 { return mean * d.ExpFloat64() }

// Choice of one of a distribution's values.
func (d *Draws) Choice(s Shares) string { return s.At(d.Float64()) }

// Shares is a categorical distribution: values with their cumulated shares.
type Shares struct {
	values    []string
	cumulated []float64
}

// Zipf gives value k the weight 1/k^exponent, as countries and devices have it.
func Zipf(exponent float64, values ...string) Shares {
	weights := make([]float64, len(values))
	for k := range weights {
		weights[k] = math.Pow(float64(k+1), -exponent)
	}
	return Weighted(values, weights)
}

// Weighted gives values their weights, which need not sum to 1.
func Weighted(values []string, weights []float64) Shares {
	total, sum := 0.0, 0.0
	for _, w := range weights {
		total += w
	}
	s := Shares{values: values}
	for _, w := range weights {
		sum += w / total
		s.cumulated = append(s.cumulated, sum)
	}
	return s
}

// At is the value at u within [0, 1).
func (s Shares) At(u float64) string {
	for k, c := range s.cumulated {
		if u < c {
			return s.values[k]
		}
	}
	return s.values[len(s.values)-1]
}

// Sigmoid is the inverse of the logit.
func Sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Digits rounds to n decimal places, as data do that people or systems enter.
func Digits(x float64, n int) float64 {
	p := math.Pow10(n)
	return math.Round(x*p) / p
}
