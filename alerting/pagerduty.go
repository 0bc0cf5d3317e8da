package alerting

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Limits of the PagerDuty Events API v2.
const (
	maxPagerDutyBody    = 512 << 10
	maxPagerDutySummary = 1024
	maxPagerDutyKey     = 255
	maxPagerDutySignals = 20 // strongest ones shown; more is nothing to read at night
	pagerDutyPath       = "/v2/enqueue"
)

// pagerDuty speaks the Events API v2: trigger opens or updates the alert of a
// dedup_key, resolve closes it.
type pagerDuty struct {
	cfg         PagerDuty
	externalURL string
}

type pagerDutyEvent struct {
	RoutingKey  string            `json:"routing_key"`
	EventAction string            `json:"event_action"`
	DedupKey    string            `json:"dedup_key"`
	Payload     *pagerDutyPayload `json:"payload,omitempty"` // of a trigger
	Client      string            `json:"client,omitempty"`
	ClientURL   string            `json:"client_url,omitempty"`
	Links       []pagerDutyLink   `json:"links,omitempty"`
}

type pagerDutyPayload struct {
	Summary       string           `json:"summary"`
	Source        string           `json:"source"`
	Severity      schemas.Severity `json:"severity"`
	Timestamp     time.Time        `json:"timestamp"`
	Component     string           `json:"component"`
	Group         string           `json:"group"`
	Class         string           `json:"class"`
	CustomDetails pagerDutyDetails `json:"custom_details"`
}

type pagerDutyDetails struct {
	IncidentID     string            `json:"incident_id"`
	Revision       uint64            `json:"revision"`
	Summary        string            `json:"summary"`
	Onset          time.Time         `json:"onset"`
	UpdatedAt      time.Time         `json:"updated_at"`
	Versions       []string          `json:"versions"`
	Features       []string          `json:"features"`
	Signals        []pagerDutySignal `json:"signals"`
	SignalsOmitted int               `json:"signals_omitted,omitempty"`
}

type pagerDutySignal struct {
	Feature   string  `json:"feature"`
	Detector  string  `json:"detector"`
	Score     float64 `json:"score"`
	Unit      string  `json:"unit"`
	Threshold float64 `json:"threshold"`
	Version   string  `json:"version,omitempty"`
	Segment   string  `json:"segment,omitempty"`
	Reference string  `json:"reference,omitempty"`
	Reason    string  `json:"reason,omitempty"`
}

type pagerDutyLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

func (p *pagerDuty) kind() string                        { return "pagerduty" }
func (p *pagerDuty) action(inc *schemas.Incident) string { return action(inc) }
func (p *pagerDuty) key(inc *schemas.Incident) string    { return inc.ID }
func (p *pagerDuty) secrets() []string {
	return append(addressSecrets(p.cfg.BaseURL), p.cfg.RoutingKey.Value())
}

// action is what happens to the alert, in PagerDuty's terms.
func action(inc *schemas.Incident) string {
	if inc.State == schemas.IncidentResolved {
		return "resolve"
	}
	return "trigger"
}

func (p *pagerDuty) request(ctx context.Context, inc *schemas.Incident, _ time.Time) (*http.Request, error) {
	body, err := p.body(inc)
	if err != nil {
		return nil, err
	}
	url := strings.TrimSuffix(p.cfg.BaseURL, "/") + pagerDutyPath
	return http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
}

// body fits into the limit by leaving out the weakest signals first.
func (p *pagerDuty) body(inc *schemas.Incident) ([]byte, error) {
	if inc.ID == "" || len(inc.ID) > maxPagerDutyKey {
		return nil, fmt.Errorf("incident id has %d bytes; PagerDuty takes 1 to %d", len(inc.ID), maxPagerDutyKey)
	}
	if inc.State == schemas.IncidentResolved {
		return json.Marshal(pagerDutyEvent{RoutingKey: p.cfg.RoutingKey.Value(), EventAction: action(inc), DedupKey: inc.ID})
	}
	return fit(inc, maxPagerDutySignals, maxPagerDutyBody, func(t trimmed) ([]byte, error) { return json.Marshal(p.trigger(t)) })
}

func (p *pagerDuty) trigger(t trimmed) pagerDutyEvent {
	e := pagerDutyEvent{
		RoutingKey: p.cfg.RoutingKey.Value(), EventAction: action(&t.Incident), DedupKey: t.ID, Client: "Driftline", ClientURL: p.externalURL,
		Payload: &pagerDutyPayload{
			Summary: cut(t.Title, maxPagerDutySummary), Source: t.Tenant + "/" + t.Model, Severity: t.Severity, Timestamp: t.UpdatedAt,
			Component: t.Model, Group: t.Tenant, Class: "drift",
			CustomDetails: pagerDutyDetails{
				IncidentID: t.ID, Revision: t.Revision, Summary: t.Summary, Onset: t.Onset, UpdatedAt: t.UpdatedAt,
				Versions: t.Versions, Features: t.Features, SignalsOmitted: t.SignalsOmitted,
			},
		},
	}
	for i := range t.Signals {
		e.Payload.CustomDetails.Signals = append(e.Payload.CustomDetails.Signals, pagerDutySignalOf(&t.Signals[i]))
	}
	if p.externalURL != "" {
		e.Links = []pagerDutyLink{{p.externalURL, "Incident in Driftline"}}
	}
	return e
}

func pagerDutySignalOf(s *schemas.Signal) pagerDutySignal {
	return pagerDutySignal{s.Feature, s.Detector, s.Score, s.Unit, s.Threshold, s.Version, s.Segment, s.Reference, s.Reason}
}
