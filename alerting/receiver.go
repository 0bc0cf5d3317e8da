package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
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
	digests() bool                    // one message may tell of several incidents
	secrets() []string                // what must never show in logs, errors and the journal

	// post makes one attempt at time now. A permanent error means that another
	// one is of no use.
	post(ctx context.Context, told []Told, now time.Time) (answer, error)
}

// receiver is one configured receiver at work.
type receiver struct {
	protocol
	name       string
	least      schemas.Severity
	timeout    time.Duration
	maxElapsed time.Duration
	pause      time.Duration // first pause between attempts

	client  *http.Client
	breaker *gobreaker.CircuitBreaker[answer]
	journal Journal
	log     *slog.Logger
	metrics receiverMetrics
	turns   *turns
	changes *receiver // the same one, as it takes change events; nil when it takes none
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
		client: newClient(cfg, o.dial), journal: journal,
		log: o.Log.With("receiver", cfg.Name), turns: &turns{busy: map[string]chan struct{}{}},
	}
	web, link := &caller{client: r.client, agent: "driftline/" + o.Version}, link(externalURL)
	switch {
	case cfg.PagerDuty != nil:
		r.protocol = &pagerDuty{caller: web, cfg: *cfg.PagerDuty, link: link}
	case cfg.Slack != nil:
		r.protocol = &slack{caller: web, cfg: *cfg.Slack, link: link}
	case cfg.Alertmanager != nil:
		r.protocol = &alertmanager{caller: web, cfg: *cfg.Alertmanager, link: link}
	case cfg.Email != nil:
		r.protocol = newMailer(cfg, link, o.dial)
	default:
		r.protocol = newWebhook(*cfg.Webhook, web, link)
	}
	web.hide = r.hide
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
	if p, ok := r.protocol.(*pagerDuty); ok && p.cfg.ChangeEvents {
		changes := *r
		changes.protocol, changes.turns = &pagerDutyChanges{p}, &turns{busy: map[string]chan struct{}{}}
		r.changes = &changes
	}
	return r
}

// notice is what one receiver is to be told.
type notice struct {
	told    []Told
	patient bool // time that is up is no reason to give up: somebody will ask again
}

// errSpent ends a round of attempts of a patient notice.
var errSpent = errors.New("no attempt succeeded in this round")

// notify tells the receiver about incidents, each in its turn, and returns for
// each whether it was delivered or given up. Receivers that take one incident
// at a time are told of one after the other.
func (r *receiver) notify(ctx context.Context, n notice) ([]Outcome, error) {
	if r.digests() {
		return r.tell(ctx, n)
	}
	var out []Outcome
	var errs []error
	for i := range n.told {
		o, err := r.tell(ctx, notice{n.told[i : i+1], n.patient})
		out, errs = append(out, o...), append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return out, errors.Join(errs...)
}

// tell sends one message.
func (r *receiver) tell(ctx context.Context, n notice) ([]Outcome, error) {
	ids := make([]string, len(n.told))
	for i := range n.told {
		ids[i] = n.told[i].ID
	}
	slices.Sort(ids) // always in this order, so that two messages never wait for each other
	for _, id := range slices.Compact(ids) {
		done, err := r.turns.wait(ctx, id)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	var out []Outcome
	var news []Told
	for i := range n.told {
		settled, err := r.settled(ctx, &n.told[i].Incident)
		if err != nil {
			return out, err
		}
		if settled && !n.told[i].Again {
			out = append(out, Outcome{n.told[i].ID, n.told[i].Revision, true, false})
			continue
		}
		news = append(news, n.told[i])
	}
	if len(news) == 0 {
		return out, nil
	}
	if r.resends() && !slices.ContainsFunc(news, func(t Told) bool { return !t.Again }) {
		return r.resend(ctx, news), nil
	}
	how, err := r.deliver(ctx, news, n.patient)
	if errors.Is(err, errSpent) {
		err = nil
	} else if err != nil {
		return out, err
	}
	for i := range news {
		out = append(out, Outcome{news[i].ID, news[i].Revision, how == schemas.NotificationDelivered, how == schemas.NotificationDropped})
		r.tellChange(ctx, &news[i], how)
	}
	return out, err
}

// resends tells whether the receiver wants open incidents again and again.
func (r *receiver) resends() bool { return r.kind() == kindAlertmanager }

// resend sends reminders, without the journal: another follows soon.
func (r *receiver) resend(ctx context.Context, told []Told) []Outcome {
	_, err := r.breaker.Execute(func() (answer, error) { return r.post(ctx, told, time.Now().UTC()) })
	if err != nil {
		r.metrics.attempts(schemas.NotificationFailed).Inc()
		r.log.Warn("send again", "incidents", len(told), "err", r.redact(err))
	} else {
		r.metrics.attempts(schemas.NotificationDelivered).Inc()
	}
	out := make([]Outcome, len(told))
	for i := range told {
		out[i] = Outcome{told[i].ID, told[i].Revision, true, false}
	}
	return out
}

// tellChange sends the change that caused an incident, once for each receiver.
// Its failure is journalled and nothing more: the incident is told.
func (r *receiver) tellChange(ctx context.Context, t *Told, how schemas.NotificationStatus) {
	change, ok := changeOf(t)
	if r.changes == nil || !ok || how != schemas.NotificationDelivered {
		return
	}
	if _, err := r.changes.tell(ctx, notice{told: []Told{change}}); err != nil {
		r.log.Warn("send change event", "incident", t.ID, "err", r.redact(err))
	}
}

// deliver repeats attempts until one succeeds, the receiver refuses for good,
// time is up or ctx ends. What is delivered or dropped is settled.
func (r *receiver) deliver(ctx context.Context, told []Told, patient bool) (schemas.NotificationStatus, error) {
	rows := make([]schemas.Notification, len(told))
	for i := range told {
		inc := &told[i].Incident
		rows[i] = r.row(inc)
	}
	refused := false // Retry takes the mark of a permanent error off
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := r.attempt(ctx, told, rows)
		refused = isPermanent(err)
		return struct{}{}, err
	},
		backoff.WithBackOff(pauses(r.pause)), backoff.WithMaxElapsedTime(r.maxElapsed), backoff.WithNotify(func(err error, pause time.Duration) {
			r.log.Warn("retry notification", "incident", rows[0].IncidentID, "revision", rows[0].Revision, "incidents", len(rows), "attempt", rows[0].Attempt, "err", r.redact(err), "pause", pause)
		}))
	switch {
	case err == nil:
		return schemas.NotificationDelivered, nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, errJournal):
		return "", err
	case patient && !refused:
		r.log.Error("notification waits for the next round", "incident", rows[0].IncidentID, "revision", rows[0].Revision, "attempts", rows[0].Attempt, "err", r.redact(err))
		return schemas.NotificationFailed, errSpent
	}
	return schemas.NotificationDropped, r.drop(ctx, rows, err)
}

// row of the journal about a revision.
func (r *receiver) row(inc *schemas.Incident) schemas.Notification {
	return schemas.Notification{
		Tenant: inc.Tenant, IncidentID: inc.ID, Revision: inc.Revision,
		Receiver: r.name, Kind: r.kind(), Action: r.action(inc), Key: r.key(inc),
	}
}

func pauses(first time.Duration) backoff.BackOff {
	return &backoff.ExponentialBackOff{InitialInterval: first, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: maxPause}
}

// drop gives up and tells why.
func (r *receiver) drop(ctx context.Context, rows []schemas.Notification, reason error) error {
	if errors.Is(reason, gobreaker.ErrOpenState) && rows[0].Error != "" {
		reason = fmt.Errorf("%w; before that: %s", reason, rows[0].Error)
	}
	text := r.redact(reason)
	for i := range rows {
		rows[i].Time, rows[i].Status, rows[i].Error = time.Now().UTC(), schemas.NotificationDropped, text
	}
	if err := r.append(ctx, rows...); err != nil {
		return err
	}
	r.log.Error("drop notification", "incident", rows[0].IncidentID, "revision", rows[0].Revision, "incidents", len(rows), "attempts", rows[0].Attempt, "err", text)
	r.metrics.attempts(schemas.NotificationDropped).Inc()
	return nil
}

// incidentKey is the idempotency key of a revision.
func incidentKey(inc *schemas.Incident) string {
	return inc.ID + "-" + strconv.FormatUint(inc.Revision, 10)
}

// action is what happens to the alert, in PagerDuty's terms.
func action(inc *schemas.Incident) string {
	switch inc.State {
	case schemas.IncidentResolved:
		return "resolve"
	case schemas.IncidentAcknowledged:
		return "acknowledge"
	default:
		return "trigger"
	}
}
