package loadtest

import (
	"slices"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
)

// model is one member of the fleet: how its inputs are distributed, what it
// answers to them, and when the truth comes out.
type model struct {
	name        string
	share       float64 // of the fleet's events
	versions    draw.Shares
	numeric     []string
	categorical []string
	latency     struct{ median, sd float64 } // milliseconds, lognormal
	labels      labelling

	draw   func(d *draw.Draws, r *row) // the inputs as they are in the world
	truth  func(d *draw.Draws, r *row) string
	answer func(noise float64, r *row) // score and prediction for the inputs as they arrived
}

// labelling says when and how often the truth about an event becomes known.
type labelling struct {
	share   float64       // of events that ever get a label
	doubled float64       // of those, told twice
	delay   time.Duration // mean, exponential, in event time
}

// row is one event in the order of its model's features. NaN is missing.
type row struct {
	numeric     []float64
	categorical []string
	score       float64
	prediction  string
}

func (m *model) newRow() *row {
	return &row{numeric: make([]float64, len(m.numeric)), categorical: make([]string, len(m.categorical))}
}

// column finds a feature; a name that is not there is a defect of the catalogue.
func column(names []string, name string) int {
	i := slices.Index(names, name)
	if i < 0 {
		panic("loadtest: no feature " + name)
	}
	return i
}

// models of the fleet. Versions of a model answer alike, so that a reference
// holds for all of them.
var models = []*model{credit, ranking, vision}

// Models names the models of the fleet.
func Models() []string {
	var out []string
	for _, m := range models {
		out = append(out, m.name)
	}
	return out
}

func modelNamed(name string) *model {
	for _, m := range models {
		if m.name == name {
			return m
		}
	}
	panic("loadtest: no model " + name)
}
