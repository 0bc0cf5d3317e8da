package api_test

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/console"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/query/querytest"
)

// needs what the browser's test cannot do without; where CI=true it must be there.
func needs(t *testing.T, what string, there bool) {
	t.Helper()
	if there {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Every page of the console, and the app for Grafana, in a real browser, dark and light, over a real store:
// no error, accessible, and nothing is asked of other addresses.
func TestPagesInABrowser(t *testing.T) {
	const front = "../../grafana-plugin"
	browser := "/usr/bin/chromium"
	if from := os.Getenv("CHROMIUM"); from != "" {
		browser = from
	}
	_, err := os.Stat(browser)
	needs(t, "there is no Chromium at "+browser+" (set CHROMIUM)", err == nil)
	_, err = os.Stat(front + "/node_modules/playwright-core")
	needs(t, "the front end's packages are not installed (npm ci in grafana-plugin)", err == nil)
	needs(t, "the console is not built (make console)", console.Built())
	node, err := exec.LookPath("node")
	needs(t, "there is no Node.js", err == nil)

	engine := embeddedtest.ClickHouse(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{engine.Addr()}
	db, err := clickhouse.Open(cfg)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(t.Context(), io.Discard))
	check(t, querytest.Small().Seed(t.Context(), db))
	c := api.DefaultConfig()
	c.Listen = "127.0.0.1:0"
	s, err := api.Listen(c, api.Options{
		DB: db, Audit: audit.New(db), Add: alerting.NewSilence, Expire: alerting.Expire,
		Config: func() (string, error) { return "", nil }, Log: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	t.Cleanup(s.Close)
	look := func(t *testing.T, args ...string) {
		run := exec.CommandContext(t.Context(), node, args...)
		run.Dir, run.Env = front, append(os.Environ(), "DRIFTLINE_API=http://"+s.Addr())
		out, err := run.CombinedOutput()
		t.Logf("%s", out)
		check(t, err)
	}
	t.Run("console", func(t *testing.T) { look(t, "test/browser/run.mjs", "http://"+s.Addr()+"/", querytest.Incident) })
	t.Run("app", func(t *testing.T) { // what is built for Grafana, with Grafana's own components around it
		_, err := os.Stat(front + "/dist/plugin.json")
		needs(t, "the app is not built (make plugin)", err == nil)
		_, err = os.Stat(front + "/node_modules/@grafana/ui")
		needs(t, "the front end's packages are not installed (npm ci in grafana-plugin)", err == nil)
		look(t, "test/browser/grafana.mjs")
	})
}
