package world

import (
	"fmt"
	"math"

	"github.com/driftline/driftline/loadtest/draw"
)

// origin of a feature: who delivers it.
type origin uint8

const (
	fromRequest origin = iota // the caller
	fromStream                // counted over a topic of events
	fromBatch                 // computed by a batch job
)

// family is a shape that features have. Each is a function of a standard normal
// value, so that features correlate as their normal values do.
type family struct {
	name   string
	origin origin
	raw    func(z float64) float64
	normal func(raw float64) float64 // the inverse; what a model makes of a value
}

// families in the order in which a model's features take them. Every model has
// at least one of each.
var families = []family{
	{"amount", fromRequest, func(z float64) float64 { return draw.Digits(60*math.Exp(0.8*z), 2) }, func(x float64) float64 { return math.Log(max(x, 0.01)/60) / 0.8 }},
	{"events_1h", fromStream, func(z float64) float64 { return math.Floor(8 * math.Exp(0.6*z)) }, func(x float64) float64 { return math.Log((max(x, 0)+0.5)/8) / 0.6 }},
	{"risk_index", fromBatch, func(z float64) float64 { return draw.Digits(50+15*z, 3) }, func(x float64) float64 { return (x - 50) / 15 }},
	{"usage_ratio", fromRequest, func(z float64) float64 { return draw.Digits(draw.Sigmoid(z), 4) }, func(x float64) float64 { return math.Log(max(x, 1e-4) / max(1-x, 1e-4)) }},
	{"age_days", fromBatch, func(z float64) float64 { return draw.Digits(200*math.Exp(0.6*z), 1) }, func(x float64) float64 { return math.Log(max(x, 0.1)/200) / 0.6 }},
	{"distance_km", fromRequest, func(z float64) float64 { return draw.Digits(12*math.Exp(0.9*z), 2) }, func(x float64) float64 { return math.Log(max(x, 0.01)/12) / 0.9 }},
}

// categories that every model has besides.
var categories = []struct {
	name   string
	values draw.Shares
}{
	{"country", draw.Zipf(1.1, "DE", "FR", "US", "ES", "IT", "NL", "PL", "JP")},
	{"channel", draw.Zipf(0.8, "web", "app", "partner", "phone")},
}

// leastFeatures is one of each family and no category.
var leastFeatures = len(families)

// latents lie behind the features: each feature follows one of them.
const latents = 3

// How much of a feature's standard normal value is its latent's: two features
// of one latent correlate by the square.
const loading = 0.7

// model is one member of the fleet.
type model struct {
	name       string
	index      int
	regression bool
	provider   *provider // nil when it asks none
	serving    *serving
	median     float64 // of latency, milliseconds

	numeric     []string
	families    []*family
	weights     []float64 // of the standard normal values in the logit, or the value
	intercept   float64
	categorical []string
	shares      []draw.Shares

	deployments []*deployment
	faults      faults // of the model, its stages and topics
}

// row is one event in the order of its model's features. NaN is missing.
type row struct {
	numeric     []float64
	categorical []string
}

// noise of the value of a regression, standard deviation.
const noise = 10

var modelNames = []string{"fraud", "churn", "pricing", "assistant", "ranking", "credit", "demand", "search"}

func newModel(index int, c *Config) *model {
	name := fmt.Sprintf("model-%03d", index)
	if index < len(modelNames) {
		name = modelNames[index]
	}
	m := &model{name: name, index: index, regression: index%4 == 2, serving: servings[index%len(servings)], median: []float64{25, 18, 12, 60}[index%4], intercept: -0.6}
	extra := min(c.Features-leastFeatures, len(categories))
	for i := range c.Features - extra {
		f := &families[i%len(families)]
		feature := f.name
		if i >= len(families) {
			feature = fmt.Sprintf("%s_%d", f.name, i/len(families)+1)
		}
		m.numeric, m.families = append(m.numeric, feature), append(m.families, f)
		w := 0.9 * math.Pow(0.85, float64((i+index)%len(families)))
		if i >= len(families) {
			w = 0.5 / float64(c.Features) // many more features say little more
		}
		if i%2 == 1 {
			w = -w
		}
		m.weights = append(m.weights, w)
	}
	for i := range extra {
		m.categorical, m.shares = append(m.categorical, categories[i].name), append(m.shares, categories[i].values)
	}
	return m
}

func (m *model) newRow() *row {
	return &row{make([]float64, len(m.numeric)), make([]string, len(m.categorical))}
}

// draw the inputs as they are in the world; shift moves what lies behind them.
func (m *model) draw(d *draw.Draws, r *row, shift float64) {
	var behind [latents]float64
	for k := range behind {
		behind[k] = d.NormFloat64()
	}
	behind[0] += shift
	behind[1] -= shift / 2
	rest := math.Sqrt(1 - loading*loading)
	for i, f := range m.families {
		r.numeric[i] = f.raw(loading*behind[i%latents] + rest*d.NormFloat64())
	}
	for i, s := range m.shares {
		z := loading*behind[i%latents] + rest*d.NormFloat64()
		r.categorical[i] = s.At(min(0.5*math.Erfc(-z/math.Sqrt2), 1-1e-12))
	}
}

// logit of the positive class given the inputs, or the regression's mean over
// noise; turned is the share of the strongest features' weights that is
// reversed, 0 for the law that the model learned.
func (m *model) logit(r *row, turned float64) float64 {
	sum := m.intercept
	for i, f := range m.families {
		if x := r.numeric[i]; !math.IsNaN(x) { // a missing value counts as the usual one
			w := m.weights[i]
			if i < len(families) {
				w *= 1 - 2*turned
			}
			sum += w * max(-4, min(4, f.normal(x)))
		}
	}
	return sum
}

// value of a regression.
func value(logit float64) float64 { return 100 + 2*noise*logit }
