package loadtest

import (
	"math"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
)

// Positions of the ranking model's features.
const (
	rankingQuery = iota
	rankingPosition
	rankingPrice
	rankingPopularity
	rankingFreshness
	rankingCTR
	rankingSimilarity
	rankingDepth
	rankingBasket
	rankingDiscount
)

var (
	rankingDevice  = draw.Zipf(0.9, "android", "ios", "desktop", "tablet")
	rankingCountry = draw.Zipf(1.2, "DE", "US", "FR", "GB", "JP", "BR", "IN", "SE", "FI")
)

// ranking orders the results of a shop's search.
var ranking = &model{
	name: "ranking", share: 0.35,
	versions: draw.Weighted([]string{"2026-09"}, []float64{1}),
	numeric: []string{
		"query_length", "position", "price", "popularity", "freshness_hours",
		"ctr_7d", "similarity", "session_depth", "basket_value", "discount",
	},
	categorical: []string{"device", "country"},
	latency:     struct{ median, sd float64 }{9, 0.4},
	labels:      labelling{share: 0.25, doubled: 0.02, delay: time.Minute},
	draw: func(d *draw.Draws, r *row) {
		price, popularity := d.Lognormal(35, 0.9), d.Exponential(1)
		r.numeric[rankingQuery] = 1 + math.Floor(d.Exponential(2.6))
		r.numeric[rankingPosition] = 1 + math.Floor(30*d.Float64())
		r.numeric[rankingPrice] = draw.Digits(price, 2)
		r.numeric[rankingPopularity] = draw.Digits(popularity, 4)
		r.numeric[rankingFreshness] = draw.Digits(d.Exponential(72), 2)
		r.numeric[rankingCTR] = draw.Digits(draw.Sigmoid(d.Normal(-3+0.4*popularity, 0.6)), 5)
		r.numeric[rankingSimilarity] = draw.Digits(math.Tanh(d.Normal(0.6, 0.4)), 5)
		r.numeric[rankingDepth] = math.Floor(d.Exponential(5))
		r.numeric[rankingBasket] = draw.Digits(0.3*price+d.Lognormal(20, 1), 2)
		r.numeric[rankingDiscount] = draw.Digits(0.5*d.Float64()*d.Float64(), 3)
		r.categorical[0] = d.Choice(rankingDevice)
		r.categorical[1] = d.Choice(rankingCountry)
	},
	truth: func(d *draw.Draws, r *row) string {
		if d.Float64() < draw.Sigmoid(rankingAppeal(r)-2) {
			return "clicked"
		}
		return "skipped"
	},
	answer: func(noise float64, r *row) {
		r.score, r.prediction = draw.Digits(draw.Sigmoid(rankingAppeal(r)+0.2*noise), 5), "keep"
		if r.score >= 0.6 {
			r.prediction = "boost"
		}
	},
}

// rankingTurned is the truth when people like what they did not.
func rankingTurned(d *draw.Draws, r *row) string {
	if d.Float64() < draw.Sigmoid(-rankingAppeal(r)-2) {
		return "clicked"
	}
	return "skipped"
}

// rankingAppeal is the logit of a click. A device that the model does not know
// counts as a desktop.
func rankingAppeal(r *row) float64 {
	n := r.numeric
	appeal := 1.6*(n[rankingSimilarity]-0.5) + 8*(n[rankingCTR]-0.07) - 0.15*math.Log(n[rankingPrice]/35) -
		0.001*(n[rankingFreshness]-72) + 1.5*(n[rankingDiscount]-0.12)
	if device := r.categorical[0]; device == "android" || device == "ios" {
		appeal -= 0.15
	}
	return appeal
}
