package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/driftline/driftline/schemas"
)

// protocol is what differs between the kinds of receiver.
type protocol interface {
	kind() string
	action(inc *schemas.Incident) string
	key(inc *schemas.Incident) string // idempotency key, the same on every attempt

	// request of one attempt at time now. An error means that the incident
	// cannot be told at all.
	request(ctx context.Context, inc *schemas.Incident, now time.Time) (*http.Request, error)
	secrets() []string // what must never show in logs, errors and the journal
}

// receiver is one configured receiver at work.
type receiver struct {
	protocol
	name       string
	least      schemas.Severity
	timeout    time.Duration
	maxElapsed time.Duration
	pause      time.Duration // first pause between attempts
	userAgent  string

	client  *http.Client
	breaker *gobreaker.CircuitBreaker[answer]
	journal Journal
	log     *slog.Logger
	metrics receiverMetrics
	turns   turns
}

// The circuit breaker opens after so many failures in a row and tries one
// request again after the pause.
const (
	breakerFailures = 5
	breakerPause    = 30 * time.Second
)

// Pauses between attempts double up to maxPause. PagerDuty asks for pauses of
// up to minutes and for not more than 120 calls in a minute.
const maxPause = time.Minute

func newReceiver(cfg Receiver, externalURL string, journal Journal, o Options) *receiver {
	r := &receiver{
		name: cfg.Name, least: cfg.MinSeverity, timeout: cfg.Timeout, maxElapsed: cfg.MaxElapsed, pause: o.backoff,
		userAgent: "driftline/" + o.Version, client: newClient(cfg, o.dial), journal: journal,
		log: o.Log.With("receiver", cfg.Name), turns: turns{busy: map[string]chan struct{}{}},
	}
	if cfg.PagerDuty != nil {
		r.protocol = &pagerDuty{cfg: *cfg.PagerDuty, externalURL: externalURL}
	} else {
		r.protocol = newWebhook(*cfg.Webhook)
	}
	r.breaker = gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		Name: cfg.Name, Timeout: breakerPause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		IsSuccessful: func(err error) bool { return err == nil || isPermanent(err) }, // a refusal comes from a receiver that is well
		IsExcluded:   func(err error) bool { return errors.Is(err, errStopped) || errors.Is(err, errJournal) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			r.log.Warn("circuit breaker changed", "from", from.String(), "to", to.String())
		},
	})
	r.metrics = newReceiverMetrics(o.Metrics, cfg.Name, r.breaker.State)
	return r
}

// notify tells the receiver about an incident, in its turn.
func (r *receiver) notify(ctx context.Context, inc *schemas.Incident) error {
	if slices.Index(severities, inc.Severity) < slices.Index(severities, r.least) {
		return nil
	}
	done, err := r.turns.wait(ctx, inc.ID)
	if err != nil {
		return err
	}
	defer done()
	settled, err := r.settled(ctx, inc)
	if err != nil || settled {
		return err
	}
	return r.deliver(ctx, inc)
}

// deliver repeats attempts until one succeeds, the receiver refuses for good,
// time is up or ctx ends. Only the last, or a journal that is away, is an
// error: the rest is settled.
func (r *receiver) deliver(ctx context.Context, inc *schemas.Incident) error {
	n := schemas.Notification{
		Tenant: inc.Tenant, IncidentID: inc.ID, Revision: inc.Revision,
		Receiver: r.name, Kind: r.kind(), Action: r.action(inc), Key: r.key(inc),
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, r.attempt(ctx, inc, &n) },
		backoff.WithBackOff(r.pauses()), backoff.WithMaxElapsedTime(r.maxElapsed), backoff.WithNotify(func(err error, pause time.Duration) {
			r.log.Warn("retry notification", "incident", inc.ID, "revision", inc.Revision, "attempt", n.Attempt, "err", r.redact(err), "pause", pause)
		}))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errJournal):
		return err
	}
	return r.drop(ctx, n, err)
}

func (r *receiver) pauses() backoff.BackOff {
	return &backoff.ExponentialBackOff{InitialInterval: r.pause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: maxPause}
}

// drop gives up and tells why.
func (r *receiver) drop(ctx context.Context, n schemas.Notification, reason error) error {
	if errors.Is(reason, gobreaker.ErrOpenState) && n.Error != "" {
		reason = fmt.Errorf("%w; before that: %s", reason, n.Error)
	}
	n.Time, n.Status, n.Error = time.Now().UTC(), schemas.NotificationDropped, r.redact(reason)
	if err := r.append(ctx, &n); err != nil {
		return err
	}
	r.log.Error("drop notification", "incident", n.IncidentID, "revision", n.Revision, "attempts", n.Attempt, "err", n.Error)
	r.metrics.attempts(schemas.NotificationDropped).Inc()
	return nil
}
