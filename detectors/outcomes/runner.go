package outcomes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// maxWindows bounds the windows that one round judges for a model: after a long
// absence the next rounds go on.
const maxWindows = 200

// Stats counts what a Runner has done since it was made.
type Stats struct {
	Windows uint64 // judged, repeats included
	Signals uint64 // published
	Alarms  uint64 // of these, in the state alarm
	Final   uint64 // windows that became final
	Failed  uint64 // models whose round failed; the next one tries again
}

// Runner makes rounds over the outcomes of models. One goroutine owns it.
type Runner struct {
	source Source
	sink   Sink
	models []*model
	stats  Stats
}

// model is what a Runner remembers of a model: all of it can be forgotten, and
// then windows that are not final are judged once more.
type model struct {
	judge    *Judge
	window   detectors.Window
	lateness time.Duration
	position Position
	loaded   bool
	stream   *Stream // nil: no window was final yet
	judged   map[int64]judged
	seen     map[schemas.Span]int // minutes with predictions of every window, in the last round
}

// judged is how a window was last seen, by its start in Unix seconds.
type judged struct {
	minutes int
	final   bool
}

// NewRunner makes a Runner without models.
func NewRunner(source Source, sink Sink) *Runner { return &Runner{source: source, sink: sink} }

// Watch adds a model that is judged in the windows of its plan.
func (r *Runner) Watch(plan *detectors.Plan, judge *Judge) {
	r.models = append(r.models, &model{judge: judge, window: plan.Window, lateness: plan.Lateness, judged: map[int64]judged{}})
}

// Stats of the Runner until now.
func (r *Runner) Stats() Stats { return r.stats }

// Round judges what has changed since the last one. The error is that of every
// model that failed; the others are judged all the same.
func (r *Runner) Round(ctx context.Context, now time.Time) error {
	var errs []error
	for _, m := range r.models {
		if err := r.round(ctx, m, now); err != nil {
			r.stats.Failed++
			errs = append(errs, fmt.Errorf("judge outcomes of %s: %w", m.judge.key.Model, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Runner) round(ctx context.Context, m *model, now time.Time) (err error) {
	if !m.loaded {
		if m.stream, err = r.source.Stream(ctx, m.judge.key); err != nil {
			return err
		}
		m.loaded = true
	}
	var from time.Time
	if m.stream != nil {
		from = m.stream.Until
	}
	news, position, err := r.source.News(ctx, m.judge.key, m.position, from)
	if err != nil {
		return err
	}
	minutes, err := r.source.Minutes(ctx, m.judge.key, from)
	if err != nil || len(minutes) == 0 {
		return err
	}
	done, err := r.windows(ctx, m, m.due(minutes, news, now), minutes[len(minutes)-1].Add(time.Minute), now)
	if err == nil && done { // only now: what is left is found again
		m.position = position
	}
	return err
}

// dueWindow is a complete window that is to be judged.
type dueWindow struct {
	schemas.Span
	minutes int // with predictions
}

// due are the complete windows that were not judged as they are now, ascending.
// A window is complete when newer events have come, or when its time is over by
// the wall clock and nothing was added to it for a round.
func (m *model) due(minutes, news []time.Time, now time.Time) []dueWindow {
	watermark := minutes[len(minutes)-1].Add(time.Minute)
	has, touched := map[schemas.Span]int{}, map[schemas.Span]bool{}
	for _, t := range minutes {
		for _, span := range m.window.Overlapping(schemas.Span{Start: t, End: t.Add(time.Minute)}) {
			has[span]++
		}
	}
	for _, t := range news {
		for _, span := range m.window.Overlapping(schemas.Span{Start: t, End: t.Add(time.Minute)}) {
			touched[span] = true
		}
	}
	var out []dueWindow
	for span, n := range has {
		last, known := m.judged[span.Start.Unix()]
		complete := !span.End.Add(m.lateness).After(watermark) || !span.End.After(now) && m.seen[span] == n
		if complete && (!known || touched[span] || last.minutes != n || !last.final && m.final(span, watermark)) {
			out = append(out, dueWindow{span, n})
		}
	}
	m.seen = has
	slices.SortFunc(out, func(a, b dueWindow) int {
		return cmp.Or(a.End.Compare(b.End), a.Start.Compare(b.Start))
	})
	return out
}

// final tells whether the labels of a window are not waited for any more.
func (m *model) final(span schemas.Span, watermark time.Time) bool {
	return !span.End.Add(m.judge.cfg.Horizon).After(watermark)
}

// windows judges, in the order of time, and tells whether all were.
func (r *Runner) windows(ctx context.Context, m *model, due []dueWindow, watermark, now time.Time) (done bool, err error) {
	for i, w := range due {
		if i == maxWindows {
			return false, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		final := m.final(w.Span, watermark)
		var after *Stream
		signals, err := r.judge(ctx, m, w.Span, final)
		if err != nil {
			return false, err
		}
		if final && (m.stream == nil || w.End.After(m.stream.Until)) {
			found, next, err := r.follow(ctx, m, w.Span)
			if err != nil {
				return false, err
			}
			signals, after = append(signals, found...), next
		}
		for k := range signals {
			signals[k].EvaluatedAt = now.UTC()
			if signals[k].State == schemas.StateAlarm {
				r.stats.Alarms++
			}
		}
		if len(signals) > 0 {
			if err := r.sink.Publish(ctx, schemas.Evaluation{ModelKey: m.judge.key, Span: w.Span, Signals: signals}); err != nil {
				return false, err
			}
		}
		if after != nil { // only now: whoever takes over follows the window again, to the same end
			if err := r.source.PutStream(ctx, m.judge.key, after); err != nil {
				return false, err
			}
			m.stream = after
			r.stats.Final++
		}
		r.stats.Windows++
		r.stats.Signals += uint64(len(signals))
		m.judged[w.Start.Unix()] = judged{w.minutes, final}
	}
	if m.stream != nil {
		until := m.stream.Until.Unix()
		maps.DeleteFunc(m.judged, func(start int64, j judged) bool { return start < until })
	}
	return true, nil
}

func (r *Runner) judge(ctx context.Context, m *model, span schemas.Span, final bool) ([]schemas.Signal, error) {
	rows, err := r.source.Rows(ctx, m.judge.key, span, m.judge.cfg.Horizon)
	if err != nil {
		return nil, err
	}
	return m.judge.Window(span, rows, final), nil
}

// follow runs a window's outcomes through the sequential detectors.
func (r *Runner) follow(ctx context.Context, m *model, span schemas.Span) ([]schemas.Signal, *Stream, error) {
	f, err := m.judge.follow(m.stream)
	if err != nil {
		return nil, nil, err
	}
	if err := r.source.Outcomes(ctx, m.judge.key, span, m.judge.cfg.Horizon, f.step); err != nil {
		return nil, nil, err
	}
	after, err := f.after(span)
	return f.signals(span), after, err
}
