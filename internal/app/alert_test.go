package app_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// Routes, silences and the journal in the real tables, over a restart: what was
// kept back or could not be delivered before it is told after it, and what was
// told is not told again.
func TestAlertsOverARestart(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	receiver := receive(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled, cfg.Embedded.Kafka.DataDir = true, t.TempDir()
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	receivers := receiver.alerting().Receivers
	cfg.Alerting.Receivers = receivers
	at := new(time.Duration)
	cfg.Alerting.Route = &alerting.Route{
		Receiver: "hook", GroupWait: at, GroupInterval: at, RepeatInterval: at,
		Routes: []alerting.Route{{Receiver: "on-call", Matchers: []string{`severity="critical"`}, Continue: true}, {Receiver: "hook"}},
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	incident := func(id, model string, revision uint64, s schemas.Severity) schemas.Incident {
		return schemas.Incident{
			ID: id, Revision: revision, Tenant: "default", Model: model, State: schemas.IncidentOpen, Severity: s, Title: "title of " + id,
			Onset: now, OpenedAt: now, UpdatedAt: now, Versions: []string{"1"}, Features: []string{"f"}, Signals: []schemas.Signal{},
		}
	}
	roles := []app.Role{app.Alert}
	a, err := app.Start(t.Context(), cfg, roles, testLog())
	check(t, err)
	publish := func(a *app.App, incs ...schemas.Incident) {
		t.Helper()
		cl, err := a.Config().Kafka.Dial()
		check(t, err)
		defer cl.Close()
		for _, inc := range incs {
			value, err := json.Marshal(inc)
			check(t, err)
			check(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: cfg.Kafka.Topics.Incidents, Key: inc.ModelKey().Bytes(), Value: value}).FirstErr())
		}
	}
	journal := func(a *app.App, what string) (n uint64) {
		t.Helper()
		check(t, a.DB().Conn().QueryRow(t.Context(), "SELECT count() FROM notifications WHERE "+what).Scan(&n))
		return n
	}
	silence, err := alerting.NewSilence(schemas.Silence{Matchers: []string{`model="quiet"`}, EndsAt: now.Add(time.Hour), Author: "test", Comment: "planned"}, now)
	check(t, err)
	check(t, a.DB().PutSilence(t.Context(), silence))
	until(t, "the silence is read", func() bool { return a.Metrics().GetOrCreateGauge("driftline_alerting_silences", nil).Get() == 1 })
	publish(a, incident("inc-1", "credit", 1, schemas.SeverityCritical), incident("inc-2", "fraud", 1, schemas.SeverityError), incident("inc-3", "quiet", 1, schemas.SeverityCritical))
	until(t, "what is not silenced is delivered, the rest kept back", func() bool {
		return journal(a, "status = 'delivered'") == 3 && journal(a, "status = 'suppressed' AND error LIKE 'silence%planned'") == 2
	})
	receiver.mu.Lock()
	if len(receiver.duty) != 1 || len(receiver.webhooks) != 2 {
		t.Errorf("%d pages and %d webhooks, want 1 and 2", len(receiver.duty), len(receiver.webhooks))
	}
	receiver.mu.Unlock()
	a.Stop()

	a, err = app.Start(t.Context(), cfg, roles, testLog())
	check(t, err)
	defer a.Stop()
	check(t, a.DB().PutSilence(t.Context(), alerting.Expire(silence, time.Now().UTC())))
	second := incident("inc-2", "fraud", 2, schemas.SeverityError)
	second.State, second.ResolvedAt = schemas.IncidentResolved, &now
	publish(a, second)
	until(t, "all is delivered", func() bool { return journal(a, "status = 'delivered'") == 6 })
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	told := map[string]int{}
	for _, w := range receiver.webhooks {
		data := w["data"].(map[string]any)
		told[fmt.Sprint(data["id"], " ", data["revision"])]++
	}
	for _, p := range receiver.duty {
		told[fmt.Sprint("page ", p["dedup_key"])]++
	}
	for what, want := range map[string]int{"inc-1 1": 1, "inc-2 1": 1, "inc-2 2": 1, "inc-3 1": 1, "page inc-1": 1, "page inc-3": 1} {
		if told[what] != want {
			t.Errorf("%s was told %d times", what, told[what])
		}
	}
}
