package alerting

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
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
	pagerDutyChangePath = "/v2/change/enqueue"
)

// pagerDuty speaks the Events API v2: trigger opens or updates the alert of a
// dedup_key, acknowledge says that somebody is at it, resolve closes it.
type pagerDuty struct {
	*caller
	cfg  PagerDuty
	link link
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
	Owner          string            `json:"owner,omitempty"`
	Cause          []string          `json:"cause,omitempty"` // likeliest first
	Evidence       []string          `json:"evidence,omitempty"`
	RuledOut       []string          `json:"ruled_out,omitempty"`
	Unobserved     []string          `json:"not_observed,omitempty"`
	Advice         string            `json:"advice,omitempty"`
	Explains       []string          `json:"explains,omitempty"` // incidents that are kept back
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
func (p *pagerDuty) digests() bool                       { return false }
func (p *pagerDuty) secrets() []string {
	return append(addressSecrets(p.cfg.BaseURL), p.cfg.RoutingKey.Value())
}

func (p *pagerDuty) post(ctx context.Context, told []Told, _ time.Time) (answer, error) {
	return p.call(ctx, func() (*http.Request, error) { return p.request(ctx, &told[0]) }, pagerDutyTook)
}

// pagerDutyTook judges the text of an answer that is fine by its status: a
// proxy that answers 200 with a page of its own has taken nothing.
func pagerDutyTook(text string) error {
	var a struct {
		Status string `json:"status"`
	}
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Status != "success" {
		return errors.New("the answer does not say success, so it is not PagerDuty's")
	}
	return nil
}

func (p *pagerDuty) request(ctx context.Context, t *Told) (*http.Request, error) {
	body, err := p.body(t)
	if err != nil {
		return nil, err
	}
	return p.to(ctx, pagerDutyPath, body)
}

func (p *pagerDuty) to(ctx context.Context, path string, body []byte) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(p.cfg.BaseURL, "/")+path, bytes.NewReader(body))
}

// body fits into the limit by leaving out the weakest signals first.
func (p *pagerDuty) body(t *Told) ([]byte, error) {
	if t.ID == "" || len(t.ID) > maxPagerDutyKey {
		return nil, fmt.Errorf("incident id has %d bytes; PagerDuty takes 1 to %d", len(t.ID), maxPagerDutyKey)
	}
	if t.State != schemas.IncidentOpen {
		return json.Marshal(pagerDutyEvent{RoutingKey: p.cfg.RoutingKey.Value(), EventAction: action(&t.Incident), DedupKey: t.ID})
	}
	return fit(t, maxPagerDutySignals, maxPagerDutyBody, func(t trimmed) ([]byte, error) { return json.Marshal(p.trigger(t)) })
}

func (p *pagerDuty) trigger(t trimmed) pagerDutyEvent {
	link := p.link.to(t.ID)
	e := pagerDutyEvent{
		RoutingKey: p.cfg.RoutingKey.Value(), EventAction: action(&t.Incident), DedupKey: t.ID, Client: "Driftline", ClientURL: link,
		Payload: &pagerDutyPayload{
			Summary: cut(t.Title, maxPagerDutySummary), Source: t.Tenant + "/" + t.Model, Severity: t.Severity, Timestamp: t.UpdatedAt,
			Component: t.Model, Group: t.Tenant, Class: kindOf(&t.Incident),
			CustomDetails: pagerDutyDetails{
				IncidentID: t.ID, Revision: t.Revision, Summary: t.Summary, Onset: t.Onset, UpdatedAt: t.UpdatedAt,
				Versions: t.Versions, Features: t.Features, SignalsOmitted: t.SignalsOmitted, Owner: t.Owner, Explains: t.Explains,
			},
		},
	}
	details := &e.Payload.CustomDetails
	for i := range t.Signals {
		details.Signals = append(details.Signals, pagerDutySignalOf(&t.Signals[i]))
	}
	if d := t.Diagnosis; d != nil {
		details.Cause, details.RuledOut, details.Unobserved, details.Advice = causeLines(d), ruledOutLines(d), d.Unobserved, d.Advice
		if c := likeliest(&t.Incident); c != nil {
			details.Evidence = evidenceLines(c)
		}
	}
	if link != "" {
		e.Links = append(e.Links, pagerDutyLink{link, "Incident in Driftline"})
	}
	if t.Runbook != "" {
		e.Links = append(e.Links, pagerDutyLink{t.Runbook, "Runbook"})
	}
	return e
}

func pagerDutySignalOf(s *schemas.Signal) pagerDutySignal {
	return pagerDutySignal{s.Feature, s.Detector, s.Score, s.Unit, s.Threshold, s.Version, s.Segment, s.Reference, s.Reason}
}

// pagerDutyChanges sends change events: what was changed, beside the alerts.
// PagerDuty knows no key of them, so the journal alone keeps them from being
// sent twice.
type pagerDutyChanges struct{ *pagerDuty }

type pagerDutyChange struct {
	RoutingKey string                 `json:"routing_key"`
	Payload    pagerDutyChangePayload `json:"payload"`
	Links      []pagerDutyLink        `json:"links,omitempty"`
}

type pagerDutyChangePayload struct {
	Summary       string            `json:"summary"`
	Source        string            `json:"source"`
	Timestamp     time.Time         `json:"timestamp"`
	CustomDetails map[string]string `json:"custom_details"`
}

func (p *pagerDutyChanges) action(*schemas.Incident) string { return "change" }

func (p *pagerDutyChanges) post(ctx context.Context, told []Told, _ time.Time) (answer, error) {
	return p.call(ctx, func() (*http.Request, error) {
		t := &told[0]
		c := likeliest(&t.Incident)
		e := pagerDutyChange{RoutingKey: p.cfg.RoutingKey.Value(), Payload: pagerDutyChangePayload{
			Summary: cut(c.Title, maxPagerDutySummary), Source: cut(c.Entity, maxPagerDutySummary), Timestamp: c.Onset,
			CustomDetails: map[string]string{"mechanism": c.Mechanism, "tenant": t.Tenant, "model": t.Model},
		}}
		incident, _, _ := strings.Cut(t.ID, changeMark)
		if link := p.link.to(incident); link != "" {
			e.Links = []pagerDutyLink{{link, "Incident in Driftline"}}
		}
		body, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		return p.to(ctx, pagerDutyChangePath, body)
	}, pagerDutyTook)
}

// changeMark stands in the journal between the id of an incident and the
// change that caused it.
const changeMark = "/change-"

// changeOf gives the change that is the likeliest cause of an incident, as a
// notice of its own.
func changeOf(t *Told) (Told, bool) {
	c := likeliest(&t.Incident)
	if c == nil || c.Kind != schemas.CauseChange || t.State == schemas.IncidentResolved {
		return Told{}, false
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", c.Entity, c.Mechanism, c.Onset.UTC().Format(time.RFC3339Nano)))
	change := *t
	change.ID, change.Revision = fmt.Sprintf("%s%s%x", t.ID, changeMark, sum[:4]), 1
	return change, true
}
