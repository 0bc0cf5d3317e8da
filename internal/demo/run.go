package demo

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/loadtest"
)

// heartbeat is how often the timeline says how far things are.
const heartbeat = 5 * time.Second

// runner is a demo under way. Its goroutine alone touches ledger and screen.
type runner struct {
	app       *app.App
	fleet     *loadtest.Fleet
	receivers *receivers
	producer  *loadtest.Producer
	began     time.Time
	ledger    *ledger
	screen    screen
	over      map[string]bool // faults whose end was told

	lastStored uint64
	lastBeat   time.Time
}

func (r *runner) wall() time.Duration { return time.Since(r.began) }

// run sends the fleet's records, tells what happens, waits for the end of the
// pipeline and judges.
func (r *runner) run(ctx context.Context) (*Report, error) {
	cl, err := r.app.Config().Kafka.Dial()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	r.producer = &loadtest.Producer{Client: cl, Topics: topics, Speed: Speed}
	r.over, r.lastBeat = map[string]bool{}, time.Now()

	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	happenings, sent := make(chan happening, 64), make(chan struct{})
	start := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	start(func() error { return watch(ctx, r.app, happenings) })
	start(func() error { return journal(ctx, r.app, happenings) })
	start(func() error { return retrainings(ctx, r.app, happenings) })
	start(func() error { return r.app.Wait(ctx) })
	start(func() error {
		defer close(sent)
		return r.producer.Run(ctx, r.fleet)
	})
	if err := r.follow(ctx, happenings, sent); err != nil {
		return nil, err
	}
	return r.report(ctx)
}

// follow tells what happens until the pipeline is through, or patience ends
// after the last record is sent.
func (r *runner) follow(ctx context.Context, happenings <-chan happening, sent <-chan struct{}) error {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	var deadline, quiet time.Time // not before the last record
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case h := <-happenings:
			if r.tell(h) {
				quiet = time.Now()
			}
			continue
		case <-sent:
			sent, deadline, quiet = nil, time.Now().Add(patience), time.Now()
			r.screen.line(r.wall(), r.fleet.End(), dim, "sent", "", fmt.Sprintf("all %d events; waiting for the last windows", r.fleet.Events))
		case <-every.C:
		}
		if err := r.tick(ctx); err != nil {
			return err
		}
		done := time.Since(quiet) > time.Second && r.ledger.settled(r.windows()) && r.diagnosed()
		if !deadline.IsZero() && (done || time.Now().After(deadline)) {
			return nil
		}
	}
}

// diagnosed tells whether no causes are about to be looked for.
func (r *runner) diagnosed() bool {
	return totals(r.app.Metrics())["driftline_correlate_diagnoses_pending"] == 0
}

// tell enters a happening and prints it; false when it was nothing new.
func (r *runner) tell(h happening) bool {
	wall := r.wall()
	switch {
	case h.evaluation != nil:
		alarms := r.ledger.evaluation(h.evaluation, wall)
		for i := range alarms {
			r.screen.alarm(wall, &alarms[i])
		}
	case h.incident != nil:
		before := r.ledger.diagnosis(h.incident.ID)
		if r.ledger.incident(h.incident) {
			return false
		}
		r.screen.incident(wall, h.incident, h.incident.Diagnosis != nil && !reflect.DeepEqual(before, h.incident.Diagnosis))
	case h.notification != nil:
		if r.ledger.notification(h.notification) {
			return false
		}
		r.screen.notification(wall, r.ledger.incidents[h.notification.IncidentID].Model, h.notification)
	case h.retraining != nil:
		if r.ledger.retraining(h.retraining) {
			return false
		}
		r.screen.retraining(wall, h.retraining)
	}
	return true
}

// tick tells of faults whose time has come, and from time to time how far
// things are.
func (r *runner) tick(ctx context.Context) error {
	newest := r.producer.Newest()
	for i := range r.ledger.injected {
		in := &r.ledger.injected[i]
		if _, told := r.ledger.injectAt[in.Name]; !told && !newest.Before(in.Start) {
			r.ledger.inject(in.Name, r.wall())
			r.screen.injected(r.wall(), in)
		}
		if !r.over[in.Name] && in.End.Before(r.fleet.End()) && !newest.Before(in.End) {
			r.over[in.Name] = true
			r.screen.over(r.wall(), in)
		}
	}
	if time.Since(r.lastBeat) < heartbeat || newest.IsZero() {
		return nil
	}
	return r.beat(ctx, newest)
}

func (r *runner) beat(ctx context.Context, newest time.Time) error {
	stored, err := count(ctx, r.app, "SELECT count() FROM inference_events")
	if err != nil {
		return err
	}
	now := time.Now()
	r.screen.progress(r.wall(), newest, progress{
		produced: r.producer.Sent(loadtest.Events), stored: stored, windows: len(r.ledger.evaluated),
		rate: float64(stored-r.lastStored) / now.Sub(r.lastBeat).Seconds(),
	})
	r.lastBeat, r.lastStored = now, stored
	return nil
}

// windows are all that must be evaluated.
func (r *runner) windows() (out []windowOf) {
	for _, model := range loadtest.Models() {
		for at := r.fleet.Start.Truncate(window); at.Before(r.fleet.End()); at = at.Add(window) {
			out = append(out, windowOf{model, at.Unix()})
		}
	}
	return out
}

// report judges and prints the summary.
func (r *runner) report(ctx context.Context) (*Report, error) {
	out := r.ledger.verdict(r.receivers.accepted)
	out.Retrainings = r.ledger.judged(r.receivers.runs)
	var err error
	if out.Conservation, err = audit(ctx, r.app, r.producer); err != nil {
		return nil, err
	}
	out.Undelivered = append(out.Undelivered, r.receivers.refused()...)
	out.Events, out.WindowsExpected = r.producer.Sent(loadtest.Events), len(r.windows())
	out.Rate = digits(float64(out.Events) / r.fleet.Length.Seconds() * Speed)
	out.DurationSeconds = seconds(time.Since(r.began))
	out.Metrics = totals(r.app.Metrics())
	out.judge()
	r.screen.summary(out)
	return out, nil
}
