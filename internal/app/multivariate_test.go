package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// Two features of which each stays as it was, and whose relation turns round:
// the service reads a sample of the window's rows, says which pair it is, and
// opens an incident about the model as a whole.
func TestDetectorsOverRowsInTheService(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	rng := rand.New(rand.NewPCG(4, 4))
	pair := func(sign float64) (a, b float64) {
		a = rng.NormFloat64()
		return a, sign*a + 0.5*rng.NormFloat64()
	}
	var file strings.Builder
	file.WriteString("income,spending\n")
	for range 5000 {
		a, b := pair(1)
		fmt.Fprintf(&file, "%g,%g\n", a, b)
	}
	reference := filepath.Join(t.TempDir(), "reference.csv")
	check(t, os.WriteFile(reference, []byte(file.String()), 0o600))

	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled = true
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.ClickHouse.Retention = clickhouse.Retention{}
	cfg.Ingest.Topics = []ingest.Topic{{Topic: "events", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"}}
	cfg.Ingest.FlushInterval = 200 * time.Millisecond
	cfg.Detect.Idle = time.Second
	cfg.Models = []detectors.Model{{
		Name: "shop", Reference: detectors.ReferenceFile{File: reference},
		Detectors: []string{detectors.DefaultSet, detectors.JointSet}, Multivariate: detectors.Multivariate{Rows: 1000, Features: []string{"income", "spending"}},
	}}
	a, err := app.Start(t.Context(), cfg, app.Roles, testLog())
	check(t, err)
	defer a.Stop()
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { failed <- a.Wait(ctx) }()

	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	for hour, sign := range []float64{1, -1} {
		for i := range 1800 {
			x, y := pair(sign)
			text, err := json.Marshal(schemas.Event{
				Model: "shop", Version: "v1", RequestID: fmt.Sprint(hour, i), Time: start.Add(time.Duration(hour)*time.Hour + time.Duration(i)*2*time.Second),
				Features: schemas.Features{Numeric: map[string]float64{"income": x, "spending": y}},
			})
			check(t, err)
			records = append(records, &kgo.Record{Topic: "events", Value: text})
		}
	}
	send(t, a, records)
	until(t, "two windows over rows", func() bool {
		return number(t, a, "SELECT count() FROM signals FINAL WHERE feature = '' AND n_window = 1000") == 12 &&
			number(t, a, "SELECT count() FROM signals FINAL WHERE detector = 'ks' AND feature = 'income' AND n_window = 1800") == 2
	})
	if n := number(t, a, "SELECT count() FROM signals FINAL WHERE feature = '' AND state = 'ok' AND window_start = '2026-03-01 12:00:00'"); n != 6 {
		t.Errorf("%d of 6 detectors are content with the first window", n)
	}
	if n := number(t, a, "SELECT count() FROM signals FINAL WHERE state = 'alarm' AND feature != ''"); n != 0 {
		t.Errorf("%d alarms on single features, which did not change", n)
	}
	for _, name := range []string{"correlation_change", "pca_reconstruction"} {
		if n := number(t, a, "SELECT count() FROM signals FINAL WHERE state = 'alarm' AND window_start = '2026-03-01 13:00:00' AND detector = '"+name+"'"); n != 1 {
			t.Errorf("%s does not see the relation", name)
		}
	}
	if n := number(t, a, "SELECT count() FROM signals FINAL WHERE detector = 'correlation_change' AND position(reason, '\\'income\\' and \\'spending\\'') > 0"); n == 0 {
		t.Error("the pair is not named")
	}
	until(t, "an incident about the model as a whole", func() bool {
		return number(t, a, "SELECT count() FROM incidents FINAL WHERE position(title, 'the model as a whole') > 0") == 1
	})
	cancel()
	check(t, <-failed)
}
