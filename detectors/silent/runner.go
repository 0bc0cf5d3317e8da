package silent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Store answers from the tables.
type Store interface {
	// Watermarks are the newest event times of all tenants' streams. A tenant
	// that has sent nothing for long may be left out.
	Watermarks(ctx context.Context) ([]Watermark, error)
	// Snapshot is what the question needs, from records with event times before
	// its Now. The clock is left to the caller.
	Snapshot(ctx context.Context, q Question) (*Snapshot, error)
}

// Watermark is how far a stream has come.
type Watermark struct {
	Tenant, Stream string
	Newest         time.Time
}

// Sink takes evaluations. When Publish returns nil the evaluation is durable;
// publishing the same window again replaces it.
type Sink interface {
	Publish(ctx context.Context, ev schemas.Evaluation) error
}

// Stats counts what a runner has done since it was made.
type Stats struct {
	Rounds     uint64 // that were finished without an error
	Failed     uint64 // questions or publications that failed
	Signals    uint64 // published
	Alarms     uint64 // published in state alarm
	NoData     uint64 // published in state no_data or insufficient
	Quiet      uint64 // ok and not published since nothing changed
	LastJudged time.Time
}

// Runner judges all tenants again and again. One goroutine owns it. What it
// remembers is the position of streams and the last word on every series; a
// successor begins without either and says everything once more.
type Runner struct {
	cfg     Config
	store   Store
	sink    Sink
	tenants map[string]*tenant
	stats   Stats
}

// tenant is what is remembered of one.
type tenant struct {
	streams map[string]*stream
	told    map[schemas.SeriesKey]told
}

// stream is how far one has come.
type stream struct {
	newest   time.Time
	seen     time.Time // wall clock of the first sight
	advanced time.Time // wall clock of the last move; zero before the first
	judged   time.Time // event time
}

// told is the last word on a series.
type told struct {
	state schemas.State
	at    time.Time // event time
	heard time.Time // event time of the last judgement, told or not
	oks   int       // in a row
}

// okInARow is how many times a series that recovers is told at every step, for
// the correlator to see that it is well.
const okInARow = 12

// forgetAfter is how long a series that is not judged any more is remembered.
const forgetAfter = 24 * time.Hour

// NewRunner makes a runner. The configuration must be valid.
func NewRunner(cfg Config, store Store, sink Sink) *Runner {
	return &Runner{cfg: cfg, store: store, sink: sink, tenants: map[string]*tenant{}}
}

// Stats of the runner until now.
func (r *Runner) Stats() Stats { return r.stats }

// Round judges every stream that has moved on by a step, and what goes by the
// wall clock. A stream that fails is judged again in the next round; the others
// go on.
func (r *Runner) Round(ctx context.Context, wall time.Time) error {
	marks, err := r.store.Watermarks(ctx)
	if err != nil {
		r.stats.Failed++
		return fmt.Errorf("read watermarks: %w", err)
	}
	r.note(marks, wall)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(r.tenants)) {
		t := r.tenants[name]
		for _, kind := range slices.Sorted(maps.Keys(t.streams)) {
			if err := r.stream(ctx, name, kind, wall); err != nil {
				r.stats.Failed++
				errs = append(errs, fmt.Errorf("judge %s of tenant %s: %w", kind, name, err))
			}
			if ctx.Err() != nil {
				return errors.Join(append(errs, ctx.Err())...)
			}
		}
		if err := r.monitor(ctx, name, wall); err != nil {
			r.stats.Failed++
			errs = append(errs, fmt.Errorf("judge the monitor of tenant %s: %w", name, err))
		}
	}
	if len(errs) == 0 {
		r.stats.Rounds++
		r.stats.LastJudged = wall
	}
	return errors.Join(errs...)
}

// note takes in how far streams have come.
func (r *Runner) note(marks []Watermark, wall time.Time) {
	for _, m := range marks {
		t := r.tenants[m.Tenant]
		if t == nil {
			t = &tenant{streams: map[string]*stream{}, told: map[schemas.SeriesKey]told{}}
			r.tenants[m.Tenant] = t
		}
		s := t.streams[m.Stream]
		switch {
		case s == nil:
			t.streams[m.Stream] = &stream{newest: m.Newest, seen: wall}
		case m.Newest.After(s.newest):
			s.newest, s.advanced = m.Newest, wall
		}
	}
}

// clock is the event time that a stream is judged at.
func (r *Runner) clock(t *tenant, s *stream, wall time.Time) time.Time {
	at := s.newest
	moved := s.seen
	if s.advanced.After(moved) {
		moved = s.advanced
	}
	if wall.Sub(moved) >= r.cfg.Stall {
		for _, other := range t.streams {
			if other.newest.After(at) {
				at = other.newest
			}
		}
	}
	if at.After(wall) {
		at = wall
	}
	return at.Add(-r.cfg.Lateness).Truncate(r.cfg.Step)
}

func (r *Runner) stream(ctx context.Context, name, kind string, wall time.Time) error {
	t := r.tenants[name]
	s := t.streams[kind]
	now := r.clock(t, s, wall)
	needs := r.cfg.needs(kind)
	if !now.After(s.judged) || len(needs) == 0 {
		return nil
	}
	snap, err := r.store.Snapshot(ctx, Question{Config: r.cfg, Tenant: name, Now: now, Needs: needs})
	if err != nil {
		return err
	}
	snap.Tenant, snap.Asked = name, needs
	snap.Clock = Clock{Now: now, Wall: wall, Recent: r.cfg.Recent}
	if err := r.publish(ctx, t, snap, now); err != nil {
		return err
	}
	s.judged = now
	return nil
}

// monitor judges what goes by the wall clock.
func (r *Runner) monitor(ctx context.Context, name string, wall time.Time) error {
	t := r.tenants[name]
	m := &Monitor{}
	for _, kind := range slices.Sorted(maps.Keys(t.streams)) {
		s := t.streams[kind]
		m.Streams = append(m.Streams, Stream{Kind: kind, Newest: s.newest, Seen: s.seen, Advanced: s.advanced})
	}
	snap := &Snapshot{Tenant: name, Asked: []Input{Streams}, Monitor: m, Clock: Clock{Now: wall, Wall: wall, Recent: r.cfg.Recent}}
	return r.publish(ctx, t, snap, wall.Truncate(r.cfg.Step))
}

// publish judges a snapshot and hands on what there is to say, one evaluation a
// model.
func (r *Runner) publish(ctx context.Context, t *tenant, snap *Snapshot, now time.Time) error {
	window := schemas.Span{Start: now.Add(-r.cfg.Step).UTC(), End: now.UTC()}
	all := r.cfg.Judge(snap, window)
	signals := slices.DeleteFunc(slices.Clone(all), func(s schemas.Signal) bool { return !t.worth(&s, r.cfg.QuietEvery) })
	r.stats.Quiet += uint64(len(all) - len(signals))
	for len(signals) > 0 {
		n := 1
		for n < len(signals) && signals[n].Model == signals[0].Model {
			n++
		}
		ev := schemas.Evaluation{ModelKey: signals[0].ModelKey(), Span: window, Signals: signals[:n]}
		if err := r.sink.Publish(ctx, ev); err != nil {
			return fmt.Errorf("publish %d signals of %s: %w", n, ev.Model, err)
		}
		r.count(ev.Signals)
		signals = signals[n:]
	}
	t.remember(all, r.cfg.QuietEvery)
	return nil
}

func (r *Runner) count(signals []schemas.Signal) {
	for i := range signals {
		r.stats.Signals++
		switch signals[i].State {
		case schemas.StateAlarm:
			r.stats.Alarms++
		case schemas.StateNoData, schemas.StateInsufficient:
			r.stats.NoData++
		case schemas.StateOK:
		}
	}
}

// worth tells whether a signal says something new: its state is another one, it
// alarms or has lately recovered, or nothing was said for a while.
func (t *tenant) worth(s *schemas.Signal, quiet time.Duration) bool {
	last, known := t.told[s.Series()]
	return !known || s.State != last.state || s.State == schemas.StateAlarm ||
		s.State == schemas.StateOK && last.oks < okInARow || s.WindowEnd.Sub(last.at) >= quiet
}

// remember notes what was judged, and forgets series that are gone.
func (t *tenant) remember(signals []schemas.Signal, quiet time.Duration) {
	for i := range signals {
		s := &signals[i]
		last, known := t.told[s.Series()]
		if !known {
			last.oks = okInARow // nothing to recover from
		}
		next := told{state: s.State, at: last.at, heard: s.WindowEnd, oks: last.oks}
		if t.worth(s, quiet) {
			next.at = s.WindowEnd
		}
		switch s.State {
		case schemas.StateOK:
			next.oks = min(last.oks+1, okInARow)
		case schemas.StateAlarm:
			next.oks = 0
		case schemas.StateNoData, schemas.StateInsufficient:
		}
		t.told[s.Series()] = next
	}
	if len(signals) == 0 {
		return
	}
	newest := signals[0].WindowEnd
	maps.DeleteFunc(t.told, func(_ schemas.SeriesKey, w told) bool { return newest.Sub(w.heard) > forgetAfter })
}
