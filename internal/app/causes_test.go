package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// world is an hour and a half of a model on two GPUs, as records.
type world struct {
	t     *testing.T
	start time.Time
	out   []*kgo.Record
}

func (w *world) add(topic string, v any) {
	b, err := json.Marshal(v)
	check(w.t, err)
	w.out = append(w.out, &kgo.Record{Topic: topic, Key: []byte("one partition"), Value: b})
}

// minute m of requests and telemetry: four pods on two nodes, a GPU each.
func (w *world) minute(m int, hot string) {
	for pod := range 4 {
		node := fmt.Sprintf("node-%d", pod/2+1)
		gpu := fmt.Sprintf("%s/%d", node, pod%2)
		latency, celsius, throttled := 20.0+float64(m%3), 61+float64((m+pod)%3), 0.0
		if gpu == hot && m >= 60 {
			latency, celsius, throttled = 75+float64(m%3), 88+float64(m%2), 30*float64(m-59)
		}
		at := w.start.Add(time.Duration(m) * time.Minute)
		for i := range 10 {
			w.add("events", schemas.Event{
				Model: "credit", Version: "v1", RequestID: fmt.Sprint(pod, m, i), Time: at.Add(time.Duration(i) * 5 * time.Second), LatencyMS: &latency,
				Deployment: "credit-eu", Pod: fmt.Sprintf("credit-eu-%d", pod), Node: node, GPU: gpu,
			})
		}
		for metric, v := range map[string]float64{"DCGM_FI_DEV_GPU_TEMP": celsius, "DCGM_FI_DEV_THERMAL_VIOLATION": throttled * 1e9, "DCGM_FI_DEV_GPU_UTIL": float64(40 + 50*(m%2))} {
			w.add("telemetry", schemas.Sample{Time: at, Source: "dcgm", Metric: metric, Value: v, Node: node, GPU: gpu})
		}
	}
}

// A GPU throttles, the pod on it is slow, and the model's latency drifts: the
// incident is told at once, and its next revision names the GPU and says not to
// retrain, though a deploy was made shortly before.
func TestIncidentNamesTheGPU(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled = true
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.ClickHouse.Retention = clickhouse.Retention{}
	for topic, kind := range map[string]ingest.Kind{"events": ingest.Events, "telemetry": ingest.Telemetry, "changes": ingest.Changes} {
		cfg.Ingest.Topics = append(cfg.Ingest.Topics, ingest.Topic{Topic: topic, Kind: kind, Format: ingest.FormatJSON, Tenant: "default"})
	}
	cfg.Ingest.FlushInterval = 100 * time.Millisecond
	cfg.Correlate.Causes.Wait = 0
	a, err := app.Start(t.Context(), cfg, []app.Role{app.Ingest, app.Correlate}, testLog())
	check(t, err)
	defer a.Stop()

	w := world{t: t, start: time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)}
	for m := range 75 {
		w.minute(m, "node-2/1")
	}
	w.add("changes", schemas.Change{ID: "1", Time: w.start.Add(50 * time.Minute), Kind: schemas.ChangeDeploy, Entity: "deployment/credit-eu", Model: "credit", To: "v1"})
	send(t, a, w.out)
	until(t, "all rows stored", func() bool {
		return number(t, a, "SELECT count() FROM inference_events") == 75*40 && number(t, a, "SELECT count() FROM telemetry") == 75*12 && number(t, a, "SELECT count() FROM changes") == 1
	})

	span := schemas.Span{Start: w.start.Add(60 * time.Minute), End: w.start.Add(65 * time.Minute)}
	key := schemas.ModelKey{Tenant: "default", Model: "credit"}
	b, err := json.Marshal(schemas.Evaluation{ModelKey: key, Span: span, Signals: []schemas.Signal{{
		Version: "v1", Feature: schemas.FeatureLatency, Detector: "ks", Score: 0.3, Threshold: 0.1, NWindow: 200, State: schemas.StateAlarm, WindowStart: span.Start, WindowEnd: span.End,
	}}})
	check(t, err)
	send(t, a, []*kgo.Record{{Topic: cfg.Kafka.Topics.Signals, Key: key.Bytes(), Value: b}})

	var inc schemas.Incident
	until(t, "a diagnosis", func() bool {
		all, err := a.DB().Incidents(t.Context(), schemas.IncidentOpen)
		check(t, err)
		if len(all) == 1 {
			inc = all[0]
		}
		return inc.Diagnosis != nil
	})
	d := inc.Diagnosis
	if inc.Revision != 2 || len(d.Causes) == 0 || d.Causes[0].Entity != "gpu/node-2/1" || d.Causes[0].Kind != schemas.CauseInfrastructure || d.Retrain {
		t.Fatalf("revision %d: %s", inc.Revision, dumped(t, d))
	}
	top := d.Causes[0]
	if top.Mechanism != "thermal_throttle" || len(top.Evidence) < 2 || top.Path[len(top.Path)-1] != "model/credit" || !strings.Contains(inc.Title, "do not retrain: GPU node-2/1 is throttling for heat") {
		t.Errorf("%s\n%s", inc.Title, dumped(t, d))
	}
	if top.Onset.Before(span.Start.Add(-2*time.Minute)) || top.Onset.After(span.End) {
		t.Errorf("began at %s", top.Onset)
	}
}

func dumped(t *testing.T, v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	check(t, err)
	return string(b)
}
