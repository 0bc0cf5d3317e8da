package detectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Source answers what a window of a model contains: one element for each
// version, with segment "" for all segments merged. The answer includes every
// row whose Touch the engine was given before the call.
type Source interface {
	Summaries(ctx context.Context, key schemas.ModelKey, span schemas.Span) ([]schemas.WindowSummaries, error)
}

// Sink takes what an evaluation found. When Publish returns nil, the
// evaluation is durable; publishing the same window again replaces it.
type Sink interface {
	Publish(ctx context.Context, ev schemas.Evaluation) error
}

// maxFailures is how many models may fail in one call of Evaluate before it
// gives up: enough to step over a bad model, few enough not to wait for a
// timeout per model while the store is down.
const maxFailures = 8

// Stats counts what an engine has done since it was made.
type Stats struct {
	Touches     uint64 // touches taken
	Evaluated   uint64 // windows evaluated, repeats included
	Late        uint64 // windows touched after they were complete
	Signals     uint64 // signals published
	Alarms      uint64 // signals in the state alarm published
	Reopened    uint64 // windows brought up again because data came late into their reference, or into a window that their verdict counts
	References  uint64 // references made of production and stored
	Unknown     uint64 // touches of models that have no entry in the configuration
	NoReference uint64 // windows skipped because the model has no reference, or none for them
	Failed      uint64 // evaluations that the source or the sink failed
	Pending     int    // windows that wait, now
}

// Engine decides when windows are evaluated. One goroutine owns it: none of
// its methods may be called while another one runs. It keeps only windows that
// wait; an evaluated window is forgotten until it is touched again.
type Engine struct {
	cfg      Config
	source   Source
	sink     Sink
	joint    JointSource   // nil: rows are not compared
	segments SegmentSource // nil: nothing is said of segments
	models   map[schemas.ModelKey]*watched
	pending  map[windowKey]*pendingWindow
	stats    Stats
}

type watched struct {
	plan      *Plan
	reference *schemas.Reference
	shelf     Shelf     // of references made of production
	watermark time.Time // newest event time of the model
	judged    time.Time // end of the newest window evaluated
	memory    Memory    // of the last windows, where verdicts need them
	warm      bool      // memory knows the windows before the first one evaluated
}

type windowKey struct {
	schemas.ModelKey
	start, end int64 // Unix seconds; time.Time is no good key
}

type pendingWindow struct {
	model     *watched
	span      schemas.Span
	seq       int64     // of the first touch since it was last evaluated
	firstAt   time.Time // wall clock of that touch
	touchedAt time.Time // wall clock of the last touch
	late      bool      // it was complete before that first touch
	reopened  bool      // nothing of it was touched, but its reference or a window that its verdict counts
	follows   bool      // of the two, only such a window: what comes after it is not concerned
}

// NewEngine makes an engine for the given models.
func NewEngine(cfg Config, models []Model, source Source, sink Sink) (*Engine, error) {
	e := &Engine{
		cfg: cfg, source: source, sink: sink,
		models:  make(map[schemas.ModelKey]*watched, len(models)),
		pending: map[windowKey]*pendingWindow{},
	}
	var errs []error
	for _, m := range models {
		plan, err := NewPlan(cfg, m)
		switch {
		case err != nil:
			errs = append(errs, err)
		case e.models[plan.Key] != nil:
			errs = append(errs, fmt.Errorf("model %q of tenant %q is configured twice", m.Name, plan.Key.Tenant))
		default:
			e.models[plan.Key] = &watched{plan: plan}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return e, nil
}

// SetReference gives a model its reference, replacing an earlier one. The
// reference must not change afterwards. One of an unknown model is ignored.
func (e *Engine) SetReference(ref schemas.Reference) {
	if m := e.models[ref.ModelKey]; m != nil {
		m.reference = &ref
		m.memory, m.warm = Memory{}, false
	}
}

// SetJoint gives the engine what compares rows, for models whose plan names
// detectors over rows.
func (e *Engine) SetJoint(j JointSource) { e.joint = j }

// SetReferences gives the engine what references of production are made of,
// and where they are kept.
func (e *Engine) SetReferences(s ReferenceStore) {
	for _, m := range e.models {
		m.shelf.store = s
	}
}

// Resume tells the engine up to which event time the windows of models were
// evaluated before it was made, so that data that come late for them bring up
// again what was judged with them.
func (e *Engine) Resume(judged map[schemas.ModelKey]time.Time) {
	for key, at := range judged {
		if m := e.models[key]; m != nil {
			m.judged = latest(m.judged, at)
		}
	}
}

// Stats of the engine until now.
func (e *Engine) Stats() Stats {
	s := e.stats
	for _, m := range e.models {
		s.References += m.shelf.made
	}
	s.Pending = len(e.pending)
	return s
}

// Touch marks the windows of a touch as waiting. Seq is the caller's
// increasing number of the touch, now the wall clock.
func (e *Engine) Touch(t schemas.Touch, seq int64, now time.Time) {
	e.stats.Touches++
	m := e.models[t.ModelKey]
	if m == nil {
		e.stats.Unknown++
		return
	}
	for _, touched := range t.Spans {
		for _, span := range m.plan.Windows(touched) {
			e.mark(m, t.ModelKey, span, seq, now)
		}
	}
	if m.plan.reference.ofProduction() {
		m.shelf.touched(t.Spans)
		for _, touched := range t.Spans {
			for _, span := range m.shelf.dependents(m.plan, touched, m.over()) {
				e.reopen(m, span, seq, now).follows = false
			}
		}
	}
	// Only now: data that come together with a newer watermark are not late.
	if t.Watermark.After(m.watermark) {
		m.watermark = t.Watermark
	}
}

func (e *Engine) mark(m *watched, key schemas.ModelKey, span schemas.Span, seq int64, now time.Time) {
	k := windowKey{key, span.Start.Unix(), span.End.Unix()}
	w := e.pending[k]
	if w == nil || w.reopened {
		if w == nil {
			w = &pendingWindow{model: m, span: span, seq: seq}
		}
		w.firstAt, w.late, w.reopened, w.follows = now, m.complete(span), false, false
		e.pending[k] = w
		if w.late {
			e.stats.Late++
		}
	}
	w.touchedAt = now
}

// reopen a window of which nothing was touched.
func (e *Engine) reopen(m *watched, span schemas.Span, seq int64, now time.Time) *pendingWindow {
	k := windowKey{m.plan.Key, span.Start.Unix(), span.End.Unix()}
	w := e.pending[k]
	if w == nil {
		w = &pendingWindow{model: m, span: span, seq: seq, firstAt: now, touchedAt: now, late: true, reopened: true, follows: true}
		e.pending[k] = w
		e.stats.Reopened++
	}
	return w
}

// over is the event time up to which windows may have been evaluated.
func (m *watched) over() time.Time { return latest(m.judged, m.watermark.Add(-m.plan.Lateness)) }

// complete tells whether the watermark passed the end of a window and its lateness.
func (m *watched) complete(span schemas.Span) bool {
	return !m.watermark.Before(span.End.Add(m.plan.Lateness))
}

// due tells whether a window is to be evaluated at wall-clock time now. Late
// windows wait for Settle, so that a flow of late rows costs one evaluation in
// that time and the engine needs no memory of the last one.
func (e *Engine) due(w *pendingWindow, now time.Time) bool {
	if w.reopened {
		return now.Sub(w.firstAt) >= e.cfg.ReferenceSettle
	}
	if w.late {
		return now.Sub(w.firstAt) >= e.cfg.Settle
	}
	if w.model.complete(w.span) {
		return true
	}
	over := !now.Before(w.span.End.Add(w.model.plan.Lateness))
	return over && now.Sub(w.touchedAt) >= e.cfg.Idle
}

// OldestPending is the smallest sequence number whose window is not evaluated
// yet; false when none waits. Touches below it need not be seen again after a
// restart.
func (e *Engine) OldestPending() (seq int64, ok bool) {
	for _, w := range e.pending {
		if !ok || w.seq < seq {
			seq, ok = w.seq, true
		}
	}
	return seq, ok
}

// Evaluate evaluates every window that is due at wall-clock time now, oldest
// first, and tells how many. A window that fails stays pending with its
// sequence number, and so do the later ones of its model; other models go on.
func (e *Engine) Evaluate(ctx context.Context, now time.Time) (evaluated int, err error) {
	var errs []error
	failed := map[schemas.ModelKey]bool{}
	for _, k := range e.dueKeys(now) {
		if failed[k.ModelKey] {
			continue
		}
		if len(failed) >= maxFailures || ctx.Err() != nil {
			break
		}
		w := e.pending[k]
		done, err := e.evaluate(ctx, w, now)
		if err != nil {
			e.stats.Failed++
			failed[k.ModelKey] = true
			errs = append(errs, fmt.Errorf("evaluate window %s of model %s/%s: %w", w.span.Start.Format(time.RFC3339), k.Tenant, k.Model, err))
			continue
		}
		delete(e.pending, k)
		if done {
			evaluated++
		}
	}
	return evaluated, errors.Join(append(errs, ctx.Err())...)
}

func (e *Engine) dueKeys(now time.Time) []windowKey {
	var keys []windowKey
	for k, w := range e.pending {
		if e.due(w, now) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b windowKey) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Model, b.Model))
	})
	return keys
}

// evaluate one window; false when it was skipped.
func (e *Engine) evaluate(ctx context.Context, w *pendingWindow, now time.Time) (bool, error) {
	m := w.model
	if !m.plan.reference.ofProduction() && m.reference == nil {
		e.stats.NoReference++
		return false, nil
	}
	found, err := e.source.Summaries(ctx, m.plan.Key, w.span)
	if err != nil {
		return false, fmt.Errorf("read summaries: %w", err)
	}
	if found = m.plan.reference.judged(found); len(found) == 0 && (w.reopened || m.plan.reference.version != "") {
		return false, nil // no window that anyone asked about
	}
	ref, err := e.referenceOf(ctx, m, w.span)
	if err != nil {
		return false, err
	}
	if ref == nil {
		e.stats.NoReference++
		return false, nil
	}
	inOrder := !w.span.End.Before(m.judged)
	if !inOrder && m.plan.remembers() {
		m.memory, m.warm = Memory{}, false // it knows later windows, and not all before this one
	}
	if err := e.warmUp(ctx, m, w.span, now); err != nil {
		return false, err
	}
	signals, err := e.judge(ctx, m, ref, found, w.span, now)
	if err != nil {
		return false, err
	}
	if err := e.locate(ctx, m, ref, w.span, signals); err != nil {
		return false, err
	}
	ev := schemas.Evaluation{ModelKey: m.plan.Key, Span: w.span, Signals: signals}
	if err := e.sink.Publish(ctx, ev); err != nil {
		return false, fmt.Errorf("publish %d signals: %w", len(signals), err)
	}
	if !inOrder && m.plan.remembers() {
		m.memory, m.warm = Memory{}, false
		if !w.follows {
			e.reopenAfter(w, now)
		}
	}
	m.judged = latest(m.judged, w.span.End)
	e.stats.Evaluated++
	e.stats.Signals += uint64(len(signals))
	for i := range signals {
		if signals[i].State == schemas.StateAlarm {
			e.stats.Alarms++
		}
	}
	return true, nil
}

// referenceOf a window; nil when there is none.
func (e *Engine) referenceOf(ctx context.Context, m *watched, span schemas.Span) (*schemas.Reference, error) {
	if !m.plan.reference.ofProduction() {
		return m.reference, nil
	}
	if m.shelf.store == nil {
		return nil, nil
	}
	return m.shelf.Reference(ctx, m.plan, span, e.source)
}

// reopenAfter a late window those whose verdicts count it.
func (e *Engine) reopenAfter(w *pendingWindow, now time.Time) {
	m := w.model
	after := schemas.Span{Start: w.span.End, End: w.span.End}
	for range m.plan.of - 1 {
		after.End = m.plan.Window.Span(after.End).End.Add(m.plan.Window.Duration())
	}
	for _, span := range m.plan.Windows(after) {
		if span.Start.After(w.span.Start) && !span.End.After(m.over()) && !m.plan.horizon(span).After(w.span.Start) {
			e.reopen(m, span, w.seq, now)
		}
	}
}

// judge a window by summaries, and by rows where the plan asks for it.
func (e *Engine) judge(ctx context.Context, m *watched, ref *schemas.Reference, found []schemas.WindowSummaries, span schemas.Span, now time.Time) ([]schemas.Signal, error) {
	var joint []Joint
	if e.joint != nil && len(m.plan.joint) > 0 {
		var err error
		if joint, err = e.joint.Joint(ctx, m.plan, ref, found); err != nil {
			return nil, fmt.Errorf("compare rows: %w", err)
		}
	}
	return EvaluateJoint(m.plan, &m.memory, ref, found, joint, span, now), nil
}

// warmUp looks at the windows before the first one that is evaluated, so that
// a restart forgets nothing that a verdict counts. Only whether an alarm is
// held from before those windows is lost.
func (e *Engine) warmUp(ctx context.Context, m *watched, span schemas.Span, now time.Time) error {
	if m.warm || !m.plan.remembers() {
		return nil
	}
	for _, past := range m.plan.Windows(schemas.Span{Start: m.plan.horizon(span), End: span.Start}) {
		if past.Start.Before(m.plan.horizon(span)) || !past.Start.Before(span.Start) {
			continue
		}
		found, err := e.source.Summaries(ctx, m.plan.Key, past)
		if err != nil {
			return fmt.Errorf("read summaries of an earlier window: %w", err)
		}
		ref, err := e.referenceOf(ctx, m, past)
		if err != nil {
			return err
		}
		if found = m.plan.reference.judged(found); ref == nil || len(found) == 0 {
			continue
		}
		if _, err := e.judge(ctx, m, ref, found, past, now); err != nil {
			return err
		}
	}
	m.warm = true
	return nil
}
