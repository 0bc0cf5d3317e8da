package app

import (
	"context"
	"time"

	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/detectors/silent/tables"
	"github.com/driftline/driftline/schemas"
)

// lookForSilence makes rounds over silent failures until it is stopped. Of all
// instances the one that owns partition 0 of the announcements makes them: the
// consumer group sees to it that there is one. When two overlap for a moment,
// the later signals replace the earlier ones. Watched are the models that have
// a reference.
func (a *App) lookForSilence(run context.Context, watched []schemas.ModelKey) (stop func()) {
	ctx, cancel := context.WithCancel(run)
	done := make(chan struct{})
	cfg := a.cfg.Detect.Silent
	cfg.Watched(watched)
	r := silent.NewRunner(cfg, tables.New(a.db.Conn()), a)
	go func() {
		defer close(done)
		every := time.NewTicker(cfg.Every)
		defer every.Stop()
		last := silent.Stats{}
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			start := time.Now()
			if err := r.Round(ctx, start); err != nil && ctx.Err() == nil {
				a.log.Warn("look for silent failures", "err", err, "next_try_in", cfg.Every)
			}
			a.set.GetOrCreateHistogram("driftline_silent_round_seconds").UpdateDuration(start)
			now := r.Stats()
			a.observeSilence(last, now)
			last = now
		}
	}()
	return func() { cancel(); <-done }
}

// observeSilence turns the runner's totals into counters.
func (a *App) observeSilence(last, now silent.Stats) {
	for name, n := range map[string]uint64{
		`driftline_silent_rounds_total{outcome="ok"}`:     now.Rounds - last.Rounds,
		`driftline_silent_rounds_total{outcome="failed"}`: now.Failed - last.Failed,
		`driftline_silent_signals_total{state="alarm"}`:   now.Alarms - last.Alarms,
		`driftline_silent_signals_total{state="unknown"}`: now.NoData - last.NoData,
		`driftline_silent_signals_total{state="ok"}`:      now.Signals - now.Alarms - now.NoData - (last.Signals - last.Alarms - last.NoData),
		`driftline_silent_quiet_total`:                    now.Quiet - last.Quiet,
	} {
		a.set.GetOrCreateCounter(name).Add(int(n))
	}
	judged := a.set.GetOrCreateGauge("driftline_silent_last_judged_timestamp_seconds", nil)
	if !now.LastJudged.IsZero() {
		judged.Set(float64(now.LastJudged.Unix()))
	}
}
