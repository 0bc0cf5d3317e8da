package alerting

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Tryout is what came of a test of a receiver.
type Tryout struct {
	Receiver string       `json:"receiver"`
	Kind     string       `json:"kind"`
	Incident string       `json:"incident"`
	Messages []TryMessage `json:"messages"` // in their order
	OK       bool         `json:"ok"`
}

// TryMessage is one message of a test and what was answered.
type TryMessage struct {
	Action     string  `json:"action"`
	Key        string  `json:"key"`
	Status     int     `json:"status"` // of HTTP or SMTP; 0 when no answer came
	DurationMS float64 `json:"duration_ms"`
	Answer     string  `json:"answer"`
	Error      string  `json:"error"`
}

// Try sends a marked test incident to one receiver, opens and resolves it, with
// one attempt each and without the journal. The error says that there is no such
// receiver; what went wrong in sending is in the messages.
func (d *Dispatcher) Try(ctx context.Context, name string) (*Tryout, error) {
	r := d.receiver(name)
	if r == nil {
		var names []string
		for _, r := range d.receivers {
			names = append(names, r.name)
		}
		return nil, fmt.Errorf("unknown receiver %q; configured: %s", name, listed(names))
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	t := &Tryout{Receiver: name, Kind: r.kind(), OK: true}
	for _, inc := range testIncident(now) {
		t.Incident = inc.ID
		m := d.try(ctx, r, inc)
		t.Messages = append(t.Messages, m)
		if t.OK = m.Error == ""; !t.OK {
			break
		}
	}
	return t, nil
}

func (d *Dispatcher) try(ctx context.Context, r *receiver, inc schemas.Incident) TryMessage {
	labels, owner := newTree(&d.cfg).label(&inc)
	got, err := r.post(ctx, []Told{{Incident: inc, Labels: labels, Owner: owner.Owner, Runbook: owner.Runbook}}, time.Now().UTC())
	m := TryMessage{r.action(&inc), r.key(&inc), got.status, float64(got.took.Microseconds()) / 1000, r.hide(got.text), ""}
	if err != nil {
		m.Error = r.redact(err)
	}
	return m
}

// testIncident is one with all that an incident can have: open, then resolved.
func testIncident(now time.Time) []schemas.Incident {
	onset := now.Add(-10 * time.Minute)
	inc := schemas.Incident{
		ID: "test-" + strings.ToLower(rand.Text()[:12]), Revision: 1, Tenant: schemas.DefaultTenant, Model: "driftline-test",
		State: schemas.IncidentOpen, Severity: schemas.SeverityCritical,
		Title:   "[TEST] Driftline can reach this receiver; nothing is wrong",
		Summary: "Sent by driftline alert test. It is resolved at once; nobody needs to do anything.",
		Onset:   onset, OpenedAt: now, UpdatedAt: now, Versions: []string{"1"}, Features: []string{"example"},
		Signals: []schemas.Signal{{
			WindowStart: onset, WindowEnd: now, Tenant: schemas.DefaultTenant, Model: "driftline-test", Version: "1", Feature: "example", Detector: "test",
			Score: 1, Unit: "probability", Threshold: 0.5, PValue: 1, State: schemas.StateAlarm, Reason: "This is a test.", EvaluatedAt: now,
		}},
		Diagnosis: &schemas.Diagnosis{
			At: now, Advice: "Do nothing: this is a test.",
			Causes: []schemas.Cause{{
				Entity: "test/driftline", Kind: schemas.CauseUnobserved, Mechanism: "test", Title: "Somebody ran driftline alert test", Metric: "test", Score: 1, Confidence: 1,
				Onset: onset, Path: []string{"test/driftline", "model/driftline-test"},
				Evidence: []schemas.Evidence{{Entity: "test/driftline", Metric: "test", Before: 0, After: 1, Z: 10, N: 10, Onset: onset, Text: "An example of evidence."}},
			}},
			RuledOut: []schemas.RuledOut{{Entity: "gpu/example:0", Metric: "temperature", Reason: "an example of what was ruled out"}}, Unobserved: []string{},
		},
	}
	over := inc
	over.Revision, over.State, over.ResolvedAt = 2, schemas.IncidentResolved, &now
	return []schemas.Incident{inc, over}
}
