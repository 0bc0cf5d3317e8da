package retrain

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// typeRequested is the type of the webhook and the CloudEvent.
const typeRequested = "retraining.requested"

// webhook speaks Standard Webhooks, with its own envelope or a CloudEvent
// (structured mode) as body. The key is webhook-id and id.
type webhook struct {
	cfg     Webhook
	signers []*standardwebhooks.Webhook
	client
}

type webhookBody struct {
	Type      string            `json:"type"`
	Timestamp time.Time         `json:"timestamp"` // of the decision, so that every attempt has the same body
	Data      map[string]string `json:"data"`
}

// cloudEvent of CloudEvents 1.0.
type cloudEvent struct {
	SpecVersion     string            `json:"specversion"`
	ID              string            `json:"id"`
	Source          string            `json:"source"`
	Type            string            `json:"type"`
	Subject         string            `json:"subject"`
	Time            time.Time         `json:"time"`
	DataContentType string            `json:"datacontenttype"`
	Data            map[string]string `json:"data"`
}

func newWebhook(cfg Webhook, c client) *webhook {
	return &webhook{cfg, signers(cfg.Secrets), c}
}

// signers of checked secrets.
func signers(secrets []config.Secret) (out []*standardwebhooks.Webhook) {
	for _, s := range secrets {
		if signer, err := standardwebhooks.NewWebhook(s.Value()); err == nil { // Validate has seen to it
			out = append(out, signer)
		}
	}
	return out
}

func (w *webhook) start(ctx context.Context, t *Trigger) (string, error) {
	data := t.parameters()
	data["key"] = t.Key
	var body any = webhookBody{typeRequested, t.Requested.UTC(), data}
	contentType := "application/json"
	if w.cfg.CloudEvents {
		contentType = "application/cloudevents+json; charset=utf-8"
		body = cloudEvent{"1.0", t.Key, "/driftline/" + escape(t.Tenant), "io.driftline." + typeRequested, t.Model, t.Requested.UTC(), "application/json", data}
	}
	payload, err := json.Marshal(body)
	if err != nil {
		return "", backoff.Permanent(err)
	}
	now := time.Now()
	var signatures []string
	for _, s := range w.signers {
		signature, err := s.Sign(t.Key, now, payload)
		if err != nil {
			return "", backoff.Permanent(err)
		}
		signatures = append(signatures, signature)
	}
	status, err := w.send(ctx, http.MethodPost, w.cfg.URL.Value(), contentType, payload, nil,
		standardwebhooks.HeaderWebhookID, t.Key, standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10),
		standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	if err != nil && status != http.StatusConflict {
		return "", err
	}
	return "", nil
}

func (w *webhook) state(context.Context, *Trigger, string) (schemas.RunState, string, error) {
	return "", "", errNotTold
}
