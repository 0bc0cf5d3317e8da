package main

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/multivariate"
	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/capacity"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/selfmetrics"
)

var update = flag.Bool("update", false, "write the generated pages of the manual")

// The manual is made from the code; this test fails when it is stale.
func TestGeneratedPagesAreCurrent(t *testing.T) {
	pages := map[string]func() ([]byte, error){
		"../../docs/configuration.md": func() ([]byte, error) {
			return config.Markdown(app.DefaultConfig(), app.ConfigSources()...)
		},
		"../../docs/configuration.schema.json": func() ([]byte, error) {
			return config.Schema(app.DefaultConfig(), app.ConfigSources()...)
		},
		"../../docs/telemetry-names.md": func() ([]byte, error) { return metricnames.Page(), nil },
		"../../docs/capacity.md":        capacity.Page,
		"../../docs/detectors.md":       func() ([]byte, error) { return detectors.Page(multivariate.Manuals()), nil },
		"../../docs/silent-failures.md": func() ([]byte, error) { return silent.Page(), nil },
		"../../docs/metrics.md":         func() ([]byte, error) { return selfmetrics.MetricsPage(selfmetrics.Table), nil },
	}
	for file, generate := range pages {
		want, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run make generate", file, err)
		}
	}
}

// Every key has a comment, because the comment is its manual.
func TestEveryKeyIsDocumented(t *testing.T) {
	// Keys whose name and section say all there is to say.
	plain := map[string]bool{
		"kafka.sasl.username": true, "kafka.sasl.password": true,
		"clickhouse.username": true, "clickhouse.password": true,
	}
	missing, err := config.Undocumented(app.DefaultConfig(), app.ConfigSources()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range missing {
		if !plain[key] {
			t.Errorf("%s has no comment", key)
		}
	}
}
