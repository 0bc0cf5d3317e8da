package alerting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/driftline/driftline/schemas"
)

// answer is how one attempt went on the wire.
type answer struct {
	status int // of HTTP or SMTP; 0 when no answer came
	took   time.Duration
	text   string // of the answer, on one line and without secrets; may be cut
}

var (
	errStopped = errors.New("stopped before an answer came")
	errJournal = errors.New("journal away")
)

// attempt sends once: pending rows, request, outcome rows. They carry the
// number of the attempt from one to the next. While the circuit breaker is open
// there is no attempt and so nothing to journal.
func (r *receiver) attempt(ctx context.Context, told []Told, rows []schemas.Notification) error {
	ran := false
	got, err := r.breaker.Execute(func() (answer, error) {
		now := time.Now().UTC()
		for i := range rows {
			n := &rows[i]
			n.Attempt++
			n.Time, n.Status, n.HTTPStatus, n.DurationMS, n.Error = now, schemas.NotificationPending, 0, 0, ""
		}
		if err := r.append(ctx, rows...); err != nil {
			return answer{}, backoff.Permanent(err)
		}
		ran = true
		return r.post(ctx, told, now)
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return fmt.Errorf("%d failures in a row, no attempt until the pause is over: %w", breakerFailures, err)
	}
	if !ran {
		return err
	}
	return errors.Join(err, r.outcome(ctx, rows, got, err))
}

// post bounds an attempt of the protocol in time.
func (r *receiver) post(ctx context.Context, told []Told, now time.Time) (answer, error) {
	attempt, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	start := time.Now()
	got, err := r.protocol.post(attempt, told, now)
	got.took = time.Since(start)
	if err != nil && ctx.Err() != nil && !isPermanent(err) {
		err = errStopped
	}
	return got, err
}

// outcome journals how an attempt went. It does so even when ctx ended
// meanwhile: what was delivered should not be sent again.
func (r *receiver) outcome(ctx context.Context, rows []schemas.Notification, got answer, err error) error {
	status, text := schemas.NotificationDelivered, ""
	if err != nil {
		status, text = schemas.NotificationFailed, r.redact(err)
	}
	for i := range rows {
		n := &rows[i]
		n.HTTPStatus, n.DurationMS = got.status, float64(got.took.Microseconds())/1000
		n.Status, n.Error = status, text
	}
	r.metrics.duration.Update(got.took.Seconds())
	if isPermanent(err) {
		return nil // the rows that drop it say all
	}
	r.metrics.attempts(status).Inc()
	ctx, cancel := graceful(ctx)
	defer cancel()
	if err := r.append(ctx, rows...); err != nil {
		return backoff.Permanent(err)
	}
	return nil
}

// caller makes the requests of protocols over HTTP.
type caller struct {
	client *http.Client
	agent  string
	hide   func(string) string // takes secrets out of a text
}

// call makes one request and judges the answer. encode makes the body; an error
// of it means that the incident cannot be told at all. accept judges the text
// of an answer that is fine by its status; nil accepts all.
func (c *caller) call(ctx context.Context, encode func() (*http.Request, error), accept func(text string) error) (answer, error) {
	req, err := encode()
	if err != nil {
		return answer{}, backoff.Permanent(fmt.Errorf("encode notification: %w", err))
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.client.Do(req.WithContext(ctx))
	if err != nil {
		return answer{}, unreached(ctx, err)
	}
	text, broken := line(resp.Body)
	got := answer{status: resp.StatusCode, text: cut(c.hide(text), maxExcerpt)} // hide first: half a secret is one too
	err = judge(resp.StatusCode, resp.Header, got.text)
	switch {
	case err != nil:
	case broken != nil: // who answers has not said all: it may not have taken all either
		err = fmt.Errorf("receiver answered %d and broke off: %w", resp.StatusCode, withoutURL(broken))
	case accept != nil:
		err = accept(text)
	}
	return got, err
}

// line reads and closes an answer and puts it on one line. An answer that is
// longer than the limit is cut, which is no error.
func line(body io.ReadCloser) (string, error) {
	defer body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	return strings.ToValidUTF8(strings.Join(strings.Fields(string(text)), " "), "\uFFFD"), err
}

// unreached judges an attempt without an answer: another may do, except when
// the address is forbidden.
func unreached(ctx context.Context, err error) error {
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return backoff.Permanent(refused)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
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
