package app_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// A job whose runs stop while another one goes on: records from Kafka become an
// incident, without a model and without any configuration of either job.
func TestSilentFailureBecomesAnIncident(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled = true
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.ClickHouse.Retention = clickhouse.Retention{}
	cfg.Ingest.Topics = []ingest.Topic{{Topic: "jobs", Kind: ingest.Jobs, Format: ingest.FormatJSON, Tenant: "default"}}
	cfg.Ingest.FlushInterval = 100 * time.Millisecond
	cfg.Detect.Silent.Every = 300 * time.Millisecond
	a, err := app.Start(t.Context(), cfg, app.Roles, testLog())
	check(t, err)
	defer a.Stop()

	noon := time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	for i := range 80 {
		for _, job := range []string{"stops", "goes-on"} {
			at := noon.Add(time.Duration(i-80) * 10 * time.Minute)
			if job == "stops" && i >= 70 {
				continue
			}
			for after, state := range map[time.Duration]schemas.JobState{0: schemas.JobStarted, 5 * time.Minute: schemas.JobSucceeded} {
				b, err := json.Marshal(schemas.JobEvent{Job: job, RunID: fmt.Sprint(job, i), Time: at.Add(after), State: state, ItemsIn: 10, ItemsOut: 10})
				check(t, err)
				records = append(records, &kgo.Record{Topic: "jobs", Key: []byte("one partition"), Value: b})
			}
		}
	}
	send(t, a, records)
	until(t, "an incident", func() bool { return number(t, a, "SELECT count() FROM incidents") > 0 })
	var model, title, severity string
	check(t, a.DB().Conn().QueryRow(t.Context(), "SELECT model, title, severity FROM incidents FINAL").Scan(&model, &title, &severity))
	if model != "job/stops" || severity != string(schemas.SeverityError) || title != "silent failure of job/stops since 2026-03-18T11:52:00Z (dead_man)" {
		t.Errorf("%s: %s %q", model, severity, title)
	}
	if n := number(t, a, "SELECT uniqExact(model) FROM signals FINAL WHERE state = 'alarm'"); n != 1 {
		t.Errorf("%d subjects alarm, want one", n)
	}
}
