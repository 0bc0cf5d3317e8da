package loadtest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// Options of a fleet.
type Options struct {
	Seed   uint64        // same seed, same bytes
	Start  time.Time     // event time of the first event
	Length time.Duration // event time until the end
	Events uint64        // inference events in that time, over all models
	Faults []Fault       // what goes wrong
}

// Fleet generates the run that its options describe. It has no state but
// scratch space: one goroutine may use it at a time.
type Fleet struct {
	Options
	pick      draw.Shares       // of models
	rows      map[string]*row   // scratch, by model
	faults    map[string][]span // by model
	injected  []Injected
	base, own *draw.Draws // of the world; of the faults, so that they change nothing else
}

// span is a fault with its time.
type span struct {
	Injected
	fault Fault
}

// Streams of draws; each is independent of the others.
const (
	streamEvents = iota + 1
	streamFaults
	streamReference
	streamTelemetry
)

// New makes a fleet.
func New(o Options) (*Fleet, error) {
	if o.Length <= 0 || o.Events == 0 {
		return nil, errors.New("a fleet needs a length and events")
	}
	o.Start = o.Start.UTC().Truncate(time.Millisecond)
	f := &Fleet{Options: o, rows: map[string]*row{}, faults: map[string][]span{}, base: draw.New(), own: draw.New(), injected: []Injected{}}
	var weights []float64
	for _, m := range models {
		weights = append(weights, m.share)
		f.rows[m.name] = m.newRow()
	}
	f.pick = draw.Weighted(Models(), weights)
	for _, fault := range o.Faults {
		in := fault.in(o.Start, o.Length)
		f.injected = append(f.injected, in)
		f.faults[fault.Model] = append(f.faults[fault.Model], span{in, fault})
	}
	return f, nil
}

// Injected is the truth about the run's faults.
func (f *Fleet) Injected() []Injected { return f.injected }

// End is the event time after the last event.
func (f *Fleet) End() time.Time { return f.Start.Add(f.Length) }

// Span is the event time of the run.
func (f *Fleet) Span() schemas.Span { return schemas.Span{Start: f.Start, End: f.End()} }

// time of event i: evenly spread, to the millisecond.
func (f *Fleet) time(i uint64) time.Time {
	return f.Start.Add(time.Duration(float64(f.Length) * float64(i) / float64(f.Events))).Truncate(time.Millisecond)
}

// Event fills e with event i of the run, and returns its label and whether it
// ever gets one. The maps and pointers of e are reused.
func (f *Fleet) Event(i uint64, e *schemas.Event) (truth string, told labelling) {
	d := f.base
	d.Seed(f.Seed, streamEvents, i)
	m := modelNamed(d.Choice(f.pick))
	r := f.rows[m.name]
	*e = schemas.Event{Model: m.name, Time: f.time(i), Score: e.Score, LatencyMS: e.LatencyMS, Features: e.Features}
	m.draw(d, r)
	f.afflict(m.name, i, e.Time, r, true)
	truth = f.truthOf(m, e.Time)(d, r)
	noise, latency := d.NormFloat64(), d.Lognormal(m.latency.median, m.latency.sd)
	e.Version = d.Choice(m.versions)
	e.RequestID = m.name + "-" + strconv.FormatUint(i, 36)
	place(d, m.name, e)

	f.afflict(m.name, i, e.Time, r, false)
	m.answer(noise, r)
	e.Prediction = r.prediction
	set(&e.Score, r.score)
	set(&e.LatencyMS, draw.Digits(latency, 3))
	m.fill(&e.Features, r)
	return truth, m.labels
}

// afflict applies the faults of the time to inputs: those of the world, or those
// of what arrives.
func (f *Fleet) afflict(model string, i uint64, at time.Time, r *row, world bool) {
	for k := range f.faults[model] {
		s := &f.faults[model][k]
		if s.fault.apply != nil && s.fault.world == world && s.at(at) {
			f.own.Seed(f.Seed, streamFaults+uint64(len(s.Name)), i)
			s.fault.apply(r, f.own, s.Strength)
		}
	}
}

// truthOf is what comes of a model's inputs at a time.
func (f *Fleet) truthOf(m *model, at time.Time) func(*draw.Draws, *row) string {
	for k := range f.faults[m.name] {
		if s := &f.faults[m.name][k]; s.fault.truth != nil && s.at(at) {
			return s.fault.truth
		}
	}
	return m.truth
}

func (s *span) at(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// fill copies a row into features by name.
func (m *model) fill(to *schemas.Features, r *row) {
	if to.Numeric == nil {
		to.Numeric, to.Categorical = map[string]float64{}, map[string]string{}
	}
	clear(to.Numeric)
	clear(to.Categorical)
	for k, name := range m.numeric {
		if !math.IsNaN(r.numeric[k]) {
			to.Numeric[name] = r.numeric[k]
		}
	}
	for k, name := range m.categorical {
		to.Categorical[name] = r.categorical[k]
	}
}

func set(p **float64, v float64) {
	if *p == nil {
		*p = new(float64)
	}
	**p = v
}

// place says where an event was served: two regions, a node each, two GPUs on
// a node.
func place(d *draw.Draws, model string, e *schemas.Event) {
	region := d.IntN(len(regions))
	gpu := 2*region + d.IntN(2)
	e.Segment = regions[region]
	e.Deployment = model + "-" + regions[region]
	e.Pod = e.Deployment + "-" + strconv.Itoa(gpu%2)
	e.Node, e.GPU = gpus[gpu].node, gpus[gpu].id
}

var regions = []string{"eu", "us"}

// String describes the fleet in one line.
func (f *Fleet) String() string {
	return fmt.Sprintf("%d events of %d models over %s from %s, seed %d", f.Events, len(models), f.Length, f.Start.Format(time.RFC3339), f.Seed)
}
