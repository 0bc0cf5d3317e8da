package alerting

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Store is where an Alerter keeps what it must not forget. Every method may be
// called from several goroutines at once and returns when what it wrote is
// durable.
type Store interface {
	Journal
	PutIncident(ctx context.Context, inc schemas.Incident) error
	Silences(ctx context.Context, endingAfter time.Time) ([]schemas.Silence, error)
}

// Alerter routes incidents to receivers: a Router with a clock, a Dispatcher
// and a journal. What Accept has taken survives a crash: it is stored, and
// queued in the journal for each receiver that routes lead it to, before Accept
// returns. An Alerter is for one owner of all incidents; of two, each would
// tell everybody.
type Alerter struct {
	dispatcher *Dispatcher
	store      Store
	log        *slog.Logger
	metrics    alerterMetrics
	rooms      map[string]chan struct{} // messages under way, by receiver

	run    context.Context //nolint:containedctx // of everything under way; Close ends it
	cancel context.CancelFunc
	wg     sync.WaitGroup

	state struct {
		sync.Mutex // guards what follows; never held while sending or storing
		router     *Router
		polled     time.Time // when silences were last read
		polling    bool
		closed     bool
	}
}

// atOnce bounds the messages to one receiver under way side by side.
const atOnce = 16

// silencesEvery is how old the silences may be that are applied.
const silencesEvery = 5 * time.Second

// NewAlerter makes an Alerter that knows of no incident. It uses the receivers
// of d, which may outlive it.
func NewAlerter(d *Dispatcher, store Store) *Alerter {
	a := &Alerter{dispatcher: d, store: store, log: d.options.Log, metrics: newAlerterMetrics(d.options.Metrics), rooms: map[string]chan struct{}{}}
	a.run, a.cancel = context.WithCancel(context.Background())
	a.state.router = NewRouter(d.cfg)
	for _, r := range d.receivers {
		a.rooms[r.name] = make(chan struct{}, atOnce)
	}
	return a
}

// Restored is an incident that was accepted before a restart, with what the
// journal says of it.
type Restored struct {
	schemas.Incident
	Standings []Standing
}

// Restore takes over from an owner that is gone, and reads the silences. Call
// it once, before all else.
func (a *Alerter) Restore(ctx context.Context, incidents []Restored) error {
	now := time.Now()
	a.state.Lock()
	for _, inc := range incidents {
		a.state.router.Restore(now, inc.Incident, inc.Standings)
	}
	a.state.Unlock()
	_, err := insist(ctx, a.log, a.dispatcher.options.backoff, "read silences", func() (struct{}, error) {
		return struct{}{}, a.readSilences(ctx, now)
	})
	return err
}

// Accept takes a revision of an incident and returns when it cannot be lost any
// more; the error says that ctx ended before. Telling goes on in the
// background.
func (a *Alerter) Accept(ctx context.Context, inc schemas.Incident) error {
	if _, err := insist(ctx, a.log, a.dispatcher.options.backoff, "store incident", func() (struct{}, error) {
		return struct{}{}, a.store.PutIncident(ctx, inc)
	}); err != nil {
		return err
	}
	now := time.Now()
	a.state.Lock()
	placements := a.state.router.Offer(now, inc)
	a.state.Unlock()
	rows := make([]schemas.Notification, 0, len(placements))
	for _, p := range placements {
		row := a.dispatcher.receiver(p.Receiver).row(&inc)
		row.Time, row.Status = now.UTC(), schemas.NotificationQueued
		rows = append(rows, row)
	}
	if err := a.append(ctx, rows); err != nil {
		return err
	}
	a.tell(now)
	return nil
}

func (a *Alerter) append(ctx context.Context, rows []schemas.Notification) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := insist(ctx, a.log, a.dispatcher.options.backoff, "append to journal", func() (struct{}, error) {
		return struct{}{}, a.store.Append(ctx, rows...)
	})
	return err
}

// Tick tells what is due. Call it about every second.
func (a *Alerter) Tick(now time.Time) {
	a.state.Lock()
	poll := !a.state.polling && !a.state.closed && now.Sub(a.state.polled) >= silencesEvery
	if poll {
		a.state.polling = true
		a.wg.Go(func() { a.poll(now) })
	}
	a.state.Unlock()
	a.tell(now)
}

// poll reads the silences; those known before go on where they cannot be read.
func (a *Alerter) poll(now time.Time) {
	err := a.readSilences(a.run, now)
	a.state.Lock()
	a.state.polling, a.state.polled = false, now
	a.state.Unlock()
	if err != nil && a.run.Err() == nil {
		a.metrics.errors.Inc()
		a.log.Warn("read silences; those known before go on", "err", err)
	}
}

func (a *Alerter) readSilences(ctx context.Context, now time.Time) error {
	all, err := a.store.Silences(ctx, now)
	if err != nil {
		return err
	}
	holding := 0
	for i := range all {
		if all[i].Active(now) {
			holding++
		}
	}
	a.metrics.silences.Set(float64(holding))
	a.state.Lock()
	defer a.state.Unlock()
	a.state.polled = now
	if err := a.state.router.SetSilences(all); err != nil {
		a.metrics.errors.Inc()
		a.log.Warn("read silences", "err", err)
	}
	return nil
}

// tell starts what is due.
func (a *Alerter) tell(now time.Time) {
	a.state.Lock()
	defer a.state.Unlock()
	if a.state.closed {
		return
	}
	flushes, kept := a.state.router.Due(now)
	a.metrics.waiting.Set(float64(a.state.router.Waiting()))
	if len(kept) > 0 {
		a.wg.Go(func() { a.note(now, kept) })
	}
	for _, f := range flushes {
		a.wg.Go(func() { a.flush(f) })
	}
}

// note journals what is kept back.
func (a *Alerter) note(now time.Time, kept []Suppressed) {
	var rows []schemas.Notification
	for i := range kept {
		s := &kept[i]
		row := a.dispatcher.receiver(s.Receiver).row(&s.Incident)
		row.Time, row.Status, row.Error = now.UTC(), schemas.NotificationSuppressed, s.Reason
		if s.Final {
			row.Status, row.Error = schemas.NotificationDropped, "over before it could be told: "+s.Reason
		}
		rows = append(rows, row)
		a.metrics.suppressed(s.Receiver, s.By).Inc()
		a.log.Info("kept back", "receiver", s.Receiver, "incident", s.Incident.ID, "revision", s.Incident.Revision, "reason", s.Reason)
	}
	_ = a.append(a.run, rows) // ends with Close: whoever is next finds out again
}

// flush tells one receiver of one group.
func (a *Alerter) flush(f Flush) {
	room := a.rooms[f.Receiver]
	select {
	case room <- struct{}{}:
	case <-a.run.Done():
		return
	}
	outcomes, err := a.dispatcher.receiver(f.Receiver).notify(a.run, notice{told: f.Incidents, patient: !f.Last})
	<-room
	if err != nil && a.run.Err() == nil {
		a.log.Error("notify", "receiver", f.Receiver, "group", f.Group.String(), "err", err)
	}
	now := time.Now()
	a.state.Lock()
	a.state.router.Settled(now, f, outcomes)
	a.state.Unlock()
	a.tell(now)
}

// Waiting counts what receivers are still to be told.
func (a *Alerter) Waiting() int {
	a.state.Lock()
	defer a.state.Unlock()
	return a.state.router.Waiting()
}

// Close ends what is under way; what was not delivered is still queued in the
// journal.
func (a *Alerter) Close() {
	a.state.Lock()
	a.state.closed = true
	a.state.Unlock()
	a.cancel()
	a.wg.Wait()
}
