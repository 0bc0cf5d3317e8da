package app

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/tabular"
)

// outcomesOf makes what judges performance by labels; nil when no model asks
// for it.
func (a *App) outcomesOf() (*outcomes.Runner, error) {
	var r *outcomes.Runner
	for i := range a.cfg.Models {
		m := &a.cfg.Models[i]
		if !m.Performance.Enabled() {
			continue
		}
		plan, err := detectors.NewPlan(a.cfg.Detect, *m)
		if err != nil {
			return nil, err
		}
		past, name, err := labelledReference(m)
		if err != nil {
			return nil, err
		}
		if r == nil {
			r = outcomes.NewRunner(clickhouse.Outcomes{DB: a.db}, a)
		}
		r.Watch(plan, outcomes.NewJudge(m.Performance, m.Key(), plan.Level, name, past))
	}
	return r, nil
}

// labelledReference reads what estimates are learnt from.
func labelledReference(m *detectors.Model) (rows []outcomes.Row, name string, _ error) {
	if m.Performance.Label == "" || m.Reference.File == "" {
		return nil, "", nil
	}
	t, err := tabular.Open(m.Reference.File, tabular.Options{Timestamp: m.Reference.Timestamp, Categorical: []string{m.Performance.Label, m.Reference.Prediction}})
	if err != nil {
		return nil, "", fmt.Errorf("load labels of the reference of model %q: %w", m.Name, err)
	}
	label, score, prediction := t.Column(m.Performance.Label), t.Column(m.Reference.Score), t.Column(m.Reference.Prediction)
	if label == nil {
		return nil, "", fmt.Errorf("models: %s: performance.label: %s has no column %q; columns: %v", m.Name, m.Reference.File, m.Performance.Label, t.Names())
	}
	truths := label.Texts()
	var predicted []string
	if prediction != nil {
		predicted = prediction.Texts()
	}
	for i, truth := range truths {
		r := outcomes.Row{Score: math.NaN(), Labelled: truth != "", Label: truth, Value: math.NaN(), N: 1}
		if score != nil {
			r.Score = score.Numbers[i]
		}
		if predicted != nil {
			r.Prediction = predicted[i]
		}
		rows = append(rows, r)
	}
	return rows, m.Reference.Name, nil
}

// lookForOutcomes makes rounds over predictions and their labels until it is
// stopped, on the instance that owns partition 0 of the announcements.
func (a *App) lookForOutcomes(run context.Context, r *outcomes.Runner) (stop func()) {
	ctx, cancel := context.WithCancel(run)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(a.cfg.Detect.OutcomesEvery)
		defer every.Stop()
		var last outcomes.Stats
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			start := time.Now()
			if err := r.Round(ctx, start); err != nil && ctx.Err() == nil {
				a.log.Warn("judge outcomes", "err", err, "next_try_in", a.cfg.Detect.OutcomesEvery)
			}
			a.set.GetOrCreateHistogram("driftline_outcomes_round_seconds").UpdateDuration(start)
			now := r.Stats()
			for name, n := range map[string]uint64{
				"driftline_outcomes_windows_total":       now.Windows - last.Windows,
				"driftline_outcomes_final_windows_total": now.Final - last.Final,
				"driftline_outcomes_signals_total":       now.Signals - last.Signals,
				"driftline_outcomes_alarms_total":        now.Alarms - last.Alarms,
				"driftline_outcomes_failed_total":        now.Failed - last.Failed,
			} {
				a.set.GetOrCreateCounter(name).Add(int(n))
			}
			last = now
		}
	}()
	return func() { cancel(); <-done }
}
