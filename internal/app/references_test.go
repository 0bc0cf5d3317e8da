package app_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// shopRecords are two days of the traffic of two models, whose baskets grow in
// the last hours in the north, in the order of time.
func shopRecords(t *testing.T) (out []*kgo.Record) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 1))
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	const events = 48 * 120
	for i := range events {
		e := schemas.Event{
			Model: []string{"shop", "stall"}[i/2%2], Version: fmt.Sprint("v", 1+i%2), RequestID: fmt.Sprint(i), Time: start.Add(time.Duration(i) * 48 * time.Hour / events),
			Features: schemas.Features{
				Numeric:     map[string]float64{"basket": float64(int(20 * rng.ExpFloat64()))},
				Categorical: map[string]string{"channel": []string{"web", "app", "shop"}[rng.IntN(3)]},
			},
		}
		if e.Segment = []string{"north", "south", "west"}[rng.IntN(3)]; i > events*3/4 && e.Segment == "north" {
			e.Features.Numeric["basket"] += 60
		}
		b, err := json.Marshal(e)
		check(t, err)
		out = append(out, &kgo.Record{Topic: "events", Key: fmt.Append(nil, i), Value: b})
	}
	return out
}

// runShop through the service in batches; between two of them it is stopped and
// started again. It returns what is stored in the end.
func runShop(t *testing.T, models []detectors.Model, batches ...[]*kgo.Record) (signals, references []string) {
	t.Helper()
	cfg := app.DefaultConfig()
	cfg.Admin.Listen = "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled, cfg.Embedded.Kafka.DataDir = true, t.TempDir()
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cfg.ClickHouse.Retention = clickhouse.Retention{} // the data are of the past
	cfg.Ingest.Topics = []ingest.Topic{{Topic: "events", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"}}
	cfg.Ingest.FlushInterval = 200 * time.Millisecond
	cfg.Detect.MinRows, cfg.Detect.Detectors, cfg.Detect.Silent.Enabled = 50, []string{"ks", "linf"}, false
	cfg.Detect.Calibrate = false
	cfg.Detect.Idle, cfg.Detect.Settle, cfg.Detect.ReferenceSettle = time.Second, time.Second, time.Second
	cfg.Models = models
	sent := uint64(0)
	var a *app.App
	for i, records := range batches {
		var err error
		if i > 0 {
			a.Stop()
		}
		a, err = app.Start(t.Context(), cfg, []app.Role{app.Ingest, app.Detect}, testLog())
		check(t, err)
		for part := range slices.Chunk(records, 3000) {
			send(t, a, part)
			sent += uint64(len(part))
			until(t, "records", func() bool { return number(t, a, "SELECT count() FROM inference_events") == sent })
		}
	}
	defer a.Stop()
	until(t, "an end of evaluations", func() bool { return settled(t, a) })
	rows, err := a.DB().Conn().Query(t.Context(), `SELECT toString(window_start), toString(window_end), version, feature, detector, state, reference, n_reference, n_window, round(score, 9), round(p_value, 9), reason, concat(model, ' ', strongest_segment, toString(segment_share)) FROM signals FINAL`)
	check(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text [9]string
		var counts [2]uint64
		var numbers [2]float64
		check(t, rows.Scan(&text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6], &counts[0], &counts[1], &numbers[0], &numbers[1], &text[7], &text[8]))
		signals = append(signals, fmt.Sprint(text, counts, numbers))
	}
	check(t, rows.Err())
	slices.Sort(signals)
	named := strings.Join(signals, "\n")
	stored, err := a.DB().Conn().Query(t.Context(), "SELECT concat(name, '@', version), kind, source, spans, rows, length(calibration) > 0 FROM `references` FINAL")
	check(t, err)
	defer func() { _ = stored.Close() }()
	for stored.Next() {
		var id, kind, source, spans string
		var n uint64
		var calibrated uint8
		check(t, stored.Scan(&id, &kind, &source, &spans, &n, &calibrated))
		if strings.Contains(named, id) { // others were replaced when data came late into them
			references = append(references, fmt.Sprint(id, " ", kind, " ", source, " ", spans, " ", n, " ", calibrated))
		}
	}
	check(t, stored.Err())
	slices.Sort(references)
	return signals, references
}

// settled tells whether the engine has nothing left to do: nothing waits, and
// nothing was evaluated for a while.
func settled(t *testing.T, a *app.App) bool {
	t.Helper()
	before := counter(t, a, "driftline_detect_windows_evaluated_total")
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		if summed(t, a, "driftline_detect_windows_pending") > 0 || counter(t, a, "driftline_detect_windows_evaluated_total") != before {
			return false
		}
	}
	return before > 0
}

// counter without labels.
func counter(t *testing.T, a *app.App, name string) uint64 {
	t.Helper()
	return a.Metrics().GetOrCreateCounter(name).Get()
}

// Data that come late and out of order, through a restart, end in the tables that
// the same data give in order: sliding windows against trailing production, and
// versions side by side.
func TestReferencesOfProductionConverge(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	hours := func(n int) detectors.Window { return detectors.Every(time.Duration(n) * time.Hour) }
	models := []detectors.Model{
		{Name: "shop", Window: hours(4), Every: hours(2), Reference: detectors.ReferenceFile{
			Kind: detectors.ReferenceTrailing, Length: hours(24), Guard: hours(3), Refresh: hours(6),
		}},
		{Name: "stall", Window: hours(6), Reference: detectors.ReferenceFile{Kind: detectors.ReferenceVersion, Version: "v1"}},
	}
	records := shopRecords(t)
	signals, references := runShop(t, models, records)
	count := func(of []string, text string) (n int) {
		for _, s := range of {
			if strings.Contains(s, text) {
				n++
			}
		}
		return n
	}
	t.Logf("%d signals, %d alarms, %d references, such as %s", len(signals), count(signals, " alarm "), len(references), references[0])
	if count(signals, " alarm trailing@") == 0 || count(signals, " ok version@") == 0 || count(references, "trailing@") == 0 || count(references, "version@") != 8 {
		t.Error("the larger baskets raise no alarm, or no version is compared")
	}
	if count(signals, `strongest in segment "north"`) == 0 || count(signals, `strongest in segment "south"`) > 0 {
		t.Error("no alarm says that the larger baskets are in the north")
	}
	rng := rand.New(rand.NewPCG(8, 2))
	shuffled := slices.Clone(records)
	for i := range shuffled { // most late by up to two hours, some by up to two days
		by := 480
		if rng.IntN(20) == 0 {
			by = len(shuffled)
		}
		j := min(len(shuffled)-1, i+rng.IntN(by))
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	half := len(shuffled) / 2
	late, lateReferences := runShop(t, models, shuffled[:half], shuffled[half:])
	if !slices.Equal(late, signals) {
		t.Errorf("%d signals, in order %d; the first that differ:\n%s", len(late), len(signals), firstDifference(late, signals))
	}
	if !slices.Equal(lateReferences, references) {
		t.Errorf("%d references, in order %d; the first that differ:\n%s", len(lateReferences), len(references), firstDifference(lateReferences, references))
	}
}

func firstDifference(got, want []string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Sprintf("got  %v\nwant %s", got[min(i, max(0, len(got)-1)):min(i+1, len(got))], want[i])
		}
	}
	return fmt.Sprint("more: ", got[len(want):])
}

// What a reference of production needs is checked before it is missed.
func TestConfigurationOfReferences(t *testing.T) {
	for text, want := range map[string]string{
		"{name: m, reference: {kind: trailing, length: 7d, guard: 12h}}":                                                   "",
		"{name: m, window: 1h, every: 5m, reference: {kind: range, from: 2026-01-01T00:00:00Z, to: 2026-02-01T00:00:00Z}}": "",
		"{name: m, reference: {kind: same_hour_of_week, weeks: 5}}":                                                        "models[0].reference: of kind same_hour_of_week needs production of up to 35d before a window, which is more than clickhouse.retention.summaries, 30d",
		"{name: m, reference: {kind: trailing, length: 30d}}":                                                              "needs production of up to 32d",
		"{name: m, reference: {kind: trialing}}":                                                                           "models[0].reference.kind",
		"{name: m, window: 1mo, reference: {kind: same_hour_of_week}}":                                                     "models[0].reference.kind: same_hour_of_week needs windows of at most a week",
		"{name: m, window: 1h, every: 7m}":                                                                                 "models[0].every: is 7m; give a whole part of the window, 1h",
	} {
		file := filepath.Join(t.TempDir(), "driftline.yaml")
		check(t, os.WriteFile(file, []byte("kafka: {brokers: [localhost:9092]}\nclickhouse: {addr: [localhost:9000]}\nmodels:\n  - "+text+"\n"), 0o600))
		cfg := app.DefaultConfig()
		err := config.Load(file, &cfg)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
