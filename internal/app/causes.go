package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/correlate/tables"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// correlator handles one partition of signals: it groups them into incidents,
// and looks for the causes of these beside. What it tells of an incident never
// waits for its causes: they come with a later revision.
type correlator struct {
	a     *App
	p     *kafka.Partition
	c     *correlate.Correlator
	inner kafka.Handler // takes signals

	mergedAt time.Time // when incidents of one cause were last looked for

	acted   time.Time                                                                               // wall clock up to which actions were read
	actedAt time.Time                                                                               // when
	ask     func(context.Context, schemas.Incident, []schemas.Incident) (*schemas.Diagnosis, error) // of an incident, beside the open ones of its model

	undiagnosed map[schemas.ModelKey][]schemas.Incident // open at the start and never diagnosed, until their model is heard of: it may belong to another partition
	due         map[string]*suspect                     // incidents whose causes are to be looked for, by id
	busy        bool                                    // a diagnosis is under way
	done        chan finding
	cancel      context.CancelFunc
	run         context.Context
}

// suspect is an incident as it was last told.
type suspect struct {
	inc   schemas.Incident
	at    time.Time // not before
	tries int
}

// finding of a diagnosis.
type finding struct {
	inc   schemas.Incident
	d     *schemas.Diagnosis
	err   error
	tries int
}

// maxTries of a diagnosis that fails; the next revision of its incident begins
// anew.
const maxTries = 5

func (a *App) newCorrelator(run context.Context, p *kafka.Partition) (kafka.Handler, error) {
	open, err := a.db.Incidents(run, schemas.IncidentOpen)
	if err != nil {
		return nil, err
	}
	over, err := a.db.LatelyOver(run, time.Now().Add(-remembered))
	if err != nil {
		return nil, err
	}
	burns := func(i schemas.Incident) bool { return i.BurnRate() } // those are alerting's own
	open, over = slices.DeleteFunc(open, burns), slices.DeleteFunc(over, burns)
	c := &correlator{
		a: a, p: p, acted: time.Now(), // the incidents come with what was done before
		c: correlate.New(a.cfg.Correlate), due: map[string]*suspect{}, done: make(chan finding, 1),
	}
	c.run, c.cancel = context.WithCancel(run)
	c.c.Restore(append(slices.Clone(open), over...))
	c.undiagnosed = map[schemas.ModelKey][]schemas.Incident{}
	for _, inc := range open {
		if inc.Diagnosis == nil {
			c.undiagnosed[inc.ModelKey()] = append(c.undiagnosed[inc.ModelKey()], inc)
		}
	}
	if c.ask, err = a.diagnoser(); err != nil {
		return nil, err
	}
	c.inner = kafka.Each(p, decode(a, string(Correlate), c.observe))
	return c, nil
}

// observe one evaluation.
func (c *correlator) observe(ctx context.Context, ev schemas.Evaluation) error {
	for _, inc := range c.undiagnosed[ev.ModelKey] {
		c.suspect(inc, time.Now())
	}
	delete(c.undiagnosed, ev.ModelKey)
	for _, inc := range c.c.Observe(ev) {
		if err := c.tell(ctx, inc); err != nil {
			return err
		}
		c.suspect(inc, time.Now())
		if inc.Revision > 1 {
			continue
		}
		for _, other := range c.c.Open(ev.ModelKey) { // what is new may explain them
			if other.ID != inc.ID && other.Diagnosis != nil {
				c.suspect(other, time.Now())
			}
		}
	}
	return nil
}

func (c *correlator) tell(ctx context.Context, inc schemas.Incident) error {
	if err := c.a.publishIncident(ctx, inc); err != nil {
		return err
	}
	c.a.set.GetOrCreateCounter("driftline_correlate_revisions_total").Inc()
	return nil
}

// suspect puts an incident in line.
func (c *correlator) suspect(inc schemas.Incident, now time.Time) {
	if !c.a.cfg.Correlate.Causes.Enabled {
		return
	}
	if inc.State == schemas.IncidentResolved {
		delete(c.due, inc.ID)
	} else {
		c.due[inc.ID] = &suspect{inc: inc, at: now.Add(c.a.cfg.Correlate.Causes.Wait)}
	}
	c.count()
}

// count tells how many diagnoses wait or are under way.
func (c *correlator) count() {
	n := len(c.due)
	if c.busy {
		n++
	}
	c.a.set.GetOrCreateGauge(fmt.Sprintf(`driftline_correlate_diagnoses_pending{partition="%d"}`, c.p.Number), nil).Set(float64(n))
}

// Handle takes signals.
func (c *correlator) Handle(ctx context.Context, records []*kgo.Record) error {
	return c.inner.Handle(ctx, records)
}

// Tick attaches what was found, and begins what is due: one at a time.
func (c *correlator) Tick(ctx context.Context, now time.Time) error {
	select {
	case f := <-c.done:
		c.busy = false
		if err := c.attach(ctx, f, now); err != nil {
			return err
		}
	default:
	}
	if err := c.act(ctx, now); err != nil {
		return err
	}
	if err := c.merge(ctx, now); err != nil {
		return err
	}
	if next := c.next(now); next != nil && !c.busy {
		delete(c.due, next.inc.ID)
		c.busy = true
		beside := c.c.Open(next.inc.ModelKey()) // the store may not have them yet
		go func() {
			start := time.Now()
			ctx, cancel := context.WithTimeout(c.run, c.a.cfg.Correlate.Causes.Timeout)
			defer cancel()
			d, err := c.ask(ctx, next.inc, beside)
			c.a.set.GetOrCreateHistogram("driftline_correlate_diagnose_seconds").UpdateDuration(start)
			c.done <- finding{next.inc, d, err, next.tries}
		}()
	}
	c.count()
	return c.inner.Tick(ctx, now)
}

// actionsEvery is how soon what people did becomes a revision, and actionsOverlap
// how far back is read again: clocks differ, and writes take time.
const (
	actionsEvery   = time.Second
	actionsOverlap = time.Minute
)

// act tells what people did about open incidents.
func (c *correlator) act(ctx context.Context, now time.Time) error {
	if now.Sub(c.actedAt) < actionsEvery {
		return nil
	}
	c.actedAt = now
	actions, err := c.a.db.Actions(ctx, c.acted.Add(-actionsOverlap))
	if err != nil {
		c.a.log.Warn("read what people did about incidents; it is read again", "err", err)
		return nil
	}
	c.acted = now
	for _, a := range actions {
		inc, news := c.c.Act(a)
		if !news {
			continue
		}
		if err := c.tell(ctx, inc); err != nil {
			return err
		}
	}
	return nil
}

// mergeEvery is how often incidents of one cause are looked for among those that
// other instances keep, and remembered how far back incidents that are over may
// be opened again after a restart.
const (
	mergeEvery = 2 * time.Second
	remembered = 24 * time.Hour
)

// merge tells which incidents stand for others of the same cause.
func (c *correlator) merge(ctx context.Context, now time.Time) error {
	if !c.a.cfg.Correlate.Causes.Enabled || now.Sub(c.mergedAt) < mergeEvery || !c.c.Caused() {
		return nil
	}
	c.mergedAt = now
	open, err := c.a.db.Incidents(ctx, schemas.IncidentOpen)
	if err != nil {
		c.a.log.Warn("look for incidents of one cause; they are looked for again", "err", err)
		return nil
	}
	for _, inc := range c.c.Merge(open) {
		c.a.set.GetOrCreateCounter("driftline_correlate_merges_total").Inc()
		if err := c.tell(ctx, inc); err != nil {
			return err
		}
	}
	return nil
}

// next is the incident that is due first.
func (c *correlator) next(now time.Time) (first *suspect) {
	for _, s := range c.due {
		if !s.at.After(now) && (first == nil || s.at.Before(first.at) || s.at.Equal(first.at) && s.inc.ID < first.inc.ID) {
			first = s
		}
	}
	return first
}

// attach a diagnosis to its incident, or try again later.
func (c *correlator) attach(ctx context.Context, f finding, now time.Time) error {
	count := func(outcome string) {
		c.a.set.GetOrCreateCounter(fmt.Sprintf("driftline_correlate_diagnoses_total{outcome=%q}", outcome)).Inc()
	}
	if f.err != nil {
		count("failed")
		c.a.log.Warn("look for causes", "incident", f.inc.ID, "err", f.err, "try", f.tries+1, "of", maxTries)
		if c.due[f.inc.ID] == nil && f.tries+1 < maxTries {
			c.due[f.inc.ID] = &suspect{inc: f.inc, at: now.Add(time.Duration(1<<f.tries) * time.Second), tries: f.tries + 1}
		}
		return nil
	}
	inc, told := c.c.Diagnose(f.inc.ModelKey(), f.inc.ID, f.d)
	if !told {
		count("unchanged")
		return nil
	}
	if count("attached"); len(f.d.Causes) == 0 || f.d.Causes[0].Kind == schemas.CauseUnobserved {
		c.a.set.GetOrCreateCounter("driftline_correlate_abstentions_total").Inc()
	}
	if err := c.tell(ctx, inc); err != nil {
		return err
	}
	for _, other := range c.c.Open(inc.ModelKey()) { // what labels say may follow from it
		if other.ID != inc.ID && correlate.Follows(&other, &inc) && other.Diagnosis != nil {
			c.suspect(other, now)
		}
	}
	return nil
}

// Close commits how far the work is done.
func (c *correlator) Close(ctx context.Context) error { return c.inner.Close(ctx) }

// End breaks a diagnosis off and waits for it.
func (c *correlator) End() {
	if c.cancel(); c.busy {
		<-c.done
	}
}

// diagnoser reads what an incident needs and ranks its causes.
func (a *App) diagnoser() (func(context.Context, schemas.Incident, []schemas.Incident) (*schemas.Diagnosis, error), error) {
	cfg := a.cfg.Correlate.Causes
	registry, err := metric.New(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	store := tables.New(a.db.Conn())
	var learnt lesson
	return func(ctx context.Context, inc schemas.Incident, open []schemas.Incident) (*schemas.Diagnosis, error) {
		stored, err := a.db.FindIncidents(ctx, clickhouse.IncidentFilter{Tenant: inc.Tenant, Model: inc.Model, From: inc.Onset.Add(-besideBack), Limit: 100})
		if err != nil {
			return nil, err
		}
		stored = slices.DeleteFunc(stored, func(s schemas.Incident) bool {
			return slices.ContainsFunc(open, func(o schemas.Incident) bool { return o.ID == s.ID })
		})
		symptom, until := correlate.SymptomOf(&inc, append(stored, open...))
		from := inc.Onset.Add(-cfg.Lookback)
		known, err := store.Ask(ctx, tables.Question{
			Tenant: inc.Tenant, Model: inc.Model, From: from, Until: until, Registry: registry, MaxSeries: cfg.MaxSeries, MaxEvents: cfg.MaxEvents,
		})
		if err != nil {
			return nil, err
		}
		if known.Cut {
			a.set.GetOrCreateCounter("driftline_correlate_telemetry_cut_total").Inc()
		}
		cfg.Declare(known.Graph)
		res := rank.Rank(rank.Input{
			Graph: known.Graph.Between(from, until), Registry: registry, Series: known.Series, Events: known.Events, Symptom: symptom, Until: until,
		})
		rank.Learn(&res.Diagnosis, learnt.offset(ctx, a))
		return &res.Diagnosis, nil
	}, nil
}

// besideBack is how long before an incident others of its model may have begun
// that have to do with it.
const besideBack = 24 * time.Hour

// lesson is what people's judgements of diagnoses come to. One goroutine at a
// time asks for it.
type lesson struct {
	moves float64
	until time.Time
}

// A lesson holds for lessonFor; judgements count for lessonBack.
const (
	lessonFor  = 5 * time.Minute
	lessonBack = 180 * 24 * time.Hour
)

// offset of confidences; the one before where judgements cannot be read.
func (l *lesson) offset(ctx context.Context, a *App) float64 {
	now := time.Now()
	if now.Before(l.until) {
		return l.moves
	}
	l.until = now.Add(lessonFor)
	incidents, err := a.db.JudgedIncidents(ctx, now.Add(-lessonBack))
	if err != nil {
		a.log.Warn("read judgements of incidents; those known before go on", "err", err)
		return l.moves
	}
	var all []rank.Judged
	for i := range incidents {
		d, j := incidents[i].Diagnosis, incidents[i].Judgement()
		if d == nil || len(d.Causes) == 0 || j == nil {
			continue
		}
		all = append(all, rank.Judged{Confidence: rank.Shift(d.Causes[0].Confidence, -d.Learnt), Right: j.Kind == schemas.ActionConfirm})
	}
	l.moves = rank.Offset(all)
	a.set.GetOrCreateGauge("driftline_correlate_judgements", nil).Set(float64(len(all)))
	a.set.GetOrCreateGauge("driftline_correlate_learnt_log_odds", nil).Set(l.moves)
	return l.moves
}
