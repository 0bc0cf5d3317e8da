package eval

import "math"

// bayes is an online Gaussian naive Bayes classifier: in each class every
// feature has a mean and a variance (B. P. Welford, Technometrics 1962), and
// features are taken for independent.
type bayes struct {
	features int
	rows     float64
	classes  []class
}

type class struct {
	rows          float64
	mean, squares []float64
}

func newBayes(features, classes int) *bayes {
	b := &bayes{features: features, classes: make([]class, classes)}
	for i := range b.classes {
		b.classes[i] = class{mean: make([]float64, features), squares: make([]float64, features)}
	}
	return b
}

func (b *bayes) reset() {
	b.rows = 0
	for i := range b.classes {
		c := &b.classes[i]
		c.rows = 0
		clear(c.mean)
		clear(c.squares)
	}
}

func (b *bayes) learn(x []float64, label int) {
	b.rows++
	c := &b.classes[label]
	c.rows++
	for i, v := range x {
		d := v - c.mean[i]
		c.mean[i] += d / c.rows
		c.squares[i] += d * (v - c.mean[i])
	}
}

// predict is the likeliest class, the first of equals; 0 before any row.
func (b *bayes) predict(x []float64) int {
	best, most := 0, math.Inf(-1)
	for i := range b.classes {
		if p := b.classes[i].logLikelihood(x, b.rows); p > most {
			best, most = i, p
		}
	}
	return best
}

// leastVariance keeps a feature that was constant in a class from deciding all.
const leastVariance = 1e-6

func (c *class) logLikelihood(x []float64, rows float64) float64 {
	if c.rows == 0 {
		return math.Inf(-1)
	}
	p := math.Log(c.rows / rows)
	for i, v := range x {
		variance := c.squares[i]/c.rows + leastVariance
		d := v - c.mean[i]
		p -= (math.Log(variance) + d*d/variance) / 2
	}
	return p
}
