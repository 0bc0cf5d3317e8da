package alerting

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/driftline/driftline/schemas"
)

// answer is how one attempt went on the wire.
type answer struct {
	status int // of HTTP; 0 when no answer came
	took   time.Duration
}

var (
	errStopped = errors.New("stopped before an answer came")
	errJournal = errors.New("journal away")
)

// attempt sends once: pending row, request, outcome row. n carries the number
// of the attempt from one to the next. While the circuit breaker is open there
// is no attempt and so nothing to journal.
func (r *receiver) attempt(ctx context.Context, inc *schemas.Incident, n *schemas.Notification) error {
	ran := false
	got, err := r.breaker.Execute(func() (answer, error) {
		n.Attempt++
		n.Time, n.Status, n.HTTPStatus, n.DurationMS, n.Error = time.Now().UTC(), schemas.NotificationPending, 0, 0, ""
		if err := r.append(ctx, n); err != nil {
			return answer{}, backoff.Permanent(err)
		}
		ran = true
		return r.send(ctx, inc, n.Time)
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return fmt.Errorf("%d failures in a row, no attempt until the pause is over: %w", breakerFailures, err)
	}
	if !ran {
		return err
	}
	return errors.Join(err, r.outcome(ctx, n, got, err))
}

// outcome journals how an attempt went. It does so even when ctx ended
// meanwhile: what was delivered should not be sent again.
func (r *receiver) outcome(ctx context.Context, n *schemas.Notification, got answer, err error) error {
	n.HTTPStatus, n.DurationMS = got.status, float64(got.took.Microseconds())/1000
	n.Status = schemas.NotificationDelivered
	if err != nil {
		n.Status, n.Error = schemas.NotificationFailed, r.redact(err)
	}
	r.metrics.duration.Update(got.took.Seconds())
	if isPermanent(err) {
		return nil // the row that drops it says all
	}
	r.metrics.attempts(n.Status).Inc()
	ctx, cancel := graceful(ctx)
	defer cancel()
	if err := r.append(ctx, n); err != nil {
		return backoff.Permanent(err)
	}
	return nil
}

// send makes one request and judges the answer.
func (r *receiver) send(ctx context.Context, inc *schemas.Incident, now time.Time) (answer, error) {
	attempt, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := r.request(attempt, inc, now)
	if err != nil {
		return answer{}, backoff.Permanent(fmt.Errorf("encode notification: %w", err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", r.userAgent)
	start := time.Now()
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{took: time.Since(start)}, unreached(ctx, err)
	}
	text := cut(r.hide(line(resp.Body)), maxExcerpt) // hide first: half a secret is one too
	return answer{resp.StatusCode, time.Since(start)}, judge(resp.StatusCode, resp.Header, text)
}

// unreached judges an attempt without an answer: another may do, except when
// the address is forbidden.
func unreached(ctx context.Context, err error) error {
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return backoff.Permanent(refused)
	}
	if ctx.Err() != nil {
		return errStopped
	}
	return fmt.Errorf("no answer: %w", withoutURL(err))
}

// judge an answer by its status: 2xx is delivered; a redirect, which is never
// followed, 408, 425, 429 and 5xx may pass; any other refusal is for good.
func judge(status int, header http.Header, text string) error {
	err := fmt.Errorf("receiver answered %d %s", status, http.StatusText(status))
	if text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("%w (redirects are not followed: configure the new address)", err)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return withRetryAfter(err, header)
	}
	return backoff.Permanent(err)
}

func isPermanent(err error) bool {
	p := (*backoff.PermanentError)(nil)
	return errors.As(err, &p)
}
