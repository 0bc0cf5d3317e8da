package outcomes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/schemas"
)

// Store has events, labels, and what was made of them. What it answers includes
// every row whose Touch the engine was given before the call. Writing the same
// key again replaces what was there.
type Store interface {
	// Window reads the predictions of a window with their labels.
	Window(ctx context.Context, q Question) (Window, error)
	// Touched are the minutes of predictions to which labels belong that became
	// known in the given spans, ascending, and how many labels came too late.
	Touched(ctx context.Context, key schemas.ModelKey, labels []schemas.Span, horizon time.Duration) (minutes []schemas.Span, late uint64, err error)
	// Keep stores the labelled predictions of a window as outcomes.
	Keep(ctx context.Context, q Question, revision uint64) error
	// Judged are the windows of a model that were judged and start at or after
	// a time, ascending.
	Judged(ctx context.Context, key schemas.ModelKey, from time.Time) ([]Judged, error)
	// State is the newest state of a model's sequential detectors after a
	// window that ends at or before a time; its WindowEnd is zero when there is none.
	State(ctx context.Context, key schemas.ModelKey, until time.Time) (schemas.DetectorState, error)
	// PutStats stores the figures of a window.
	PutStats(ctx context.Context, stats []schemas.OutcomeStats) error
	// PutState stores a state.
	PutState(ctx context.Context, s schemas.DetectorState) error
	// Rewind makes the states after windows that start at or after a time unknown.
	Rewind(ctx context.Context, key schemas.ModelKey, from, now time.Time) error
}

// Sink takes what a judgement found. When Publish returns nil it is durable;
// publishing the same window again replaces it.
type Sink interface {
	Publish(ctx context.Context, ev schemas.Evaluation) error
}

// Judged is a window that was judged.
type Judged struct {
	Span  schemas.Span
	Final bool // in all versions
}

// Stats counts what an engine has done since it was made.
type Stats struct {
	Provisional uint64 // windows judged while labels may still come
	Final       uint64 // windows judged with all labels that count
	Signals     uint64
	Alarms      uint64
	Late        uint64 // labels that became known after the horizon
	Followed    uint64 // windows that sequential detectors took
	Rewound     uint64 // times that sequential detectors went back, as a window that they had taken changed
	Failed      uint64
	Pending     int // windows that wait to be judged, now
}

// Engine decides when the windows of models are judged by their labels. One
// goroutine owns it. What it remembers of windows that are judged, and not
// final, it finds again in the store.
type Engine struct {
	store Store
	sink  Sink
	idle  time.Duration
	clock func() time.Time // to measure how long judging takes

	models map[schemas.ModelKey]*watched
	stats  Stats
}

type watched struct {
	judge   *Judge
	plan    Plan
	events  time.Time // newest event time
	newest  time.Time // of events and labels
	pending map[spanKey]*pendingWindow
	open    map[spanKey]schemas.Span // judged and provisional
	warm    bool                     // open is as the store has it

	labels   []schemas.Span // times of labels whose windows are not known yet
	labelSeq int64          // of the first touch among them
	labelAt  time.Time      // wall clock of that touch
	rest     time.Time      // wall clock before which labels have no window judged again

	follow   bool         // there may be windows for the sequential detectors
	position time.Time    // end of the newest window that they took
	read     schemas.Span // the window in hand, to be read once
	hand     *Window
}

type spanKey struct{ start, end int64 }

func keyOf(s schemas.Span) spanKey { return spanKey{s.Start.Unix(), s.End.Unix()} }

type pendingWindow struct {
	span      schemas.Span
	seq       int64     // of the first touch since it was last judged
	firstAt   time.Time // wall clock of that touch
	touchedAt time.Time // wall clock of the last touch
	late      bool      // it was complete before that touch
}

// NewEngine makes an engine. Idle is how long nothing must have touched a
// window whose time is over by the wall clock.
func NewEngine(judges []*Judge, idle time.Duration, store Store, sink Sink) *Engine {
	e := &Engine{store: store, sink: sink, idle: idle, clock: time.Now, models: map[schemas.ModelKey]*watched{}}
	for _, j := range judges {
		e.models[j.plan.Key] = &watched{judge: j, plan: j.plan, pending: map[spanKey]*pendingWindow{}, open: map[spanKey]schemas.Span{}}
	}
	return e
}

// Stats of the engine until now.
func (e *Engine) Stats() Stats {
	s := e.stats
	for _, m := range e.models {
		s.Pending += len(m.pending)
	}
	return s
}

// Touch takes an announcement of events or labels. Seq is the caller's
// increasing number of the touch, now the wall clock.
func (e *Engine) Touch(t schemas.Touch, seq int64, now time.Time) {
	m := e.models[t.ModelKey]
	if m == nil {
		return
	}
	if t.Labels {
		if len(m.labels) == 0 {
			m.labelSeq, m.labelAt = seq, now
		}
		m.labels = append(m.labels, t.Spans...)
	} else {
		m.mark(t.Spans, seq, now, now)
	}
	// Only now: data that come together with a newer watermark are not late.
	if !t.Labels && t.Watermark.After(m.events) {
		m.events = t.Watermark
	}
	if t.Watermark.After(m.newest) {
		m.newest = t.Watermark
	}
}

// mark the windows of touched spans as waiting.
func (m *watched) mark(spans []schemas.Span, seq int64, first, now time.Time) {
	for _, touched := range spans {
		for _, span := range m.plan.Overlapping(touched) {
			w := m.pending[keyOf(span)]
			if w == nil {
				w = &pendingWindow{span: span, seq: seq, firstAt: first, late: m.complete(span)}
				m.pending[keyOf(span)] = w
			}
			w.seq = min(w.seq, seq)
			w.touchedAt = now
		}
	}
}

// complete tells whether the watermark of events passed a window and its lateness.
func (m *watched) complete(span schemas.Span) bool {
	return !m.events.Before(span.End.Add(m.plan.Lateness))
}

// over tells whether labels that become known from now on are too late for all
// of a window's predictions, by event time or by the wall clock.
func (m *watched) over(span schemas.Span, now time.Time, idle time.Duration, touchedAt time.Time) bool {
	end := span.End.Add(m.judge.cfg.Horizon)
	return !m.newest.Before(end) || !now.Before(end) && now.Sub(touchedAt) >= idle
}

// due tells whether a window is to be judged at wall-clock time now.
func (e *Engine) due(m *watched, w *pendingWindow, now time.Time) bool {
	if w.late {
		return now.Sub(w.firstAt) >= m.judge.cfg.Every && !now.Before(m.rest)
	}
	return m.complete(w.span) || !now.Before(w.span.End.Add(m.plan.Lateness)) && now.Sub(w.touchedAt) >= e.idle
}

// OldestPending is the smallest sequence number whose work is not done; false
// when there is none. Touches below it need not be seen again after a restart.
func (e *Engine) OldestPending() (seq int64, ok bool) {
	take := func(s int64) {
		if !ok || s < seq {
			seq, ok = s, true
		}
	}
	for _, m := range e.models {
		for _, w := range m.pending {
			take(w.seq)
		}
		if len(m.labels) > 0 {
			take(m.labelSeq)
		}
	}
	return seq, ok
}

// Evaluate judges every window that is due at wall-clock time now, and tells
// how many. A model that fails keeps what waits; the others go on.
func (e *Engine) Evaluate(ctx context.Context, now time.Time) (judged int, err error) {
	var errs []error
	for _, key := range e.keys() {
		m := e.models[key]
		start := e.clock()
		n, err := e.model(ctx, m, now)
		judged += n
		if n > 0 {
			m.rest = now.Add(10 * e.clock().Sub(start))
		}
		if err != nil {
			e.stats.Failed++
			errs = append(errs, fmt.Errorf("judge outcomes of model %s/%s: %w", key.Tenant, key.Model, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return judged, errors.Join(append(errs, ctx.Err())...)
}

func (e *Engine) keys() []schemas.ModelKey {
	var out []schemas.ModelKey
	for k, m := range e.models {
		if len(m.pending) > 0 || len(m.labels) > 0 || len(m.open) > 0 || m.follow {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b schemas.ModelKey) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Model, b.Model))
	})
	return out
}

func (e *Engine) model(ctx context.Context, m *watched, now time.Time) (judged int, err error) {
	defer func() { m.hand = nil }()
	if err := e.warmUp(ctx, m); err != nil {
		return 0, err
	}
	if len(m.labels) > 0 && now.Sub(m.labelAt) >= m.judge.cfg.Every && !now.Before(m.rest) {
		if err := e.locate(ctx, m, now); err != nil {
			return 0, err
		}
	}
	for _, w := range e.dueWindows(m, now) {
		if err := e.judge(ctx, m, w, now); err != nil {
			return judged, fmt.Errorf("window %s: %w", w.span.Start.Format(time.RFC3339), err)
		}
		judged++
	}
	return judged, e.followAll(ctx, m, now)
}

// warmUp asks the store which windows are provisional.
func (e *Engine) warmUp(ctx context.Context, m *watched) error {
	if m.warm {
		return nil
	}
	all, err := e.store.Judged(ctx, m.plan.Key, time.Time{})
	if err != nil {
		return fmt.Errorf("read judged windows: %w", err)
	}
	for _, w := range all {
		if !w.Final {
			m.open[keyOf(w.Span)] = w.Span
		}
	}
	last, err := e.store.State(ctx, m.plan.Key, distant)
	if err != nil {
		return fmt.Errorf("read position of sequential detectors: %w", err)
	}
	m.position, m.warm, m.follow = last.WindowEnd, true, true
	return nil
}

// locate finds the windows that labels belong to.
func (e *Engine) locate(ctx context.Context, m *watched, now time.Time) error {
	minutes, late, err := e.store.Touched(ctx, m.plan.Key, merged(m.labels), m.judge.cfg.Horizon)
	if err != nil {
		return fmt.Errorf("look for the predictions of labels: %w", err)
	}
	e.stats.Late += late
	m.mark(minutes, m.labelSeq, m.labelAt, now)
	m.labels = nil
	return nil
}

// merged are spans in order, those that meet as one.
func merged(spans []schemas.Span) (out []schemas.Span) {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b schemas.Span) int { return a.Start.Compare(b.Start) })
	for _, s := range spans {
		if n := len(out); n > 0 && !s.Start.After(out[n-1].End) {
			if s.End.After(out[n-1].End) {
				out[n-1].End = s.End
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// dueWindows are those that wait and are due, and those that have become final,
// oldest first.
func (e *Engine) dueWindows(m *watched, now time.Time) (out []*pendingWindow) {
	for _, w := range m.pending {
		if e.due(m, w, now) {
			out = append(out, w)
		}
	}
	for k, span := range m.open {
		if m.pending[k] == nil && m.over(span, now, 0, now) {
			out = append(out, &pendingWindow{span: span, seq: -1})
		}
	}
	slices.SortFunc(out, func(a, b *pendingWindow) int {
		return cmp.Or(a.span.End.Compare(b.span.End), a.span.Start.Compare(b.span.Start))
	})
	return out
}

// judge one window.
func (e *Engine) judge(ctx context.Context, m *watched, w *pendingWindow, now time.Time) error {
	q := m.judge.Question(w.span)
	rows, err := e.store.Window(ctx, q)
	if err != nil {
		return fmt.Errorf("read outcomes: %w", err)
	}
	m.read, m.hand = w.span, &rows
	final := e.final(m, w, rows, now)
	v := m.judge.Judge(rows, w.span, final, now)
	if v.Labelled > 0 {
		if err := e.store.Keep(ctx, q, uint64(now.UnixMilli())); err != nil {
			return fmt.Errorf("store outcomes: %w", err)
		}
	}
	if err := e.publish(ctx, m, w.span, v.Signals); err != nil {
		return err
	}
	// Before the window counts as judged: a successor must not take its old state for good.
	if w.span.Start.Before(m.position) {
		if err := e.store.Rewind(ctx, m.plan.Key, w.span.Start, now); err != nil {
			return fmt.Errorf("rewind sequential detectors: %w", err)
		}
		m.position = w.span.Start
		e.stats.Rewound++
	}
	if err := e.store.PutStats(ctx, v.Stats); err != nil {
		return fmt.Errorf("store figures: %w", err)
	}
	k := keyOf(w.span)
	delete(m.pending, k)
	delete(m.open, k)
	switch {
	case final:
		e.stats.Final++
		m.follow = true
	case len(v.Stats) > 0:
		e.stats.Provisional++
		m.open[k] = w.span
	}
	return nil
}

// final tells whether labels of a window are not waited for any longer: nearly
// all are there, or no more can come in time.
func (e *Engine) final(m *watched, w *pendingWindow, rows Window, now time.Time) bool {
	c := performance.Coverage{Predictions: len(rows.Rows)}
	for i := range rows.Rows {
		if rows.Rows[i].Labelled {
			c.Labelled++
		}
	}
	f := performance.Finality{Delay: m.judge.cfg.Horizon}
	return f.Final(w.span, c, m.events) || m.over(w.span, now, e.idle, w.touchedAt)
}

func (e *Engine) publish(ctx context.Context, m *watched, span schemas.Span, signals []schemas.Signal) error {
	if len(signals) == 0 {
		return nil
	}
	if err := e.sink.Publish(ctx, schemas.Evaluation{ModelKey: m.plan.Key, Span: span, Signals: signals}); err != nil {
		return fmt.Errorf("publish %d signals: %w", len(signals), err)
	}
	e.stats.Signals += uint64(len(signals))
	for i := range signals {
		if signals[i].State == schemas.StateAlarm {
			e.stats.Alarms++
		}
	}
	return nil
}

// distant is later than any window.
var distant = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// followAll takes the final windows to the sequential detectors, in event order
// and as far as no window before is provisional.
func (e *Engine) followAll(ctx context.Context, m *watched, now time.Time) error {
	if !m.follow {
		return nil
	}
	last, err := e.store.State(ctx, m.plan.Key, distant)
	if err != nil {
		return fmt.Errorf("read state of sequential detectors: %w", err)
	}
	windows, err := e.store.Judged(ctx, m.plan.Key, last.WindowEnd)
	if err != nil {
		return fmt.Errorf("read judged windows: %w", err)
	}
	before := last.State
	for _, w := range windows {
		if !w.Final {
			break
		}
		if before, err = e.followOne(ctx, m, w.Span, before, now); err != nil {
			return fmt.Errorf("follow window %s: %w", w.Span.Start.Format(time.RFC3339), err)
		}
	}
	m.follow = false
	return nil
}

func (e *Engine) followOne(ctx context.Context, m *watched, span schemas.Span, before string, now time.Time) (after string, err error) {
	if m.hand == nil || m.read != span {
		rows, err := e.store.Window(ctx, m.judge.Question(span))
		if err != nil {
			return "", fmt.Errorf("read outcomes: %w", err)
		}
		m.read, m.hand = span, &rows
	}
	signals, after, err := m.judge.Follow(before, *m.hand, span, now)
	if err != nil {
		return "", err
	}
	if err := e.publish(ctx, m, span, signals); err != nil {
		return "", err
	}
	err = e.store.PutState(ctx, schemas.DetectorState{
		Tenant: m.plan.Key.Tenant, Model: m.plan.Key.Model, WindowStart: span.Start, WindowEnd: span.End, State: after,
		EvaluatedAt: now.Add(time.Millisecond), // newer than the empty states of a rewind in this round: of equal ones either may win
	})
	if err != nil {
		return "", fmt.Errorf("store state of sequential detectors: %w", err)
	}
	m.position = span.End
	e.stats.Followed++
	return after, nil
}
