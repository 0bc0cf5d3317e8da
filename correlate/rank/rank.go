package rank

import (
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// Symptom is what is to be explained.
type Symptom struct {
	Entity  graph.Entity
	Metric  string           // of the entity, when telemetry shows it; empty for drift and silent failures
	Effects []Effect         // when there is no metric
	At      time.Time        // when it was seen
	Within  time.Duration    // it began at At or so much later: the length of the window that was judged
	Signals []schemas.Signal // of the incident; what they say of the data competes with other causes
	Broken  []string         // features that arrive broken, whatever the signals about them are called
}

// Input is everything that the ranking knows.
type Input struct {
	Graph    *graph.View
	Registry *metric.Registry
	Series   []*anomaly.Series // as measured, counters included; sorted each
	Events   []anomaly.Event
	Symptom  Symptom
	Until    time.Time // newest time that is looked at; zero: an hour after the symptom
}

// Result is a diagnosis and how it came about.
type Result struct {
	schemas.Diagnosis
	Onset     time.Time // of the symptom, as its own series shows it
	Abstained string    // why no entity is named; empty when one is
	Features  Features  // that the first cause's confidence comes from
}

// Rank names the likely causes of a symptom.
func Rank(in Input) Result {
	r := newRanking(in)
	r.observe()
	if r.symptomUnseen() {
		return r.result()
	}
	r.stand()
	r.weigh()
	r.account()
	r.explainAway()
	r.contrast()
	r.date()
	r.hypothesise()
	r.order()
	return r.result()
}
