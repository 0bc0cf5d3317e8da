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
	Unknown     uint64 // touches of models that have no entry in the configuration
	NoReference uint64 // windows skipped because the model has no reference
	Failed      uint64 // evaluations that the source or the sink failed
	Pending     int    // windows that wait, now
}

// Engine decides when windows are evaluated. One goroutine owns it: none of
// its methods may be called while another one runs. It keeps only windows that
// wait; an evaluated window is forgotten until it is touched again.
type Engine struct {
	cfg     Config
	source  Source
	sink    Sink
	joint   JointSource // nil: rows are not compared
	models  map[schemas.ModelKey]*watched
	pending map[windowKey]*pendingWindow
	stats   Stats
}

type watched struct {
	plan      *Plan
	reference *schemas.Reference
	watermark time.Time // newest event time of the model
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

// Stats of the engine until now.
func (e *Engine) Stats() Stats {
	s := e.stats
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
		for _, span := range m.plan.Window.Overlapping(touched) {
			e.mark(m, t.ModelKey, span, seq, now)
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
	if w == nil {
		w = &pendingWindow{model: m, span: span, seq: seq, firstAt: now, late: m.complete(span)}
		e.pending[k] = w
		if w.late {
			e.stats.Late++
		}
	}
	w.touchedAt = now
}

// complete tells whether the watermark passed the end of a window and its lateness.
func (m *watched) complete(span schemas.Span) bool {
	return !m.watermark.Before(span.End.Add(m.plan.Lateness))
}

// due tells whether a window is to be evaluated at wall-clock time now. Late
// windows wait for Settle, so that a flow of late rows costs one evaluation in
// that time and the engine needs no memory of the last one.
func (e *Engine) due(w *pendingWindow, now time.Time) bool {
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
	if m.reference == nil {
		e.stats.NoReference++
		return false, nil
	}
	found, err := e.source.Summaries(ctx, m.plan.Key, w.span)
	if err != nil {
		return false, fmt.Errorf("read summaries: %w", err)
	}
	if err := e.warmUp(ctx, m, w.span, now); err != nil {
		return false, err
	}
	signals, err := e.judge(ctx, m, found, w.span, now)
	if err != nil {
		return false, err
	}
	ev := schemas.Evaluation{ModelKey: m.plan.Key, Span: w.span, Signals: signals}
	if err := e.sink.Publish(ctx, ev); err != nil {
		return false, fmt.Errorf("publish %d signals: %w", len(signals), err)
	}
	e.stats.Evaluated++
	e.stats.Signals += uint64(len(signals))
	for i := range signals {
		if signals[i].State == schemas.StateAlarm {
			e.stats.Alarms++
		}
	}
	return true, nil
}

// judge a window by summaries, and by rows where the plan asks for it.
func (e *Engine) judge(ctx context.Context, m *watched, found []schemas.WindowSummaries, span schemas.Span, now time.Time) ([]schemas.Signal, error) {
	var joint []Joint
	if e.joint != nil && len(m.plan.joint) > 0 {
		var err error
		if joint, err = e.joint.Joint(ctx, m.plan, m.reference, found); err != nil {
			return nil, fmt.Errorf("compare rows: %w", err)
		}
	}
	return EvaluateJoint(m.plan, &m.memory, m.reference, found, joint, span, now), nil
}

// warmUp looks at the windows before the first one that is evaluated, so that
// a restart forgets nothing that a verdict counts. Only whether an alarm is
// held from before those windows is lost.
func (e *Engine) warmUp(ctx context.Context, m *watched, span schemas.Span, now time.Time) error {
	if m.warm || !m.plan.remembers() {
		return nil
	}
	for at := m.plan.horizon(span); at.Before(span.Start); {
		past := m.plan.Window.Span(at)
		found, err := e.source.Summaries(ctx, m.plan.Key, past)
		if err != nil {
			return fmt.Errorf("read summaries of an earlier window: %w", err)
		}
		if _, err := e.judge(ctx, m, found, past, now); err != nil {
			return err
		}
		at = past.End
	}
	m.warm = true
	return nil
}
