package retrain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/schemas"
)

// minServed is how many events of a version count as requests that it serves.
const minServed = 100

// advance begins the next steps of a retraining, unless some are under way.
func (r *Runner) advance(ctx context.Context, row schemas.Retraining, inputs []schemas.RetrainingEntry) {
	m := r.models[row.ModelKey()]
	due := row.State.InFlight() || row.State == schemas.RetrainingAsked || row.State == schemas.RetrainingEscalating || row.State == schemas.RetrainingEscalated
	if m == nil || !due || !r.take(&row) {
		return
	}
	r.wg.Go(func() {
		defer r.release(row.Key)
		for ctx.Err() == nil {
			was := row.State
			if err := r.step(ctx, m, &row, inputs); err != nil {
				if ctx.Err() == nil {
					r.o.Log.Warn("retraining step", "incident", row.IncidentID, "model", row.Model, "state", was, "err", err)
				}
				return
			}
			if row.State == was {
				return
			}
		}
	})
}

// take a retraining's next step, unless it is being taken, has been since the
// row was read, or is to be tried later.
func (r *Runner) take(row *schemas.Retraining) bool {
	r.retry.Lock()
	early := r.o.now().Before(r.retry.at[row.Key])
	r.retry.Unlock()
	r.busy.Lock()
	defer r.busy.Unlock()
	if early || r.busy.by[row.Key] || r.busy.known[row.Key].Revision > row.Revision {
		return false
	}
	r.busy.by[row.Key] = true
	return true
}

func (r *Runner) release(key string) {
	r.busy.Lock()
	defer r.busy.Unlock()
	delete(r.busy.by, key)
}

// step takes a retraining to its next state if it is time.
func (r *Runner) step(ctx context.Context, m *Model, row *schemas.Retraining, inputs []schemas.RetrainingEntry) error {
	switch row.State {
	case schemas.RetrainingAsked:
		return r.ask(ctx, row)
	case schemas.RetrainingExporting:
		return r.export(ctx, m, row)
	case schemas.RetrainingSending:
		return r.send(ctx, m, row)
	case schemas.RetrainingRunning:
		return r.follow(ctx, m, row, inputs)
	case schemas.RetrainingTrained:
		return r.awaitVersion(ctx, m, row)
	case schemas.RetrainingServing:
		return r.verify(ctx, m, row)
	case schemas.RetrainingEscalating:
		return r.escalate(ctx, row)
	case schemas.RetrainingEscalated:
		return r.end(ctx, row)
	default:
		return nil
	}
}

func (r *Runner) moveOn(ctx context.Context, row *schemas.Retraining, state schemas.RetrainingState, reason, format string, args ...any) error {
	detail := fmt.Sprintf(format, args...)
	r.o.Log.Info("retraining", "incident", row.IncidentID, "tenant", row.Tenant, "model", row.Model, "state", state, "reason", reason, "detail", detail)
	return r.move(ctx, row, schemas.RetrainingStep, state, reason, detail)
}

// export writes the feedback data set.
func (r *Runner) export(ctx context.Context, m *Model, row *schemas.Retraining) error {
	start := time.Now()
	manifest, uri, err := export(ctx, r.depot, r.store, row, m.MaxRows)
	r.metrics.exportSeconds().UpdateDuration(start)
	switch {
	case errors.Is(err, errNoRows):
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, "export_failed", "%v", err)
	case err != nil:
		return r.again(ctx, m, row, "export_failed", fmt.Errorf("write data set: %w", err))
	}
	row.Dataset, row.Manifest, row.SHA256, row.Rows = manifest.URI, uri, manifest.SHA256, manifest.Rows
	r.metrics.exportedRows().Add(int(manifest.Rows))
	return r.moveOn(ctx, row, schemas.RetrainingSending, "exported", "%d labelled rows in %s", manifest.Rows, manifest.URI)
}

// send tells the target. That it is about to be told is written down before: a
// successor that finds it so tells it again, with the same key.
func (r *Runner) send(ctx context.Context, m *Model, row *schemas.Retraining) error {
	t := r.targets[m.Target]
	row.Target = m.Target
	row.Attempts++
	row.Revision++
	row.UpdatedAt = r.now()
	if err := r.put(ctx, row); err != nil {
		return err
	}
	trigger, err := r.trigger(ctx, m, row)
	if err != nil {
		return err
	}
	id, err := t.start(ctx, trigger)
	if permanent := (*backoff.PermanentError)(nil); errors.As(err, &permanent) {
		r.metrics.requests(m.Target, "refused").Inc()
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, "refused", "%s refused for good: %v", m.Target, err)
	}
	if err != nil {
		r.metrics.requests(m.Target, "failed").Inc()
		return r.again(ctx, m, row, "not_triggered", fmt.Errorf("tell %s: %w", m.Target, err))
	}
	r.metrics.requests(m.Target, "started").Inc()
	row.RunID = id
	return r.moveOn(ctx, row, schemas.RetrainingRunning, "triggered", "%s took it, attempt %d", m.Target, row.Attempts)
}

func (r *Runner) trigger(ctx context.Context, m *Model, row *schemas.Retraining) (*Trigger, error) {
	inc, err := r.store.Incident(ctx, row.ModelKey(), row.IncidentID)
	if err != nil {
		return nil, err
	}
	if inc == nil {
		inc = &schemas.Incident{Onset: row.WindowStart}
	}
	return &Trigger{
		Key: row.Key, Requested: *row.DecidedAt, Tenant: row.Tenant, Model: row.Model, Versions: row.Versions, IncidentID: row.IncidentID,
		Title: row.Model + ": " + row.Detail, Cause: row.Cause, Onset: inc.Onset, Reference: row.Reference, Window: schemas.Span{Start: row.WindowStart, End: row.WindowEnd},
		Rows: row.Rows, DatasetURI: row.Dataset, ManifestURI: row.Manifest, SHA256: row.SHA256, CallbackURL: r.cfg.Callback.URL, Parameters: m.Parameters,
	}, nil
}

// again notes a failure and tries later, until there is no time left.
func (r *Runner) again(ctx context.Context, m *Model, row *schemas.Retraining, reason string, failure error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if now := r.now(); row.DecidedAt == nil || now.Sub(*row.DecidedAt) >= m.TriggerWithin {
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, reason, "not within %s: %v", short(m.TriggerWithin), failure)
	}
	pause := min(r.o.pause<<min(max(row.Attempts, 1)-1, 10), longestPause)
	if asked := (*backoff.RetryAfterError)(nil); errors.As(failure, &asked) {
		pause = max(pause, asked.Duration)
	}
	r.retry.Lock()
	r.retry.at[row.Key] = r.o.now().Add(pause)
	r.retry.Unlock()
	if row.State == schemas.RetrainingExporting {
		row.Attempts++
	}
	row.Error, row.UpdatedAt = failure.Error(), r.now()
	row.Revision++
	return errors.Join(failure, r.put(ctx, row))
}

// late tells whether a step has taken longer than it may.
func (r *Runner) late(row *schemas.Retraining, within time.Duration) bool {
	return r.now().Sub(row.StateAt) >= within
}

// follow the run, by what its pipeline says or by asking it.
func (r *Runner) follow(ctx context.Context, m *Model, row *schemas.Retraining, inputs []schemas.RetrainingEntry) error {
	state, said := heard(row, inputs)
	var err error
	if state == "" {
		state, said, err = r.targets[m.Target].state(ctx, &Trigger{Key: row.Key, Requested: *row.DecidedAt}, row.RunID)
	}
	switch {
	case state == schemas.RunSucceeded:
		return r.moveOn(ctx, row, schemas.RetrainingTrained, "run_succeeded", "the run went well: %s", said)
	case state == schemas.RunFailed:
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, "run_failed", "the run failed: %s", said)
	case r.late(row, m.RunWithin):
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, "run_late", "the run has not ended within %s", short(m.RunWithin))
	case errors.Is(err, errNotTold): // nobody may ever tell: the new version does
		return r.lookForVersion(ctx, row)
	}
	return err
}

// heard is the last word of callbacks about a run: an end is final.
func heard(row *schemas.Retraining, inputs []schemas.RetrainingEntry) (state schemas.RunState, said string) {
	for _, e := range inputs {
		if e.Kind != schemas.RetrainingCallback || state == schemas.RunSucceeded || state == schemas.RunFailed {
			continue
		}
		state, said = schemas.RunState(e.State), e.Detail
		if e.Version != "" {
			row.NewVersion = e.Version
		}
		if e.RunID != "" {
			row.RunID = e.RunID
		}
	}
	return state, said
}

// awaitVersion waits until the new version answers requests.
func (r *Runner) awaitVersion(ctx context.Context, m *Model, row *schemas.Retraining) error {
	if err := r.lookForVersion(ctx, row); err != nil || row.State != schemas.RetrainingTrained {
		return err
	}
	if r.late(row, m.ServeWithin) {
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, "not_served", "no new version answered requests within %s of the run", short(m.ServeWithin))
	}
	return nil
}

// lookForVersion finds the version that the pipeline named, or one that did
// not answer requests before the data set's end.
func (r *Runner) lookForVersion(ctx context.Context, row *schemas.Retraining) error {
	versions, err := r.store.VersionsSince(ctx, row.ModelKey(), row.WindowEnd)
	if err != nil {
		return err
	}
	for _, v := range versions {
		found := v.Version == row.NewVersion
		if row.NewVersion == "" {
			found = !v.First.Before(row.WindowEnd)
		}
		if found && v.Rows >= minServed {
			at := v.FirstSince
			row.NewVersion, row.ServedAt = v.Version, &at
			return r.moveOn(ctx, row, schemas.RetrainingServing, "served", "version %s answers requests since %s", v.Version, at.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// verify that the incident is over and the new version has been well for long
// enough; without a verdict about it nothing is verified.
func (r *Runner) verify(ctx context.Context, m *Model, row *schemas.Retraining) error {
	inc, err := r.store.Incident(ctx, row.ModelKey(), row.IncidentID)
	if err != nil {
		return err
	}
	health, err := r.store.VersionHealth(ctx, row.ModelKey(), row.NewVersion, *row.ServedAt)
	if err != nil {
		return err
	}
	since := *row.ServedAt
	if health.LastAlarm.After(since) {
		since = health.LastAlarm
	}
	over := inc == nil || inc.State == schemas.IncidentResolved
	well := health.OK > 0 && health.Newest.Sub(since) >= m.VerifyFor
	switch {
	case over && well:
		return r.moveOn(ctx, row, schemas.RetrainingRecovered, "recovered", "the incident is over and version %s has not alarmed for %s", row.NewVersion, short(health.Newest.Sub(since)))
	case r.late(row, m.RecoverWithin):
		what := "the incident is still open"
		if over {
			what = "version " + row.NewVersion + " is not well"
		}
		return r.moveOn(ctx, row, schemas.RetrainingEscalating, "not_recovered", "%s %s after the first requests of version %s", what, short(m.RecoverWithin), row.NewVersion)
	}
	return nil
}
