package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

// A start that fails half-way says why and leaves nothing behind: the next one
// can take its place.
func TestStartFailsCleanly(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Embedded.Kafka.Enabled = true
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, filepath.Join(file, "below")
	if _, err := app.Start(t.Context(), cfg, app.Roles, testLog()); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("a data directory below a file gives %v", err)
	}
	cfg.Embedded.ClickHouse.DataDir = t.TempDir()
	a, err := app.Start(t.Context(), cfg, app.Roles, testLog())
	check(t, err)
	a.Stop()
}
