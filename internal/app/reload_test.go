package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
)

// A running process takes a new configuration that is good, and goes on with
// the old one whatever is wrong with the new.
func TestReload(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen = freePort(t), "127.0.0.1:0"
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.Embedded.ClickHouse.Enabled, cfg.Embedded.ClickHouse.DataDir = true, t.TempDir()
	cl, err := cfg.Kafka.Dial()
	check(t, err)
	defer cl.Close()
	check(t, kafka.CreateTopics(t.Context(), cl, 1, "in"))

	type loaded struct {
		cfg app.Config
		err error
	}
	var next loaded
	asked := make(chan os.Signal)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, cfg, []app.Role{app.Detect}, testLog(), app.Reload{
			Asked: asked, Load: func() (app.Config, error) { return next.cfg, next.err },
		})
	}()
	good := `driftline_config_last_reload_successful 1`
	admin := cfg.Admin.Listen
	awaitMetric(t, admin, good)

	next = loaded{cfg: cfg, err: errors.New("kafka.broker: unknown key")}
	asked <- syscall.SIGHUP
	awaitMetric(t, admin, `driftline_config_reloads_total{outcome="refused"} 1`, `driftline_config_last_reload_successful 0`)

	next = loaded{cfg: cfg}
	next.cfg.Embedded.ClickHouse.MaxMemory++ // with a restart only
	asked <- syscall.SIGHUP
	awaitMetric(t, admin, `driftline_config_reloads_total{outcome="refused"} 2`)

	next = loaded{cfg: cfg}
	asked <- syscall.SIGHUP
	awaitMetric(t, admin, `driftline_config_reloads_total{outcome="unchanged"} 1`, good)

	next.cfg.Admin.Listen = freePort(t)
	asked <- syscall.SIGHUP
	awaitMetric(t, next.cfg.Admin.Listen, `driftline_config_reloads_total{outcome="applied"} 1`, `driftline_config_reloads_total{outcome="refused"} 2`, good)
	admin = next.cfg.Admin.Listen

	next.cfg.Admin.Listen = "256.0.0.1:1" // passes no check and no start
	asked <- syscall.SIGHUP
	awaitMetric(t, admin, `driftline_config_reloads_total{outcome="failed"} 1`, `driftline_config_last_reload_successful 0`)

	cancel()
	check(t, <-ended)
}

// awaitMetric waits until the metrics of a process have all lines.
func awaitMetric(t *testing.T, admin string, lines ...string) {
	t.Helper()
	var body string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + admin + "/metrics")
		if err != nil {
			continue
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		body = string(b)
		all := true
		for _, line := range lines {
			all = all && strings.Contains(body, line+"\n")
		}
		if all {
			return
		}
	}
	t.Fatalf("no %q in\n%s", lines, regexp.MustCompile(`(?m)^(go|process|driftline_[^c]).*\n`).ReplaceAllString(body, ""))
}

// freePort is an address that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
