package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition that the running app brings about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}

// pages is a receiver that speaks for PagerDuty and for a signed webhook.
type pages struct {
	*httptest.Server
	mu       sync.Mutex
	duty     []map[string]any
	webhooks []map[string]any
}

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func receive(t testing.TB) *pages {
	p := &pages{}
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	check(t, err)
	decode := func(r *http.Request, into *[]map[string]any, verify bool) int {
		body, err := io.ReadAll(r.Body)
		if err != nil || verify && verifier.Verify(body, r.Header) != nil {
			t.Errorf("bad webhook: %v %s", err, body)
			return http.StatusUnauthorized
		}
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			return http.StatusBadRequest
		}
		p.mu.Lock()
		*into = append(*into, m)
		p.mu.Unlock()
		return http.StatusAccepted
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/enqueue", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(decode(r, &p.duty, false))
		_, _ = io.WriteString(w, `{"status":"success"}`)
	})
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(decode(r, &p.webhooks, true)) })
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// hooked are the webhooks so far.
func (p *pages) hooked() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.webhooks)
}

func (p *pages) alerting() alerting.Config {
	duty := alerting.Receiver{Name: "on-call", AllowPrivate: true, PagerDuty: &alerting.PagerDuty{RoutingKey: config.Secret(strings.Repeat("k", 32)), BaseURL: p.URL}}
	hook := alerting.Receiver{Name: "hook", AllowPrivate: true, Webhook: &alerting.Webhook{URL: config.Secret(p.URL + "/hook"), Secrets: []config.Secret{webhookSecret}}}
	for _, r := range []*alerting.Receiver{&duty, &hook} {
		r.Timeout, r.MaxElapsed, r.MinSeverity = 5*time.Second, time.Minute, schemas.SeverityInfo
	}
	return alerting.Config{Receivers: []alerting.Receiver{duty, hook}}
}

// The real data of an outside project, replayed as production would send it:
// reference rows as the training profile, then twelve months of events at their
// own timestamps through Kafka and ClickHouse, labels later.
func TestCaliforniaHousing(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	reference := testkit.TestData(t, "california_housing", "california_housing_reference.csv.gz")
	analysis := testkit.TestData(t, "california_housing", "california_housing_analysis.csv.gz")
	truth := testkit.TestData(t, "california_housing", "california_housing_analysis_gt.csv.gz")

	month, err := detectors.ParseWindow("1mo")
	check(t, err)
	receiver := receive(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled = true
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.ClickHouse.Retention = clickhouse.Retention{} // the data are years old
	cfg.Ingest.Topics = []ingest.Topic{
		{Topic: "events", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"},
		{Topic: "labels", Kind: ingest.Labels, Format: ingest.FormatProtobuf, Tenant: "default"},
	}
	cfg.Ingest.FlushInterval = 200 * time.Millisecond
	cfg.Detect.Idle = time.Second
	cfg.Models = []detectors.Model{{
		Name: "california", Window: month,
		Reference: detectors.ReferenceFile{File: reference, Timestamp: "timestamp", Prediction: "y_pred", Score: "y_pred_proba", ID: "id", Exclude: []string{"clf_target"}},
	}}
	cfg.Alerting = receiver.alerting()
	a, err := app.Start(t.Context(), cfg, app.Roles, testLog())
	check(t, err)
	defer a.Stop()
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { failed <- a.Wait(ctx) }()

	rows, err := tabular.Open(analysis, tabular.Options{Timestamp: "timestamp"})
	check(t, err)
	labels, err := tabular.Open(truth, tabular.Options{})
	check(t, err)
	send(t, a, events(t, rows), labelled(rows, labels))
	until(t, "12 months of signals", func() bool {
		return number(t, a, "SELECT uniqExact(window_start) FROM signals") == 12 && number(t, a, "SELECT sum(n) FROM (SELECT max(n_window) AS n FROM signals FINAL WHERE detector = 'ks' AND feature = 'MedInc' GROUP BY window_start)") == 8232
	})
	until(t, "labels", func() bool { return number(t, a, "SELECT count() FROM labels") == 8232 })
	if raw, states := number(t, a, "SELECT count() FROM inference_events"), number(t, a, "SELECT sum(rows) FROM feature_sketches_1m"); raw != 8232 || states != 8232 {
		t.Errorf("raw %d, in states %d; want 8232 each", raw, states)
	}

	spec, err := backtest.ParseWindowSpec("1mo")
	check(t, err)
	offline, err := backtest.Run(t.Context(), backtest.Options{
		Model: "california", Reference: reference, Data: analysis, Labels: truth, ID: "id", Label: "clf_target",
		Timestamp: "timestamp", Prediction: "y_pred", Score: "y_pred_proba", Window: spec,
	})
	check(t, err)
	compareSignals(t, stored(t, a), offline.Signals)

	if n := number(t, a, "SELECT countIf(state = 'alarm') FROM signals FINAL WHERE feature = 'Longitude' AND detector = 'ks'"); n == 0 {
		t.Error("Longitude never alarmed")
	}
	until(t, "alerts", func() bool {
		receiver.mu.Lock()
		defer receiver.mu.Unlock()
		return mentions(receiver.duty, "Longitude") && mentions(receiver.webhooks, "Longitude")
	})
	cancel()
	check(t, <-failed)
}

// compareSignals holds the service's signals, from sketches, against the
// backtest's, from rows.
func compareSignals(t *testing.T, online, offline []schemas.Signal) {
	t.Helper()
	exact := map[string]schemas.Signal{}
	for _, s := range offline {
		exact[s.WindowStart.Format(time.DateOnly)+" "+s.Feature+" "+s.Detector] = s
	}
	worst, where := map[string]float64{}, map[string]string{}
	compared, differ := 0, 0
	for _, s := range online {
		if s.Feature == schemas.FeatureLatency { // events have no latency; the file has no such column
			continue
		}
		key := s.WindowStart.Format(time.DateOnly) + " " + s.Feature + " " + s.Detector
		e, ok := exact[key]
		if !ok {
			t.Errorf("backtest has no signal %s", key)
			continue
		}
		compared++
		if d := math.Abs(s.Score - e.Score); d > worst[s.Detector] {
			worst[s.Detector], where[s.Detector] = d, key
		}
		if s.State != e.State {
			differ++
			t.Errorf("%s: service says %s (%g), backtest %s (%g), threshold %g", key, s.State, s.Score, e.State, e.Score, e.Threshold)
		}
		if s.Detector == "ks" && math.Abs(s.Score-e.Score) > .01 {
			t.Errorf("%s: KS %.4f from sketches, %.4f exactly", key, s.Score, e.Score)
		}
		if s.Reference != e.Reference {
			t.Errorf("%s: reference %s, backtest has %s", key, s.Reference, e.Reference)
		}
	}
	if compared != len(offline) {
		t.Errorf("%d signals compared, backtest has %d", compared, len(offline))
	}
	t.Logf("%d signals, %d with another state; largest differences of score: %v at %v", compared, differ, worst, where)
}

func testLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func number(t testing.TB, a *app.App, sql string) (n uint64) {
	t.Helper()
	check(t, a.DB().Conn().QueryRow(t.Context(), sql).Scan(&n))
	return n
}

func stored(t testing.TB, a *app.App) (out []schemas.Signal) {
	t.Helper()
	rows, err := a.DB().Conn().Query(t.Context(), "SELECT window_start, feature, detector, score, threshold, state, reference FROM signals FINAL")
	check(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s schemas.Signal
		var state string
		check(t, rows.Scan(&s.WindowStart, &s.Feature, &s.Detector, &s.Score, &s.Threshold, &state, &s.Reference))
		s.State = schemas.State(state)
		out = append(out, s)
	}
	check(t, rows.Err())
	return out
}

// events of the rows, as a producer would send them.
func events(t testing.TB, rows *tabular.Table) (out []*kgo.Record) {
	t.Helper()
	for i := range rows.Rows {
		e := schemas.Event{Model: "california", Version: "v1", Features: schemas.Features{Numeric: map[string]float64{}}}
		for _, c := range rows.Columns {
			switch c.Name {
			case "id":
				e.RequestID = strconv.Itoa(int(c.Numbers[i]))
			case "timestamp":
				e.Time = c.Times[i]
			case "y_pred":
				e.Prediction = strconv.Itoa(int(c.Numbers[i]))
			case "y_pred_proba":
				e.Score = &c.Numbers[i]
			default:
				e.Features.Numeric[c.Name] = c.Numbers[i]
			}
		}
		b, err := json.Marshal(e)
		check(t, err)
		out = append(out, &kgo.Record{Topic: "events", Key: []byte(e.RequestID), Value: b})
	}
	return out
}

// labelled gives every row its label 30 days later.
func labelled(rows, labels *tabular.Table) (out []*kgo.Record) {
	times := rows.Column("timestamp").Times
	for i, target := range labels.Column("clf_target").Numbers {
		l := schemas.Label{Model: "california", RequestID: fmt.Sprint(labels.Column("id").Numbers[i]), Time: times[i].AddDate(0, 0, 30), Label: fmt.Sprint(target)}
		out = append(out, &kgo.Record{Topic: "labels", Value: l.AppendProto(nil)})
	}
	return out
}

func send(t testing.TB, a *app.App, batches ...[]*kgo.Record) {
	t.Helper()
	cl, err := a.Config().Kafka.Dial()
	check(t, err)
	defer cl.Close()
	for _, records := range batches {
		check(t, cl.ProduceSync(t.Context(), records...).FirstErr())
	}
}

func mentions(bodies []map[string]any, text string) bool {
	for _, b := range bodies {
		if s, err := json.Marshal(b); err == nil && strings.Contains(string(s), text) {
			return true
		}
	}
	return false
}
