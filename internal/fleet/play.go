package fleet

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/loadtest/scenario"
	"github.com/driftline/driftline/loadtest/world"
	"github.com/driftline/driftline/schemas"
)

//go:embed driftline.yaml.tmpl
var configText string

var configTemplate = template.Must(template.New("driftline.yaml").Funcs(template.FuncMap{"quote": quote}).Parse(configText))

// Options of a play.
type Options struct {
	Seed  uint64
	Speed float64 // event time that passes in a unit of wall time
	Log   *slog.Logger
}

// window of the models.
const window = 5 * time.Minute

// referenceRows of each model, one second of event time apart.
const referenceRows = 20_000

// patience is how long the end of the pipeline is waited for.
const patience = 2 * time.Minute

// settled is how many looks in a row, half a second apart, must find the pipeline
// through.
const settled = 8

// topics of the fleet, by kind.
var topics = map[loadtest.Kind]string{
	loadtest.Events: "fleet.inference", loadtest.Labels: "fleet.labels", loadtest.Telemetry: "fleet.telemetry", loadtest.Jobs: "fleet.jobs", loadtest.Changes: "fleet.changes",
}

// Play a scenario once, through a pipeline of its own, and judge it.
func Play(ctx context.Context, s *scenario.Scenario, o Options) (*Result, error) {
	dir, err := os.MkdirTemp("", "driftline-fleet-")
	if err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Event time ends at about now: rules over silent failures know the wall clock.
	wall := time.Duration(float64(s.Length) / o.Speed)
	start := time.Now().UTC().Add(wall - s.Length).Truncate(window)
	w, err := s.World(o.Seed, start)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if err := w.WriteReferences(dir, referenceRows); err != nil {
		return nil, err
	}
	cfg, err := configure(dir, w)
	if err != nil {
		return nil, err
	}
	a, err := app.Start(ctx, cfg, []app.Role{app.Ingest, app.Detect, app.Correlate}, o.Log)
	if err != nil {
		return nil, fmt.Errorf("start pipeline: %w", err)
	}
	defer a.Stop()
	began := time.Now()
	incidents, err := play(ctx, a, w, o.Speed)
	if err != nil {
		return nil, err
	}
	r := judge(s, w, incidents)
	r.Seed, r.WallSeconds = o.Seed, time.Since(began).Round(100*time.Millisecond).Seconds()
	return r, nil
}

// play sends the run, waits until the pipeline is through, and returns all
// incidents as they were last told.
func play(ctx context.Context, a *app.App, w *world.World, speed float64) ([]schemas.Incident, error) {
	cl, err := a.Config().Kafka.Dial()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	p := &loadtest.Producer{Client: cl, Topics: topics, Speed: speed}
	if err := p.Run(ctx, w); err != nil {
		return nil, err
	}
	for deadline, quiet := time.Now().Add(patience), 0; ; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-failed(ctx, a):
			return nil, err
		case <-time.After(500 * time.Millisecond):
		}
		done, err := through(ctx, a, p)
		if err != nil {
			return nil, err
		}
		if quiet++; !done {
			quiet = 0
		}
		if quiet > settled || time.Now().After(deadline) { // what is stored is told a moment later
			break
		}
	}
	return a.DB().Incidents(ctx, "")
}

// failed tells when a role has failed; looking does not wait.
func failed(ctx context.Context, a *app.App) <-chan error {
	out := make(chan error, 1)
	now, cancel := context.WithCancel(ctx)
	cancel()
	if err := a.Wait(now); err != nil {
		out <- err
	}
	return out
}

// through tells whether all events are stored and judged, what was found has been
// correlated, and no causes are about to be looked for.
func through(ctx context.Context, a *app.App, p *loadtest.Producer) (bool, error) {
	var stored, windows uint64
	if err := a.DB().Conn().QueryRow(ctx, "SELECT count() FROM inference_events").Scan(&stored); err != nil {
		return false, fmt.Errorf("count stored events: %w", err)
	}
	if stored < p.Sent(loadtest.Events) {
		return false, nil
	}
	last := p.Newest().Truncate(window)
	err := a.DB().Conn().QueryRow(ctx, "SELECT uniqExact(model) FROM signals WHERE window_end >= toDateTime("+fmt.Sprint(last.Unix())+")").Scan(&windows)
	if err != nil {
		return false, fmt.Errorf("count judged windows: %w", err)
	}
	var text strings.Builder
	a.Metrics().WritePrometheus(&text)
	correlating := false // it may join its group late
	for line := range strings.Lines(text.String()) {
		lag := strings.HasPrefix(line, "driftline_kafka_lag_records") && strings.Contains(line, string(app.Correlate))
		if (lag || strings.HasPrefix(line, "driftline_correlate_diagnoses_pending")) && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			return false, nil
		}
		correlating = correlating || lag
	}
	return correlating && windows >= uint64(len(a.Config().Models)), nil
}

func configure(dir string, w *world.World) (app.Config, error) {
	var text strings.Builder
	err := configTemplate.Execute(&text, map[string]any{
		"Dir": dir, "Models": w.Models(), "Topics": topics, "Prediction": w.Columns,
		"Reference": func(model string) string { return filepath.Join(dir, model+".csv") },
	})
	if err != nil {
		return app.Config{}, fmt.Errorf("write configuration: %w", err)
	}
	cfg := app.DefaultConfig()
	return cfg, config.Parse("fleet.yaml", []byte(text.String()), &cfg)
}

// quote gives a string as YAML, of which JSON is a part.
func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}
