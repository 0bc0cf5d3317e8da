package app

import (
	"context"
	"strings"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/alerting/retrain"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/selfmetrics"
	"github.com/driftline/driftline/schemas"
)

// retraining sees to retrainings. Of all instances the one that owns the topic
// of incidents makes the rounds: the consumer group sees to it that there is
// one, and all that it knows is in the store.
type retraining struct {
	runner *retrain.Runner
	nudge  chan struct{}
}

// startRetraining makes what the alert role needs for retraining; nil when no
// model may be trained again.
func (a *App) startRetraining(d *alerting.Dispatcher) (*retraining, error) {
	cfg := a.cfg.Retraining
	if len(cfg.Models) == 0 {
		return nil, nil
	}
	log := a.log.With("role", Alert)
	runner, err := retrain.New(cfg, auditedRetraining{a.db, a.audit}, retrain.Options{Log: log, Metrics: a.set, Version: selfmetrics.Build().Version, Tell: d.Notify})
	if err != nil {
		return nil, err
	}
	a.onStop("retraining", runner.Close)
	if cfg.Callback.Listen != "" {
		s, err := retrain.ListenForCallbacks(cfg.Callback, a.db, log, a.set)
		if err != nil {
			return nil, err
		}
		a.onStop("callback listener", s.Close)
	}
	return &retraining{runner, make(chan struct{}, 1)}, nil
}

// run makes rounds until it is stopped.
func (r *retraining) run(ctx context.Context) (stop func()) {
	if r == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.runner.Run(ctx, r.nudge)
	}()
	return func() { cancel(); <-done }
}

// news asks for a round soon.
func (r *retraining) news() {
	if r == nil {
		return
	}
	select {
	case r.nudge <- struct{}{}:
	default: // one is asked for already
	}
}

// journal is the store as alerting journals in it. Notifications about
// retrainings are journalled as what they ask of people.
type journal struct{ *clickhouse.DB }

// Append journals notifications.
func (j journal) Append(ctx context.Context, all ...schemas.Notification) error {
	for i := range all {
		if !strings.HasSuffix(all[i].IncidentID, retrain.TellSuffix) {
			continue
		}
		switch all[i].Revision {
		case retrain.RevisionApproval:
			all[i].Action = "approve"
		case retrain.RevisionEscalated:
			all[i].Action = "escalate"
		}
	}
	return j.DB.Append(ctx, all...)
}
