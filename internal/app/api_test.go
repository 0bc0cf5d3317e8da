package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// What somebody does by the API becomes a revision of the incident, which
// receivers and the live stream hear of, and is kept over a restart; the audit
// has it, and the deployment before it, under the right names.
func TestIncidentsLife(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	receiver := receive(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled, cfg.Embedded.Kafka.DataDir = true, t.TempDir()
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.Ingest.Topics = []ingest.Topic{{Topic: "changes", Kind: ingest.Changes, Format: ingest.FormatJSON, Tenant: "default"}}
	cfg.Correlate.Causes.Enabled = false
	cfg.Alerting.Receivers = receiver.alerting().Receivers
	at := new(time.Duration)
	cfg.Alerting.Route = &alerting.Route{Receiver: "hook", GroupWait: at, GroupInterval: at, RepeatInterval: at}
	roles := []app.Role{app.Ingest, app.Correlate, app.Alert, app.API}
	a, err := app.Start(t.Context(), cfg, roles, testLog())
	check(t, err)
	heard := listen(t, a)

	start := time.Now().UTC().Truncate(5 * time.Minute).Add(-10 * time.Minute)
	key, span := schemas.ModelKey{Tenant: "default", Model: "credit"}, schemas.Span{Start: start, End: start.Add(5 * time.Minute)}
	evaluation, err := json.Marshal(schemas.Evaluation{ModelKey: key, Span: span, Signals: []schemas.Signal{{
		Version: "v1", Feature: "income", Detector: "psi", Score: 0.5, Threshold: 0.2, NWindow: 500, State: schemas.StateAlarm, WindowStart: span.Start, WindowEnd: span.End,
	}}})
	check(t, err)
	change, err := json.Marshal(schemas.Change{ID: "d-1", Time: start, Kind: schemas.ChangeDeploy, Entity: "deployment/credit-eu", Model: "credit", To: "v2", Author: "pipeline"})
	check(t, err)
	send(t, a, []*kgo.Record{{Topic: cfg.Kafka.Topics.Signals, Key: key.Bytes(), Value: evaluation}, {Topic: "changes", Value: change}})
	var inc schemas.Incident
	until(t, "an incident", func() bool {
		all, err := a.DB().Incidents(t.Context(), schemas.IncidentOpen)
		check(t, err)
		if len(all) == 1 {
			inc = all[0]
		}
		return len(all) == 1
	})

	post(t, a, "/incidents/"+inc.ID+"/actions", `{"kind": "acknowledge", "comment": "on it"}`)
	until(t, "an acknowledged revision", func() bool {
		found, err := a.DB().FindIncident(t.Context(), "default", inc.ID)
		check(t, err)
		return found.State == schemas.IncidentAcknowledged && found.Revision == inc.Revision+1
	})
	until(t, "the receiver to hear of it", func() bool {
		return mentions(receiver.hooked(), "incident.acknowledged")
	})
	until(t, "the stream to tell it", func() bool {
		return heard("incident", `"state":"acknowledged"`) && heard("signal", `"feature":"income"`)
	})
	until(t, "the deployment in the audit", func() bool {
		all, err := a.DB().AuditLog(t.Context(), time.Time{})
		check(t, err)
		for _, e := range all {
			if e.Action == "model.deploy" && e.Actor == "pipeline" && e.Object == "change/d-1" {
				return true
			}
		}
		return false
	})
	a.Stop()

	a, err = app.Start(t.Context(), cfg, roles, testLog())
	check(t, err)
	defer a.Stop()
	post(t, a, "/incidents/"+inc.ID+"/actions", `{"kind": "false_positive", "comment": "a holiday"}`)
	until(t, "it to be over for the receiver", func() bool { return mentions(receiver.hooked(), "incident.resolved") })
	all, err := a.DB().AuditLog(t.Context(), time.Time{})
	check(t, err)
	counts := map[string]int{}
	for _, e := range all {
		counts[e.Action]++
	}
	if r := audit.Verify(all); len(r.Findings) > 0 || counts["config.load"] != 2 || counts["incident.acknowledge"] != 1 || counts["incident.false_positive"] != 1 || counts["model.deploy"] != 1 {
		t.Errorf("%+v, %v", r, counts)
	}
	for _, e := range all {
		if strings.Contains(e.Detail, webhookSecret) {
			t.Errorf("a secret is in the audit: %s", e.Action)
		}
	}
}

func post(t *testing.T, a *app.App, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.APIAddr()+"/api/v1"+path, strings.NewReader(body))
	check(t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer func() { _ = resp.Body.Close() }()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		t.Fatalf("%s: %d %s", path, resp.StatusCode, text)
	}
}

// listen to the stream, which begins with a beat. What is heard can be asked for.
func listen(t *testing.T, a *app.App) func(event, text string) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.APIAddr()+"/api/v1/stream", http.NoBody)
	check(t, err)
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	var mu sync.Mutex
	var heard bytes.Buffer
	begun, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		lines, event, first := bufio.NewScanner(resp.Body), "", true
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
				event = name
			} else if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
				mu.Lock()
				fmt.Fprintf(&heard, "%s %s\n", event, data)
				mu.Unlock()
				if first {
					close(begun)
					first = false
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); _ = resp.Body.Close(); <-done })
	<-begun
	return func(event, text string) bool {
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.SplitSeq(heard.String(), "\n") {
			if strings.HasPrefix(line, event+" ") && strings.Contains(line, text) {
				return true
			}
		}
		return false
	}
}
