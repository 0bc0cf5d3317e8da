package app

import (
	"context"
	"fmt"
	"time"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/selfmetrics"
	"github.com/driftline/driftline/schemas"
)

// startAlert: incidents → receivers.
func (a *App) startAlert(start, run context.Context) error {
	d, err := alerting.New(a.cfg.Alerting, journal{a.db}, alerting.Options{Log: a.log.With("role", Alert), Metrics: a.set, Version: selfmetrics.Build().Version})
	if err != nil {
		return err
	}
	a.onStop("receivers", d.Close)
	again, err := a.startRetraining(d)
	if err != nil {
		return err
	}
	return a.consume(start, run, kafka.GroupConfig{
		Role: string(Alert), Topics: []string{a.cfg.Kafka.Topics.Incidents}, Tick: tick,
		New: func(p *kafka.Partition) (kafka.Handler, error) {
			if p.Number != 0 {
				return nil, fmt.Errorf("topic %s has more than one partition: groups and inhibition need one owner of all incidents; name another topic in kafka.topics.incidents, which is then created with one", p.Topic)
			}
			return a.takeAlerts(run, d, again, p)
		},
	})
}

// alert hands the incidents of the topic's only partition to an Alerter, which
// is this handler's own, and commits what it has taken.
type alert struct {
	kafka.Handler
	alerter *alerting.Alerter
	next    time.Time // of the Alerter's tick
	stop    func()    // ends the rounds over burn-rate rules

	stopRetraining func() // ends the rounds over retrainings
	deploys        deploys
}

// alertTick is how often groups are looked at.
const alertTick = 500 * time.Millisecond

// takeAlerts goes on where the owner before stopped.
func (a *App) takeAlerts(run context.Context, d *alerting.Dispatcher, again *retraining, p *kafka.Partition) (kafka.Handler, error) {
	all, err := a.standingIncidents(run)
	if err != nil {
		return nil, err
	}
	h := &alert{alerter: alerting.NewAlerter(d, a.db), stop: func() {}, deploys: deploys{a: a}}
	if err := h.alerter.Restore(run, all); err != nil {
		return nil, err
	}
	h.Handler = kafka.Each(p, decode(a, string(Alert), func(ctx context.Context, inc schemas.Incident) error {
		again.news()
		return h.alerter.Accept(ctx, inc)
	}))
	if burns := alerting.NewBurns(a.cfg.Alerting, a.set); burns.Longest() > 0 {
		var open []schemas.Incident
		for i := range all {
			open = append(open, all[i].Incident)
		}
		burns.Restore(open)
		h.stop = a.lookForBurning(run, burns)
	}
	h.stopRetraining = again.run(run)
	return h, nil
}

// standingIncidents are those that receivers are still to be told of, or to be
// reminded of, with what the journal says of each.
func (a *App) standingIncidents(ctx context.Context) ([]alerting.Restored, error) {
	rows, err := a.db.Standings(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string][]alerting.Standing{}
	for _, s := range rows {
		by[s.IncidentID] = append(by[s.IncidentID], alerting.Standing{
			Receiver: s.Receiver, Queued: s.Queued, Settled: s.Settled, Told: s.Told, Over: s.Over, QueuedSince: s.QueuedAt, LastToldAt: s.ToldAt,
		})
	}
	all, err := a.db.StandingIncidents(ctx)
	if err != nil {
		return nil, err
	}
	var out []alerting.Restored
	for i := range all {
		out = append(out, alerting.Restored{Incident: all[i], Standings: by[all[i].ID]})
	}
	return out, nil
}

// Tick tells what is due.
func (h *alert) Tick(ctx context.Context, now time.Time) error {
	if !now.Before(h.next) {
		h.next = now.Add(alertTick)
		h.alerter.Tick(now)
	}
	h.deploys.tick(ctx, now)
	return h.Handler.Tick(ctx, now)
}

// End leaves what is under way to the next owner.
func (h *alert) End() {
	h.stop()
	h.stopRetraining()
	h.alerter.Close()
}

// burnEvery is how often burn-rate rules are judged.
const burnEvery = 15 * time.Second

// lookForBurning makes rounds over the burn-rate rules; the function that it
// returns ends them.
func (a *App) lookForBurning(run context.Context, burns *alerting.Burns) (stop func()) {
	ctx, cancel := context.WithCancel(run)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(burnEvery)
		defer every.Stop()
		for {
			now := time.Now()
			verdicts, err := a.db.Verdicts(ctx, burns.Longest(), now.Add(-burns.Longest()))
			if err != nil && ctx.Err() == nil {
				a.log.Warn("read windows for burn-rate rules", "err", err)
			}
			for _, inc := range burns.Observe(now, verdicts, err) {
				if err := retry(ctx, func() error { return a.publishIncident(ctx, inc) }); err != nil {
					a.log.Warn("publish incident", "id", inc.ID, "err", err)
				}
			}
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}
