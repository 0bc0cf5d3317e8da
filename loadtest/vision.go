package loadtest

import (
	"fmt"
	"math"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
)

const visionWidth = 12 // of the embedding

var (
	visionCamera  = draw.Zipf(0.5, "line-1", "line-2", "line-3", "dock")
	visionClasses = []string{"ok", "scratch", "dent", "misprint"}
)

// vision finds defects in pictures; its inputs are the twelve strongest
// components of an embedding, which share two latent causes.
var vision = &model{
	name: "vision", share: 0.2,
	versions:    draw.Weighted([]string{"r7"}, []float64{1}),
	numeric:     visionFeatures(),
	categorical: []string{"camera"},
	latency:     struct{ median, sd float64 }{42, 0.25},
	labels:      labelling{share: 0.1, doubled: 0.02, delay: 8 * time.Minute},
	draw: func(d *draw.Draws, r *row) {
		light, wear := d.NormFloat64(), d.NormFloat64()
		for k := range r.numeric {
			angle := float64(k) * math.Pi / visionWidth
			r.numeric[k] = draw.Digits(0.5*light*math.Cos(angle)+0.5*wear*math.Sin(angle)+0.7*d.NormFloat64(), 5)
		}
		r.categorical[0] = d.Choice(visionCamera)
	},
	truth: func(d *draw.Draws, r *row) string {
		if d.Float64() < 0.06 {
			return visionClasses[d.IntN(len(visionClasses))]
		}
		class, _ := visionClass(0, r)
		return class
	},
	answer: func(noise float64, r *row) {
		r.prediction, r.score = visionClass(noise, r)
		r.score = draw.Digits(r.score, 5)
	},
}

func visionFeatures() (names []string) {
	for k := range visionWidth {
		names = append(names, fmt.Sprintf("emb_%02d", k))
	}
	return names
}

// visionClass is the class with the largest sum of its three components, and
// the confidence in it. A missing component counts as its mean, zero.
func visionClass(noise float64, r *row) (string, float64) {
	best, largest, total := 0, math.Inf(-1), 0.0
	for k := range visionClasses {
		sum := 0.0
		for j := range visionWidth / len(visionClasses) {
			if x := r.numeric[k+j*len(visionClasses)]; !math.IsNaN(x) {
				sum += x
			}
		}
		total += math.Exp(sum)
		if sum > largest {
			best, largest = k, sum
		}
	}
	return visionClasses[best], math.Exp(largest) / total * (0.98 + 0.02*draw.Sigmoid(noise))
}
