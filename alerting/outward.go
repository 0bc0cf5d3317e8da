package alerting

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/internal/config"
)

// Outward speaks to an address outside: no redirects, no proxy, private ranges
// only when allowed, answers of bounded size, and no secret in any error.
type Outward struct {
	client  *http.Client
	timeout time.Duration
	agent   string

	mu      sync.RWMutex // guards secrets
	secrets []string
}

// NewOutward makes one. Secrets are what no error may show, parts of addresses
// included.
func NewOutward(timeout time.Duration, allowPrivate bool, version string, secrets ...string) *Outward {
	client := newClient(Receiver{Timeout: timeout, AllowPrivate: allowPrivate}, nil)
	return &Outward{client: client, timeout: timeout, agent: "driftline/" + version, secrets: secrets}
}

// Keep one more secret, such as a token that was given.
func (o *Outward) Keep(secret string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secrets = append(o.secrets, secret)
}

// RoundTripper is the guarded transport, for clients of their own.
func (o *Outward) RoundTripper() http.RoundTripper { return o.client.Transport }

// Do sends a request. The error of an answer other than 2xx is permanent where
// another try cannot help, and carries a Retry-After (package backoff); the
// status is 0 when no answer came.
func (o *Outward) Do(ctx context.Context, req *http.Request) (status int, body []byte, err error) {
	attempt, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req.Header.Set("User-Agent", o.agent)
	resp, err := o.client.Do(req.WithContext(attempt))
	if err != nil {
		return 0, nil, o.hide(unreached(ctx, err))
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, o.hide(unreached(ctx, err))
	}
	text, _ := line(io.NopCloser(bytes.NewReader(body)))                                             // of memory
	return resp.StatusCode, body, judge(resp.StatusCode, resp.Header, cut(o.Hide(text), maxExcerpt)) // hide first: half a secret is one too
}

// Close closes idle connections.
func (o *Outward) Close() { o.client.CloseIdleConnections() }

// hide takes secrets out of an error that may carry them; what another try
// cannot mend stays permanent.
func (o *Outward) hide(err error) error {
	text := err.Error()
	hidden := o.Hide(text)
	switch {
	case hidden == text:
		return err
	case isPermanent(err):
		return backoff.Permanent(errors.New(hidden))
	}
	return errors.New(hidden)
}

// Hide takes secrets out of a text.
func (o *Outward) Hide(text string) string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, s := range o.secrets {
		if len(s) >= minSecret {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

// CheckURL tells what is wrong with an address, never what it is. Plain http
// is right only when plain.
func CheckURL(key, raw string, plain bool) error { return checkURL(key, raw, plain) }

// AddressSecrets are the parts of an address that may be tokens.
func AddressSecrets(raw string) []string { return addressSecrets(raw) }

// CheckSigningSecret tells what is wrong with a secret of Standard Webhooks.
func CheckSigningSecret(s config.Secret) error {
	_, err := decodeSecret(s)
	return err
}
