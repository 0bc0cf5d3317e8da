package alerting

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

const kindAlertmanager = "alertmanager"

// maxAlertmanagerText keeps annotations readable.
const maxAlertmanagerText = 4000

// alertmanager posts alerts to an Alertmanager, which then does the telling.
//
// Its alerts are known by their labels, so a severity that rises makes another
// alert: the ones of lower severities are sent along as over, which changes
// nothing where they were never open.
type alertmanager struct {
	*caller
	cfg  Alertmanager
	link link
}

type alertmanagerAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

func (a *alertmanager) kind() string                        { return kindAlertmanager }
func (a *alertmanager) action(inc *schemas.Incident) string { return action(inc) }
func (a *alertmanager) key(inc *schemas.Incident) string    { return incidentKey(inc) }
func (a *alertmanager) digests() bool                       { return true }
func (a *alertmanager) secrets() []string {
	basic := base64.StdEncoding.EncodeToString([]byte(a.cfg.Username + ":" + a.cfg.Password.Value())) // as the header has it
	return append(addressSecrets(a.cfg.URL.Value()), basic, a.cfg.Password.Value(), a.cfg.Token.Value())
}

func (a *alertmanager) post(ctx context.Context, told []Told, now time.Time) (answer, error) {
	return a.call(ctx, func() (*http.Request, error) {
		body, err := json.Marshal(a.alerts(told, now))
		if err != nil {
			return nil, err
		}
		url := strings.TrimSuffix(a.cfg.URL.Value(), "/") + "/api/v2/alerts"
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return nil, withoutURL(err)
		}
		switch {
		case a.cfg.Token != "":
			req.Header.Set("Authorization", "Bearer "+a.cfg.Token.Value())
		case a.cfg.Username != "":
			req.SetBasicAuth(a.cfg.Username, a.cfg.Password.Value())
		}
		return req, nil
	}, nil)
}

// alerts of incidents: each in its severity, and in the lower ones as over.
func (a *alertmanager) alerts(told []Told, now time.Time) []alertmanagerAlert {
	out := []alertmanagerAlert{}
	for i := range told {
		t := &told[i]
		starts := earliest(t.OpenedAt.UTC(), now)
		for _, s := range severities[:rank(t.Severity)+1] {
			alert := alertmanagerAlert{Labels: a.labels(t, s), Annotations: a.annotations(t), StartsAt: starts, EndsAt: now, GeneratorURL: a.link.to(t.ID)}
			if s == t.Severity && t.State != schemas.IncidentResolved {
				alert.EndsAt = now.Add(4 * a.cfg.Resend)
			}
			if s == t.Severity || t.Revision > 1 { // at first there was no other
				out = append(out, alert)
			}
		}
	}
	return out
}

// labels that stay the same for all revisions of an incident in one severity.
func (a *alertmanager) labels(t *Told, s schemas.Severity) map[string]string {
	out := map[string]string{
		"alertname": "DriftlineIncident", "incident": t.ID, labelTenant: t.Tenant, labelModel: t.Model,
		labelKind: kindOf(&t.Incident), labelSeverity: string(s),
	}
	if t.Owner != "" {
		out[labelOwner] = t.Owner
	}
	return out
}

func (a *alertmanager) annotations(t *Told) map[string]string {
	out := map[string]string{"summary": cut(t.Title, maxAlertmanagerText)}
	for _, p := range parts(t) {
		name := strings.ToLower(strings.NewReplacer(" ", "_", ",", "").Replace(p.title))
		if p.title == "What" {
			name = "description"
		}
		out[name] = cut(strings.Join(p.lines, "\n"), maxAlertmanagerText)
	}
	if t.Runbook != "" {
		out["runbook_url"] = t.Runbook
	}
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}
