package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/alerting/retrain"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// trainer is a pipeline behind a signed webhook.
type trainer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []map[string]string // data of the requests
}

func train(t *testing.T) *trainer {
	tr := &trainer{}
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	check(t, err)
	tr.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var v struct{ Data map[string]string }
		if err != nil || verifier.Verify(body, r.Header) != nil || json.Unmarshal(body, &v) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		tr.mu.Lock()
		tr.seen = append(tr.seen, v.Data)
		tr.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(tr.Close)
	return tr
}

func (tr *trainer) requests() []map[string]string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.seen)
}

// The whole way: events and labels from Kafka, an incident with its diagnosis,
// the trigger with a data set that reads back, a callback, and people told when
// the run failed. What infrastructure caused trains nothing.
func TestRetraining(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	hook, people := train(t), receive(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled = true
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.ClickHouse.Retention = clickhouse.Retention{}
	cfg.Ingest.Topics = []ingest.Topic{
		{Topic: "events", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"},
		{Topic: "labels", Kind: ingest.Labels, Format: ingest.FormatJSON, Tenant: "default"},
	}
	cfg.Ingest.FlushInterval = 100 * time.Millisecond
	cfg.Alerting = people.alerting()
	var model retrain.Model
	model.SetDefaults()
	model.Name, model.Target, model.Persist, model.MinLabelledRows = "credit", "pipeline", 30*time.Minute, 200
	var target retrain.Target
	target.SetDefaults()
	target.Name, target.AllowPrivate = "pipeline", true
	target.Webhook = &retrain.Webhook{URL: config.Secret(hook.URL), Secrets: []config.Secret{webhookSecret}}
	cfg.Retraining = retrain.Config{Every: 200 * time.Millisecond, Models: []retrain.Model{model}, Targets: []retrain.Target{target}, Dataset: retrain.Dataset{Path: t.TempDir()}}
	cfg.Retraining.Callback = retrain.Callback{Listen: freeAddress(t), Secrets: []config.Secret{webhookSecret}}
	a, err := app.Start(t.Context(), cfg, app.Roles, testLog())
	check(t, err)
	defer a.Stop()

	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var events, labels []*kgo.Record
	for i := range 600 {
		score := float64(i%100) / 100
		e := schemas.Event{
			Model: "credit", Version: "v1", RequestID: fmt.Sprint("r", i), Time: at.Add(time.Duration(i) * 6 * time.Second), Prediction: "approve", Score: &score,
			Features: schemas.Features{Numeric: map[string]float64{"income": float64(1000 + i)}, Categorical: map[string]string{"country": "DE"}},
		}
		events = append(events, encoded(t, "events", e))
		if i%2 == 0 {
			labels = append(labels, encoded(t, "labels", schemas.Label{Model: "credit", RequestID: e.RequestID, Time: e.Time.Add(time.Hour), Label: "repaid"}))
		}
	}
	send(t, a, events, labels)
	until(t, "all rows stored", func() bool {
		return number(t, a, "SELECT count() FROM inference_events") == 600 && number(t, a, "SELECT count() FROM labels") == 300
	})

	raise := func(id string, kind schemas.CauseKind) {
		alarm := schemas.Signal{
			Tenant: "default", Model: "credit", Version: "v1", Feature: "income", Detector: "ks", Score: 0.4, Threshold: 0.1, State: schemas.StateAlarm, Reference: "training@ab12cd34",
			WindowStart: at.Add(55 * time.Minute), WindowEnd: at.Add(time.Hour), EvaluatedAt: time.Now(),
		}
		check(t, a.DB().PutSignals(t.Context(), []schemas.Signal{alarm}))
		inc := schemas.Incident{
			ID: id, Revision: 1, Tenant: "default", Model: "credit", State: schemas.IncidentOpen, Severity: schemas.SeverityError, Title: "credit: drift in income", Onset: at, OpenedAt: at.Add(time.Hour),
			UpdatedAt: at.Add(time.Hour), Versions: []string{"v1"}, Features: []string{"income"}, Signals: []schemas.Signal{alarm},
			Diagnosis: &schemas.Diagnosis{Causes: []schemas.Cause{{Kind: kind, Title: "cause of the tests", Confidence: 0.8}}, Retrain: kind == schemas.CauseData},
		}
		check(t, a.DB().PutIncident(t.Context(), inc))
		send(t, a, []*kgo.Record{encoded(t, a.Config().Kafka.Topics.Incidents, inc)})
	}
	raise("inc-1111111111111111", schemas.CauseInfrastructure)
	until(t, "a decision about the first", func() bool {
		return number(t, a, "SELECT count() FROM retraining_log WHERE reason = 'cause_infrastructure'") > 0
	})
	raise("inc-2222222222222222", schemas.CauseData)
	until(t, "a trigger", func() bool { return len(hook.requests()) > 0 })
	got := hook.requests()[0]
	if got["incident"] != "inc-2222222222222222" || got["dataset_rows"] != "300" || got["model"] != "credit" || got["cause"] != "data" || got["reference"] != "training@ab12cd34" {
		t.Errorf("trigger %v", got)
	}
	u, err := url.Parse(got["dataset_uri"])
	check(t, err)
	text, err := os.Open(u.Path)
	check(t, err)
	defer func() { _ = text.Close() }()
	table, err := tabular.ReadParquet(text, "feedback", tabular.Options{})
	check(t, err)
	if table.Rows != 300 || !slices.ContainsFunc(table.Columns, func(c tabular.Column) bool { return c.Name == "income" && c.Numbers[299] == 1598 }) {
		t.Errorf("data set of %d rows and %d columns", table.Rows, len(table.Columns))
	}

	tell(t, cfg.Retraining.Callback.Listen, fmt.Sprintf(`{"key":%q,"state":"failed","message":"out of memory"}`, got["key"]))
	until(t, "an escalation in the journal", func() bool {
		return number(t, a, "SELECT count() FROM notifications WHERE action = 'escalate' AND status = 'delivered'") == 2
	})
	if !mentions(people.duty, "out of memory") || !mentions(people.webhooks, "inc-2222222222222222-retrain") {
		t.Error("people were not told why")
	}
	if n := len(hook.requests()); n != 1 {
		t.Errorf("%d triggers", n)
	}
	until(t, "both at their ends", func() bool {
		return number(t, a, "SELECT uniqExact(incident_id) FROM retrainings FINAL WHERE state IN ('withheld', 'escalated')") == 2
	})
}

func encoded(t *testing.T, topic string, v any) *kgo.Record {
	t.Helper()
	b, err := json.Marshal(v)
	check(t, err)
	return &kgo.Record{Topic: topic, Key: []byte("k"), Value: b}
}

// freeAddress on loopback.
func freeAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}

// tell sends a signed callback.
func tell(t *testing.T, addr, body string) {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(webhookSecret)
	check(t, err)
	now := time.Now()
	signature, err := signer.Sign("msg-1", now, []byte(body))
	check(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+retrain.CallbackPath, strings.NewReader(body))
	check(t, err)
	req.Header.Set("webhook-id", "msg-1")
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("callback: %s", resp.Status)
	}
}
