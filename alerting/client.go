package alerting

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Limits on what a receiver may send back.
const (
	maxAnswer  = 64 << 10 // bytes read, so that the connection can be used again
	maxExcerpt = 200      // characters kept for the journal
	maxHeaders = 64 << 10
)

// newClient makes the client of one receiver. It follows no redirect and uses
// no proxy: a proxy would connect where the address guard does not see it.
func newClient(cfg Receiver, dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	if dial == nil {
		dial = newDialer(cfg).DialContext
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial, TLSHandshakeTimeout: cfg.Timeout, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 2, MaxConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
			MaxResponseHeaderBytes: maxHeaders,
		},
	}
}

// newDialer makes the dialer of one receiver, with the address guard.
func newDialer(cfg Receiver) *net.Dialer {
	dialer := &net.Dialer{Timeout: cfg.Timeout}
	if !cfg.AllowPrivate {
		dialer.Control = publicOnly
	}
	return dialer
}

// withRetryAfter adds the pause that a receiver asks for, in seconds or as a
// date (RFC 9110, 10.2.3).
func withRetryAfter(err error, header http.Header) error {
	value := header.Get("Retry-After")
	if seconds, e := strconv.ParseUint(value, 10, 31); e == nil {
		return fmt.Errorf("%w: %w", err, &backoff.RetryAfterError{Duration: time.Duration(seconds) * time.Second})
	}
	if at, e := http.ParseTime(value); e == nil {
		return fmt.Errorf("%w: %w", err, &backoff.RetryAfterError{Duration: max(0, time.Until(at))})
	}
	return err
}

// withoutURL takes the address out of a client error: it may carry a token in
// any of its parts. What is left names at most host and port.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// redact makes the text of an error that is fit for logs and the journal.
func (r *receiver) redact(err error) string { return r.hide(err.Error()) }

// hide takes the receiver's secrets out of a text: its answer may echo what it
// was sent.
func (r *receiver) hide(text string) string {
	for _, s := range r.secrets() {
		if len(s) >= minSecret {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

// minSecret is the shortest part of an address that counts as secret; shorter
// ones are ordinary words.
const minSecret = 6

// cut shortens a text to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const mark = "…"
	n -= len(mark)
	for n > 0 && s[n]&0xC0 == 0x80 { // inside a character
		n--
	}
	return s[:n] + mark
}
