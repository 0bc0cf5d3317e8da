package silent

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// The kinds of subject, as in the names of subjects.
const (
	kindModel    = "model"
	kindJob      = "job"
	kindFeed     = "source"
	kindConsumer = "consumer"
	kindMonitor  = "monitor"
)

var subjectKinds = []string{kindModel, kindJob, kindFeed, kindConsumer, kindMonitor}

// MonitorName is the subject of the rules about Driftline itself.
const MonitorName = kindMonitor + "/driftline"

// Judge runs all enabled rules over a snapshot. Signals carry the window, and
// the subject: of a model its name, of anything else the model that it works
// for, or its own name where there is none, with the subject as the feature.
// They are in an order that does not depend on the snapshot's.
func (c *Config) Judge(s *Snapshot, window schemas.Span) []schemas.Signal {
	j := judging{config: c, snapshot: s, window: window}
	for i := range register {
		r := &register[i]
		switch {
		case r.Job != nil:
			for k := range s.Jobs {
				job := &s.Jobs[k]
				j.each(r, kindJob, job.Name, job.Model, func(p Params) []Finding { return r.Job(job, s.Clock, p) })
			}
		case r.Model != nil:
			for k := range s.Models {
				m := &s.Models[k]
				j.each(r, kindModel, m.Name, m.Name, func(p Params) []Finding { return r.Model(m, s.Clock, p) })
			}
		case r.Feed != nil:
			for k := range s.Feeds {
				f := &s.Feeds[k]
				j.each(r, kindFeed, f.Name, f.Model, func(p Params) []Finding { return r.Feed(f, s.Clock, p) })
			}
		case r.Consumer != nil:
			for k := range s.Consumers {
				g := &s.Consumers[k]
				j.each(r, kindConsumer, g.Group+"/"+g.Topic+"/"+g.Partition, "", func(p Params) []Finding { return r.Consumer(g, s.Clock, p) })
			}
		case r.Monitor != nil && s.Monitor != nil:
			j.each(r, kindMonitor, "driftline", "", func(p Params) []Finding { return r.Monitor(s.Monitor, s.Clock, p) })
		}
	}
	slices.SortStableFunc(j.signals, func(a, b schemas.Signal) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.Detector, b.Detector))
	})
	return j.signals
}

type judging struct {
	config   *Config
	snapshot *Snapshot
	window   schemas.Span
	signals  []schemas.Signal
}

func (j *judging) each(r *Rule, kind, name, model string, judge func(Params) []Finding) {
	subject := kind + "/" + name
	p, on := j.config.forSubject(r, j.snapshot.Tenant, subject)
	if !on || !j.config.asked(r, j.snapshot) {
		return
	}
	for _, f := range judge(p) {
		s := schemas.Signal{
			WindowStart: j.window.Start, WindowEnd: j.window.End, Tenant: j.snapshot.Tenant, Model: cmp.Or(model, subject),
			Version: f.Version, Feature: f.Feature, Detector: schemas.SilentPrefix + r.Name, Score: f.Score, Unit: r.Unit, Threshold: f.Threshold,
			PValue: f.PValue, NReference: f.Reference, NWindow: f.N, State: f.State, Reason: r.Title + ": " + f.Reason, EvaluatedAt: j.snapshot.Clock.Wall,
		}
		if kind != kindModel {
			s.Feature = subject
		}
		if f.State == schemas.StateNoData || f.State == schemas.StateInsufficient || math.IsNaN(s.Score) {
			s.Score = 0
		}
		j.signals = append(j.signals, s)
	}
}

// asked tells whether the snapshot was asked for what a rule needs first: a
// question that was not asked is no answer.
func (c *Config) asked(r *Rule, s *Snapshot) bool {
	return s.Asked == nil || slices.Contains(s.Asked, r.Needs[0])
}

// streamOf is the stream whose time an input goes by.
func streamOf(i Input) string {
	switch i {
	case Jobs:
		return StreamJobs
	case Labels, Joins:
		return StreamLabels
	case Feeds, Consumers:
		return StreamTelemetry
	case Streams:
		return ""
	default:
		return StreamEvents
	}
}

// The streams of a tenant.
const (
	StreamEvents    = "events"
	StreamLabels    = "labels"
	StreamTelemetry = "telemetry"
	StreamJobs      = "jobs"
)

// needs are the inputs of a stream that enabled rules read, ascending.
func (c *Config) needs(stream string) []Input {
	var out []Input
	for i := range register {
		r := &register[i]
		if slices.Contains(c.Disable, r.Name) || streamOf(r.Needs[0]) != stream {
			continue
		}
		for _, n := range r.Needs {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Question is what a snapshot is asked for.
type Question struct {
	Config
	Tenant string
	Now    time.Time // of the stream
	Needs  []Input
}

// Wants tells whether an input is asked for.
func (q *Question) Wants(i Input) bool { return slices.Contains(q.Needs, i) }

// Until is the end of the judged time, a whole bin.
func (q *Question) Until() time.Time { return q.Now.Truncate(Bin) }

// From is where the judged time begins.
func (q *Question) From() time.Time { return q.Until().Add(-q.Recent) }

// Start is where the time begins that it is compared with.
func (q *Question) Start() time.Time { return q.From().Add(-q.Before) }
