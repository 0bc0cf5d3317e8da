package alerting

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// maxWebhookBody is the size that Standard Webhooks asks senders to stay under.
const maxWebhookBody = 20_000 - 1

// Types of a webhook.
const (
	typeOpened   = "incident.opened"
	typeUpdated  = "incident.updated"
	typeResolved = "incident.resolved"
	typeTaken    = "incident.acknowledged"
)

// webhook speaks Standard Webhooks, https://www.standardwebhooks.com.
type webhook struct {
	*caller
	url     config.Secret
	format  string
	link    link
	signers []*standardwebhooks.Webhook
	keys    []config.Secret
}

type webhookBody struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the revision, so that every attempt has the same body
	Data      trimmed   `json:"data"`
}

// cloudEvent is CloudEvents 1.0 in structured mode.
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"` // with source, the same on every attempt
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            trimmed   `json:"data"`
}

// The fixed parts of a CloudEvent.
const (
	cloudEventsType   = "application/cloudevents+json; charset=utf-8"
	cloudEventsSource = "/driftline/incidents"
	cloudEventsPrefix = "com.github.driftline." // reverse DNS name before the type
)

// newWebhook makes the protocol of a valid configuration.
func newWebhook(cfg Webhook, web *caller, link link) *webhook {
	w := &webhook{caller: web, url: cfg.URL, keys: cfg.Secrets, format: cfg.Format, link: link}
	for _, s := range cfg.Secrets {
		raw, _ := decodeSecret(s)                        // checked by Validate
		signer, _ := standardwebhooks.NewWebhookRaw(raw) // never fails
		w.signers = append(w.signers, signer)
	}
	return w
}

// decodeSecret reads a signing secret. Its errors do not show it.
func decodeSecret(s config.Secret) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Value(), "whsec_"))
	if err != nil {
		return nil, errors.New(`is not base64; give "whsec_" and base64`)
	}
	if len(raw) < 24 || len(raw) > 64 {
		return nil, fmt.Errorf("has %d bytes; Standard Webhooks takes 24 to 64 (openssl rand -base64 32)", len(raw))
	}
	return raw, nil
}

func (w *webhook) kind() string                        { return "webhook" }
func (w *webhook) action(inc *schemas.Incident) string { return action(inc) }
func (w *webhook) key(inc *schemas.Incident) string    { return incidentKey(inc) }
func (w *webhook) digests() bool                       { return false }

func (w *webhook) secrets() []string {
	out := addressSecrets(w.url.Value())
	for _, k := range w.keys {
		out = append(out, k.Value(), strings.TrimPrefix(k.Value(), "whsec_"))
	}
	return out
}

func (w *webhook) post(ctx context.Context, told []Told, now time.Time) (answer, error) {
	return w.call(ctx, func() (*http.Request, error) { return w.request(ctx, &told[0], now) }, nil)
}

func (w *webhook) request(ctx context.Context, t *Told, now time.Time) (*http.Request, error) {
	body, err := w.body(t)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.Value(), bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	signatures, err := w.sign(w.key(&t.Incident), now, body)
	if err != nil {
		return nil, err
	}
	if w.format == FormatCloudEvents {
		req.Header.Set("Content-Type", cloudEventsType)
	}
	req.Header.Set(standardwebhooks.HeaderWebhookID, w.key(&t.Incident))
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	return req, nil
}

// sign with every secret, so that a receiver can change over at its own pace.
func (w *webhook) sign(id string, now time.Time, body []byte) (string, error) {
	var out []string
	for _, s := range w.signers {
		signature, err := s.Sign(id, now, body)
		if err != nil {
			return "", fmt.Errorf("sign webhook: %w", err)
		}
		out = append(out, signature)
	}
	return strings.Join(out, " "), nil
}

func (w *webhook) body(t *Told) ([]byte, error) {
	inc := &t.Incident
	return fit(t, len(inc.Signals), maxWebhookBody, func(t trimmed) ([]byte, error) {
		t.URL = w.link.to(inc.ID)
		if w.format == FormatCloudEvents {
			return json.Marshal(cloudEvent{
				SpecVersion: "1.0", ID: w.key(inc), Source: cloudEventsSource, Type: cloudEventsPrefix + typeOf(inc), Subject: inc.ID,
				Time: inc.UpdatedAt, DataContentType: "application/json", Data: t,
			})
		}
		return json.Marshal(webhookBody{typeOf(inc), inc.UpdatedAt, t})
	})
}

func typeOf(inc *schemas.Incident) string {
	switch {
	case inc.State == schemas.IncidentResolved:
		return typeResolved
	case inc.State == schemas.IncidentAcknowledged:
		return typeTaken
	case inc.Revision <= 1:
		return typeOpened
	}
	return typeUpdated
}
