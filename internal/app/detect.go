package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// startDetect: announcements → evaluations.
func (a *App) startDetect(start, run context.Context) error {
	if err := a.readImportance(); err != nil {
		return err
	}
	refs, err := a.loadReferences(start)
	if err != nil {
		return err
	}
	judges, err := a.judges(refs)
	if err != nil {
		return err
	}
	watched := a.watched(refs)
	joint, err := a.compareRows(refs)
	if err != nil {
		return err
	}
	return a.consume(start, run, kafka.GroupConfig{
		Role: string(Detect), Topics: []string{a.cfg.Kafka.Topics.Windows}, Tick: tick,
		New: func(p *kafka.Partition) (kafka.Handler, error) {
			e, err := detectors.NewEngine(a.cfg.Detect, a.cfg.Models, a.db, a)
			if err != nil {
				return nil, err
			}
			for _, r := range refs {
				e.SetReference(*r)
			}
			e.SetJoint(joint)
			e.SetReferences(a.db)
			e.SetSegments(a.db)
			a.resume(run, e)
			d := &detect{a: a, p: p, engine: e, outcomes: a.newOutcomes(p, judges)}
			if p.Number == 0 && a.cfg.Detect.Silent.Enabled {
				d.stopSilent = a.lookForSilence(run, watched)
			}
			return d, nil
		},
	})
}

// resume tells an engine what was evaluated before it. While the store is away
// it starts without: only windows judged before the start are then not brought
// up again by data that come late into their reference.
func (a *App) resume(ctx context.Context, e *detectors.Engine) {
	judged, err := a.db.LastJudged(ctx)
	if err != nil {
		a.log.Warn("what was judged before is not known: data late for it bring up no window judged with them", "err", err)
		return
	}
	e.Resume(judged)
}

// Publish stores an evaluation and hands it to correlation. It makes App the
// engine's Sink.
func (a *App) Publish(ctx context.Context, ev schemas.Evaluation) error {
	if err := a.db.PutSignals(ctx, ev.Signals); err != nil {
		return err
	}
	return a.publish(ctx, a.cfg.Kafka.Topics.Signals, ev.ModelKey, ev)
}

// detect drives the engine of one partition of announcements. It commits only
// below the oldest window that is still to be evaluated, so that a successor
// hears of it again.
type detect struct {
	a         *App
	p         *kafka.Partition
	engine    *detectors.Engine
	next      int64 // offset after the newest announcement taken
	committed int64
	last      detectors.Stats
	retryAt   time.Time
	delay     time.Duration

	outcomes *judged // nil when no model is judged by its labels

	stopSilent func() // waits for the rounds over silent failures; nil in all partitions but one
}

// Handle takes announcements; Tick evaluates.
func (d *detect) Handle(_ context.Context, records []*kgo.Record) error {
	now := time.Now()
	for _, r := range records {
		var t schemas.Touch
		if err := json.Unmarshal(r.Value, &t); err != nil {
			d.a.log.Warn("pass over announcement", "partition", r.Partition, "offset", r.Offset, "err", err)
		} else {
			d.touch(t, r.Offset, now)
		}
		d.next = r.Offset + 1
	}
	return nil
}

// Tick evaluates what is due. While the store or the broker is away, windows
// wait; trying again gets slower.
func (d *detect) Tick(ctx context.Context, now time.Time) error {
	d.outcomes.tick(ctx, now)
	if now.Before(d.retryAt) {
		return nil
	}
	start := time.Now()
	n, err := d.engine.Evaluate(ctx, now)
	d.observe(n, start)
	if err != nil && ctx.Err() == nil {
		d.delay = min(max(2*d.delay, 200*time.Millisecond), 10*time.Second)
		d.retryAt = now.Add(d.delay)
		d.a.log.Warn("evaluate", "err", err, "next_try_in", d.delay)
		return nil
	}
	d.delay = 0
	return d.commit(ctx)
}

func (d *detect) commit(ctx context.Context) error {
	at := d.next
	if oldest, ok := d.engine.OldestPending(); ok {
		at = oldest
	}
	at = d.outcomes.below(at)
	if at <= d.committed {
		return nil
	}
	if err := d.p.Commit(ctx, at, ""); err != nil {
		return err
	}
	d.committed = at
	return nil
}

// Close commits how far the work is done.
func (d *detect) Close(ctx context.Context) error { return d.commit(ctx) }

// End leaves the rounds over silent failures to the next owner.
func (d *detect) End() {
	if d.stopSilent != nil {
		d.stopSilent()
	}
}

// observe turns the engine's totals into counters.
func (d *detect) observe(evaluated int, start time.Time) {
	if evaluated > 0 {
		d.a.set.GetOrCreateHistogram("driftline_detect_evaluate_seconds").UpdateDuration(start)
	}
	s := d.engine.Stats()
	for name, n := range map[string]uint64{
		"driftline_detect_touches_total":                         s.Touches - d.last.Touches,
		"driftline_detect_windows_evaluated_total":               s.Evaluated - d.last.Evaluated,
		"driftline_detect_windows_late_total":                    s.Late - d.last.Late,
		"driftline_detect_windows_failed_total":                  s.Failed - d.last.Failed,
		"driftline_detect_windows_reopened_total":                s.Reopened - d.last.Reopened,
		"driftline_detect_references_made_total":                 s.References - d.last.References,
		"driftline_detect_signals_total":                         s.Signals - d.last.Signals,
		"driftline_detect_alarms_total":                          s.Alarms - d.last.Alarms,
		`driftline_detect_skipped_total{reason="unknown_model"}`: s.Unknown - d.last.Unknown,
		`driftline_detect_skipped_total{reason="no_reference"}`:  s.NoReference - d.last.NoReference,
	} {
		d.a.set.GetOrCreateCounter(name).Add(int(n))
	}
	d.last = s
	pending := fmt.Sprintf(`driftline_detect_windows_pending{partition="%d"}`, d.p.Number)
	d.a.set.GetOrCreateGauge(pending, nil).Set(float64(s.Pending))
}
