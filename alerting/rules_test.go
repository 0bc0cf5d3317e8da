package alerting

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/driftline/driftline/internal/config"
)

// pagerDutyRules judges a request by the published rules of the Events API v2.
func pagerDutyRules(r *http.Request, body []byte) error {
	var e struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     *struct {
			Summary       string         `json:"summary"`
			Source        string         `json:"source"`
			Severity      string         `json:"severity"`
			Timestamp     string         `json:"timestamp"`
			Component     string         `json:"component"`
			Group         string         `json:"group"`
			Class         string         `json:"class"`
			CustomDetails map[string]any `json:"custom_details"`
		} `json:"payload"`
		Images    []struct{ Src, Href, Alt string } `json:"images"`
		Links     []struct{ Href, Text string }     `json:"links"`
		Client    string                            `json:"client"`
		ClientURL string                            `json:"client_url"`
	}
	if err := strictly(body, &e); err != nil {
		return err
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v2/enqueue" || r.Header.Get("Content-Type") != "application/json":
		return fmt.Errorf("%s %s %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	case len(body) > 512<<10:
		return fmt.Errorf("body has %d bytes", len(body))
	case e.RoutingKey != routingKey.Value():
		return fmt.Errorf("unknown routing key %s", e.RoutingKey)
	case !slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.EventAction):
		return fmt.Errorf("event_action %q", e.EventAction)
	case e.DedupKey == "" || len(e.DedupKey) > 255:
		return errors.New("dedup_key missing or too long")
	case e.EventAction != "trigger":
		return nil
	case e.Payload == nil || e.Payload.Source == "" || e.Payload.Summary == "" || utf8.RuneCountInString(e.Payload.Summary) > 1024:
		return errors.New("payload.source or summary missing or too long")
	case !slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity):
		return fmt.Errorf("severity %q", e.Payload.Severity)
	case slices.ContainsFunc(e.Links, func(l struct{ Href, Text string }) bool { return l.Href == "" }):
		return errors.New("link without href")
	}
	_, err := time.Parse(time.RFC3339, e.Payload.Timestamp)
	return err
}

// webhookRules judges a request by Standard Webhooks, with the key that the
// receiver holds.
func webhookRules(secret config.Secret) func(*http.Request, []byte) error {
	return func(r *http.Request, body []byte) error {
		var e struct {
			Type      string         `json:"type"`
			Timestamp time.Time      `json:"timestamp"`
			Data      map[string]any `json:"data"`
		}
		if err := strictly(body, &e); err != nil {
			return err
		}
		if err := signed(r, body, secret); err != nil {
			return err
		}
		id := r.Header.Get("webhook-id")
		switch {
		case len(body) >= 20_000:
			return fmt.Errorf("body has %d bytes", len(body))
		case strings.Contains(id, "."):
			return fmt.Errorf("webhook-id %q has a full stop", id)
		case e.Timestamp.IsZero() || !strings.HasPrefix(e.Type, "incident."):
			return fmt.Errorf("type %q at %s", e.Type, e.Timestamp)
		case e.Data["id"] == nil:
			return errors.New("data without id")
		}
		_, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		return err
	}
}

// signed verifies the signature of a request.
func signed(r *http.Request, body []byte, secret config.Secret) error {
	verifier, err := standardwebhooks.NewWebhook(secret.Value())
	if err != nil {
		return err
	}
	return verifier.Verify(body, r.Header)
}

func strictly(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
