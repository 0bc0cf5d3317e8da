package world

import (
	"math"
	"strconv"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// What models answer, if they classify.
const (
	positive = "yes"
	negative = "no"
)

// answered is an event with what only the world knows.
type answered struct {
	event *schemas.Event
	truth schemas.Label // without its time
	pod   *pod
	waits float64 // milliseconds of its latency spent waiting for others
}

// Event fills e with a model's n-th request, at a time. The maps and pointers
// of e are reused.
func (w *World) event(m *model, n uint64, at float64, e *schemas.Event) answered {
	d, r, ms := w.base, w.rows[m.index], int64(at)
	d.Seed(w.Seed, streamEvents+uint64(m.index), n)
	*e = schemas.Event{Tenant: w.Tenant, Model: m.name, Time: time.UnixMilli(ms).UTC(), Score: e.Score, LatencyMS: e.LatencyMS, Features: e.Features}
	shift, _ := m.faults.of(CovariateDrift, ms)
	m.draw(d, r, shift)
	turned, _ := m.faults.of(ConceptDrift, ms)
	out := answered{event: e, truth: m.truth(d, r, turned)}
	latency := d.Lognormal(m.median, 0.35)
	out.pod = w.route(d, m, ms)
	e.RequestID = m.name + "-" + strconv.FormatUint(n, 36)
	out.truth.Tenant, out.truth.Model, out.truth.RequestID = e.Tenant, e.Model, e.RequestID
	w.locate(e, out.pod, ms)

	took, queued := w.slowed(out.pod, ms)
	took *= latency
	out.waits = took * (1 - 1/queued)
	if m.provider != nil {
		wait := d.Lognormal(providerMS, 0.25) * m.provider.slowed(ms)
		m.provider.recent[m]++
		m.provider.waited[m] += wait
		took += wait
	}
	w.corrupt(m, n, ms, r)
	m.answer(r, w.off(out.pod, ms), e)
	set(&e.LatencyMS, draw.Digits(took, 3))
	m.fill(&e.Features, r)
	return out
}

// providerMS is the median time that a provider takes, milliseconds.
const providerMS = 40

func (p *provider) slowed(ms int64) float64 {
	s, _ := p.faults.of(ProviderSlow, ms)
	return 1 + s
}

// truth draws what really happens.
func (m *model) truth(d *draw.Draws, r *row, turned float64) (l schemas.Label) {
	logit, u, z := m.logit(r, turned), d.Float64(), d.NormFloat64()
	if m.regression {
		set(&l.Value, draw.Digits(value(logit)+noise*z, 3))
		return l
	}
	if l.Label = negative; u < draw.Sigmoid(logit) {
		l.Label = positive
	}
	return l
}

// answer of the model to the inputs as they arrived: the probability of the
// positive class by the law that it learned, which makes it calibrated, or the
// expected value.
func (m *model) answer(r *row, off float64, e *schemas.Event) {
	logit := m.logit(r, 0) + off
	if m.regression {
		set(&e.Score, draw.Digits(value(logit), 3))
		return
	}
	p := draw.Sigmoid(logit)
	set(&e.Score, draw.Digits(p, 5))
	if e.Prediction = negative; p >= 0.5 {
		e.Prediction = positive
	}
}

func (m *model) fill(to *schemas.Features, r *row) {
	if to.Numeric == nil {
		to.Numeric, to.Categorical = map[string]float64{}, map[string]string{}
	}
	clear(to.Numeric)
	clear(to.Categorical)
	for k, name := range m.numeric {
		if finite(r.numeric[k]) {
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

// timeouts is how long requests still go to a pod whose GPU is lost, and how
// many times longer they take.
const (
	timeouts = 2 * time.Minute
	timedOut = 20
)

// route picks the pod that serves a request: any of a region's, and not one
// whose GPU is known to be lost.
func (w *World) route(d *draw.Draws, m *model, ms int64) *pod {
	dep := m.deployments[d.IntN(len(m.deployments))]
	first := d.IntN(len(dep.pods))
	for k := range dep.pods {
		if p := dep.pods[(first+k)%len(dep.pods)]; !p.left(ms) {
			return p
		}
	}
	return dep.pods[first] // all of a region's are lost: it keeps trying
}

// left tells whether a pod gets no requests any more.
func (p *pod) left(ms int64) bool {
	s, f := p.gpu.faults.of(XID79, ms)
	return s > 0 && f.since(ms) >= timeouts
}

func (w *World) locate(e *schemas.Event, p *pod, ms int64) {
	e.Segment, e.Deployment, e.Pod = p.deployment.region, p.deployment.name, p.name
	e.Node, e.GPU, e.Version = p.gpu.node.name, p.gpu.name, p.deployment.version(ms)
}

// Versions before and after a deploy.
const (
	oldVersion = "v1"
	newVersion = "v2"
)

func (d *deployment) version(ms int64) string {
	for _, kind := range []string{BadDeploy, HarmlessDeploy} {
		if s, _ := d.faults.of(kind, ms); s > 0 {
			return newVersion
		}
	}
	return oldVersion
}

// off is by how much the logits of a pod's version are wrong.
func (w *World) off(p *pod, ms int64) float64 {
	s, _ := p.deployment.faults.of(BadDeploy, ms)
	return s
}

// slowed is how many times longer a request takes on a pod, and how much of
// that is due to others that wait.
func (w *World) slowed(p *pod, ms int64) (factor, queued float64) {
	factor = 1
	for _, f := range p.reached {
		s := f.at(ms)
		if s == 0 {
			continue
		}
		switch f.Kind {
		case ECCErrors, NVLinkErrors, NodeNetwork, NoisyNeighbour, DriverUpgrade, BadDeploy:
			factor *= 1 + s
		case MemoryLeak:
			factor *= 1 + s*math.Pow(filled(f, ms), 2)
		case XID79:
			if f.since(ms) < timeouts {
				factor *= timedOut
			}
		}
	}
	clock := p.gpu.clock(ms)
	queued = queueing(w.load(p, ms))
	return factor / clock * queued, queued
}

// load of a pod: its share of the model's traffic against its capacity.
func (w *World) load(p *pod, ms int64) float64 {
	m := p.deployment.model
	alive := 0
	for _, other := range p.deployment.pods {
		if !other.left(ms) {
			alive++
		}
	}
	return usual * w.traffic(m, ms) * m.surge(ms) * float64(len(p.deployment.pods)) / float64(max(alive, 1)) / p.gpu.clock(ms)
}

// leaking is how long memory takes to its limit.
const leaking = 20 * time.Minute

// filled is the part of the free memory that a leak has taken.
func filled(f *fault, ms int64) float64 {
	return float64(f.since(ms)%leaking) / float64(leaking)
}

// draining is how long counts over an hour that are no longer fed take to 0
// here: sooner than an hour, as if requests came from new visitors.
const draining = 10 * time.Minute

// corrupt does to the inputs what happens on their way.
func (w *World) corrupt(m *model, n uint64, ms int64, r *row) {
	for _, f := range m.faults {
		s := f.at(ms)
		if s == 0 || !f.kind.Inputs {
			continue
		}
		w.own.Seed(w.Seed, streamFaults+f.number, n)
		hit := w.own.Float64() < s
		for _, c := range f.columns {
			switch f.Kind {
			case StuckConsumer:
				r.numeric[c] = math.Floor(r.numeric[c] * max(0, 1-float64(f.since(ms))/float64(draining)))
			case StalePipeline:
				if hit {
					r.numeric[c] = m.families[c].raw(0.3)
				}
			case SchemaChange:
				if hit {
					r.numeric[c] = math.NaN()
				}
			case UnitChange:
				r.numeric[c] = draw.Digits(r.numeric[c]*s, 4)
			}
		}
	}
}
