package world

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/loadtest/wire"
	"github.com/driftline/driftline/schemas"
)

// Options of a run.
type Options struct {
	Config
	Seed   uint64        // same seed, same bytes
	Start  time.Time     // event time at which it begins
	Length time.Duration // event time until it ends
	Faults []Fault       // what goes wrong
	Wire   wire.Formats  // how records are written
}

// World is a run of a fleet. Its records can be generated once: counters of
// telemetry go on. One goroutine may use it at a time.
type World struct {
	Options
	from, until int64 // Unix milliseconds
	shape       []float64
	faults      faults

	models      []*model
	deployments []*deployment
	pods        []*pod
	nodes       []*node
	gpus        []*gpu
	links       []*link
	stages      []*stage
	providers   []*provider
	jobs        []*job
	rows        []*row // scratch, by model

	base, own, burst, scraped *draw.Draws // of arrivals and events; of faults; of bursts; of telemetry
}

// Streams of draws, apart by more than there are models.
const (
	streamArrivals = (iota + 1) << 32
	streamEvents
	streamLabels
	streamFaults
	streamBursts
	streamTelemetry
	streamReference
)

// New makes a fleet. The error holds every mistake, by key of the options as a
// scenario writes them.
func New(o Options) (*World, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Length <= 0 {
		return nil, errors.New("a run needs a length")
	}
	o.Start = o.Start.UTC().Truncate(time.Millisecond)
	w := &World{Options: o, base: draw.New(), own: draw.New(), burst: draw.New(), scraped: draw.New()}
	w.from, w.until = o.Start.UnixMilli(), o.Start.Add(o.Length).UnixMilli()
	if o.Trace != "" {
		var err error
		if w.shape, err = readShape(o.Trace); err != nil {
			return nil, err
		}
	}
	w.build()
	if err := w.inject(o.Faults); err != nil {
		return nil, err
	}
	w.reach()
	return w, nil
}

// Span is the event time of the run.
func (w *World) Span() schemas.Span { return schemas.Span{Start: w.Start, End: w.Start.Add(w.Length)} }

// Models names the models.
func (w *World) Models() (out []string) {
	for _, m := range w.models {
		out = append(out, m.name)
	}
	return out
}

// Entities are all places where faults can be, ascending.
func (w *World) Entities() []string { return slices.Sorted(maps.Keys(w.places())) }

// inject finds the places of faults.
func (w *World) inject(list []Fault) error {
	places := w.places()
	var errs []error
	for i, f := range list {
		kind, key := KindOf(f.Kind), fmt.Sprintf("faults[%d]", i)
		if kind == nil {
			errs = append(errs, config.Faultf(key+".kind", "unsupported kind %q", f.Kind))
			continue
		}
		at := places[f.On]
		if at == nil {
			errs = append(errs, config.Faultf(key+".on", "the fleet has no %q; %s%s", f.On, hint(f.On, w.Entities()), w.alike(f.On)))
			continue
		}
		if f.Strength == 0 {
			f.Strength = kind.Strength
		}
		in := &fault{Fault: f, kind: kind, start: w.from + f.From.Milliseconds(), end: w.until, number: uint64(i)}
		if f.Until > 0 {
			in.end = min(in.end, w.from+f.Until.Milliseconds())
		}
		if in.start >= w.until {
			errs = append(errs, config.Faultf(key+".from", "is %s, after the end of the run, %s", f.From, w.Length))
		}
		if err := w.aim(in, key); err != nil {
			errs = append(errs, err)
		}
		*at, w.faults = append(*at, in), append(w.faults, in)
	}
	return errors.Join(errs...)
}

// alike lists some entities of the same kind.
func (w *World) alike(on string) string {
	kind, _, _ := strings.Cut(on, "/")
	var same []string
	for _, e := range w.Entities() {
		if strings.HasPrefix(e, kind+"/") {
			same = append(same, e)
		}
	}
	if len(same) == 0 {
		return "see driftline loadtest show"
	}
	if len(same) > 8 {
		same = append(same[:8], "…")
	}
	return "there are: " + strings.Join(same, ", ")
}

// aim finds the features that a fault breaks.
func (w *World) aim(f *fault, key string) error {
	if !f.kind.Inputs {
		return nil
	}
	m, origins := w.modelAt(f.On)
	for i, name := range f.Features {
		c := slices.Index(m.numeric, name)
		if c < 0 {
			return config.Faultf(fmt.Sprintf("%s.features[%d]", key, i), "model %s has no numeric feature %q; %sit has: %s", m.name, name, hint(name, m.numeric), strings.Join(m.numeric, ", "))
		}
		f.columns = append(f.columns, c)
	}
	if len(f.columns) > 0 {
		return nil
	}
	for c, fam := range m.families {
		if slices.Contains(origins, fam.origin) {
			f.columns = append(f.columns, c)
		}
	}
	if f.Kind == UnitChange && len(f.columns) > 1 {
		f.columns = f.columns[:1]
	}
	return nil
}

// modelAt is the model that a model, stage or topic belongs to, and the origin
// of the features that come from there.
func (w *World) modelAt(on string) (*model, []origin) {
	for _, s := range w.stages {
		if on == "stage/"+s.name || on == "topic/"+s.topic {
			if s.labels {
				return s.model, nil
			}
			return s.model, []origin{s.origin}
		}
	}
	for _, m := range w.models {
		if on == "model/"+m.name {
			return m, []origin{fromRequest}
		}
	}
	return w.models[0], nil // not reached: kinds that break inputs are at these places only
}

// Reached are the models whose requests pass a place, and those that it makes
// features or labels for, in the order of the fleet.
func (w *World) Reached(on string) (out []string) {
	at := map[*model]bool{}
	for _, p := range w.pods {
		for _, e := range []string{"pod/" + p.name, "deployment/" + p.deployment.name, "gpu/" + p.gpu.name, "node/" + p.gpu.node.name} {
			if e == on || p.gpu.link != nil && on == "link/"+p.gpu.link.name {
				at[p.deployment.model] = true
			}
		}
	}
	for _, s := range w.stages {
		at[s.model] = at[s.model] || on == "stage/"+s.name || on == "topic/"+s.topic
	}
	for _, j := range w.jobs {
		at[j.model] = at[j.model] || on == "job/"+j.name
	}
	for _, m := range w.models {
		if at[m] || on == "model/"+m.name || m.provider != nil && on == "provider/"+m.provider.name {
			out = append(out, m.name)
		}
	}
	return out
}

// Broken are the features that the i-th fault breaks, and those that follow
// from it.
func (w *World) Broken(i int) (features []string) {
	if f := w.faults[i]; f.kind.Inputs {
		m, _ := w.modelAt(f.On)
		for _, c := range f.columns {
			features = append(features, m.numeric[c])
		}
	}
	return features
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
