package rank

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// shown is a series of a candidate and what it says.
type shown struct {
	series *anomaly.Series
	metric metric.Metric
	anomaly.Finding
	e float64 // evidence, by how well the metric's mechanism explains the symptom
}

// candidate is an entity that may be the cause, or a hypothesis without one.
type candidate struct {
	entity   graph.Entity
	path     []graph.Entity
	kind     schemas.CauseKind
	cause    metric.Mechanism
	shown    []shown
	events   []anomaly.Event // in time and by a mechanism that explains the symptom, heaviest first
	best     int             // of shown, −1 for none: the one that speaks most for it
	flow     int             // of shown, −1 for none: the symptom's own metric, or what stands in for it
	excess   float64         // of flow: mean harm times requests; NaN when not known
	load     float64         // requests a sample; NaN when not known
	guessed  bool            // load is that of a neighbour
	own      float64         // excess that no callee explains, as a share of the symptom's; NaN when not accounted
	raw      float64         // evidence before anything was taken off
	e        float64         // what is left
	score    float64
	matched  bool // an event and an anomaly agree
	contrast float64
	suffers  bool   // contrast is that of its users, who are observed
	against  string // the strongest reason against it
	observed bool
	text     string // of a hypothesis
	rows     []schemas.Evidence
	onset    time.Time
}

// mainMetric is what names the evidence: the best series' metric, or the
// heaviest event.
func (c *candidate) mainMetric() string {
	if c.best >= 0 && (len(c.events) == 0 || c.shown[c.best].e >= c.events[0].Weight) {
		return c.shown[c.best].metric.Name
	}
	if len(c.events) > 0 {
		return c.events[0].Name
	}
	return ""
}

// ranking is a diagnosis in the making.
type ranking struct {
	Input
	judge         anomaly.Judge
	window        anomaly.Window
	onset         time.Time
	effects       []Effect
	symptom       *shown        // the symptom's own series; nil without
	symptomMetric metric.Metric // what is known of it
	candidates    []*candidate
	byEntity      map[graph.Entity]*candidate
	component     map[graph.Entity]int
	series        map[graph.Entity][]*measured
	traffic       *shown // of the symptom's entity; nil without
	result_       Result
}

// measured is a series in the form that it is judged in.
type measured struct {
	series *anomaly.Series
	metric metric.Metric
}

func newRanking(in Input) *ranking {
	r := &ranking{Input: in, byEntity: map[graph.Entity]*candidate{}, series: map[graph.Entity][]*measured{}}
	r.Symptom.At = r.Symptom.At.UTC()
	if r.Until.IsZero() {
		r.Until = r.Symptom.At.Add(horizon)
	}
	r.component = r.Graph.Components()
	r.measure()
	r.symptomMetric = r.Registry.Lookup(r.Symptom.Metric)
	r.onset, r.effects = r.Symptom.At, slices.Clone(r.Symptom.Effects)
	if m := r.find(r.Symptom.Entity, r.Symptom.Metric); m != nil {
		latest := r.Symptom.At.Add(r.Symptom.Within)
		if on := r.judge.OnsetOf(m.series, &m.metric, r.gate(r.Symptom.Entity, &m.metric), latest, search); on.Before(latest) {
			r.onset = on
		}
		if len(r.effects) == 0 {
			r.effects = []Effect{EffectOf(&m.metric)}
		}
	}
	r.window = anomaly.Window{Onset: r.onset, Until: r.Until}
	return r
}

// measure brings all series into the form that they are judged in and adds
// the means that follow from counters.
func (r *ranking) measure() {
	type key struct {
		entity graph.Entity
		metric string
		label  string
	}
	raw := map[key]*anomaly.Series{}
	for _, s := range r.Series {
		raw[key{s.Entity, s.Metric, s.Label}] = s
	}
	add := func(s *anomaly.Series, m metric.Metric) {
		r.series[s.Entity] = append(r.series[s.Entity], &measured{s, m})
	}
	for k, s := range raw {
		m := r.Registry.Lookup(s.Metric)
		add(anomaly.Measured(s, &m), m)
		for _, d := range r.Registry.MeansOf(s.Metric) {
			if count := raw[key{k.entity, d.Count, k.label}]; count != nil && raw[key{k.entity, d.Name, k.label}] == nil {
				add(anomaly.Mean(d.Name, s, count), r.Registry.Lookup(d.Name))
			}
		}
	}
	for _, all := range r.series {
		slices.SortFunc(all, func(a, b *measured) int {
			return cmp.Or(cmp.Compare(a.metric.Name, b.metric.Name), cmp.Compare(a.series.Label, b.series.Label))
		})
	}
}

// find a series of an entity by its metric; nil for none.
func (r *ranking) find(e graph.Entity, name string) *measured {
	for _, m := range r.series[e] {
		if name != "" && m.metric.Name == name {
			return m
		}
	}
	return nil
}

// gate is the series of requests that a metric of an entity hangs on: the one
// that the registry names, else any of the entity's that counts requests.
func (r *ranking) gate(e graph.Entity, m *metric.Metric) *anomaly.Series {
	if g := r.find(e, m.Gate); g != nil {
		return g.series
	}
	if m.Mechanism != metric.Slow && m.Mechanism != metric.Failing || m.Kind == metric.Counter {
		return nil
	}
	for _, g := range r.series[e] {
		if g.metric.IsTraffic() {
			return g.series
		}
	}
	return nil
}

// look judges a series.
func (r *ranking) look(m *measured) shown {
	s := shown{series: m.series, metric: m.metric}
	s.Finding = r.judge.Look(m.series, &s.metric, r.gate(m.series.Entity, &m.metric), r.window)
	return s
}
