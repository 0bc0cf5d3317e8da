package loadtest

import (
	"math"

	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// answers are what a model gives: they change with its inputs.
var answers = []string{schemas.FeatureScore, schemas.FeaturePrediction}

// Faults is the catalogue, in the order in which they begin. Category ends, so
// that an incident can be seen to resolve; frozen begins late enough after it
// to be an incident of its own in a run of twelve windows or more.
var Faults = []Fault{
	{
		Name: "shift", Model: "credit", Features: []string{"income", "utilisation"}, Consequences: answers,
		Strength: 0.3, From: 0.25, Until: 1,
		world:       true,
		Description: "income falls by 30 % and utilisation rises: applicants of another market",
		apply: func(r *row, _ *draw.Draws, strength float64) {
			r.numeric[creditIncome] = draw.Digits(r.numeric[creditIncome]*(1-strength), 2)
			r.numeric[creditUtilisation] = draw.Digits(math.Pow(r.numeric[creditUtilisation], 1-strength), 4)
		},
	},
	{
		Name: "category", Model: "ranking", Features: []string{"device"}, Consequences: answers,
		Strength: 0.35, From: 0.25, Until: 0.5,
		world:       true,
		Description: "35 % of traffic comes from devices unknown at training: tv and console",
		apply: func(r *row, d *draw.Draws, strength float64) {
			if d.Float64() < strength {
				r.categorical[0] = d.Choice(newDevices)
			}
		},
	},
	{
		Name: "missing", Model: "vision", Features: []string{"emb_03"}, Consequences: answers,
		Strength: 0.3, From: 0.45, Until: 1,
		Description: "component emb_03 is missing in 30 % of rows: an extractor times out",
		apply: func(r *row, d *draw.Draws, strength float64) {
			if d.Float64() < strength {
				r.numeric[column(vision.numeric, "emb_03")] = math.NaN()
			}
		},
	},
	{
		Name: "frozen", Model: "ranking", Features: []string{"freshness_hours"}, Consequences: answers,
		Strength: 1, From: 0.6, Until: 1,
		Description: "freshness_hours is stuck at 24: its feature job stopped",
		apply:       func(r *row, _ *draw.Draws, _ float64) { r.numeric[rankingFreshness] = 24 },
	},
	{
		Name: "concept", Model: "ranking", Features: []string{Outcomes},
		Strength: 1, From: 0.7, Until: 1,
		Description: "what looked like a match is skipped now, what did not is clicked: people look for something else",
		truth:       rankingTurned,
	},
}

var newDevices = draw.Weighted([]string{"tv", "console"}, []float64{0.7, 0.3})
