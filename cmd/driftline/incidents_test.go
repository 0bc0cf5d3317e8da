package main

import (
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

const operatorToken = "operator-0123456789abcdef"

// served is a running API with two incidents.
func served(t *testing.T) (addr, tokenFile string, db *clickhouse.DB) {
	t.Helper()
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{embeddedtest.ClickHouse(t).Addr()}
	db, err := clickhouse.Open(cfg)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	must(t, db.Migrate(t.Context(), io.Discard))
	noon := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	for i, id := range []string{"inc-a", "inc-b"} {
		signal := schemas.Signal{
			Tenant: "default", Model: "credit", Version: "1", Feature: "income", Detector: "psi", WindowStart: noon.Add(time.Duration(i) * time.Hour), WindowEnd: noon.Add(time.Duration(i)*time.Hour + 5*time.Minute),
			Score: 0.41234, Threshold: 0.2, PValue: 1e-7, NWindow: 4039, State: schemas.StateAlarm, Reason: "income moved", EvaluatedAt: noon,
		}
		must(t, db.PutSignals(t.Context(), []schemas.Signal{signal}))
		must(t, db.PutIncident(t.Context(), schemas.Incident{
			ID: id, Revision: 1, Tenant: "default", Model: "credit", State: schemas.IncidentOpen, Severity: schemas.SeverityError, Title: "credit: drift in income", Summary: "Income fell.",
			Onset: signal.WindowStart, OpenedAt: signal.WindowEnd, UpdatedAt: signal.WindowEnd, Versions: []string{"1"}, Features: []string{"income"}, Signals: []schemas.Signal{signal},
			Diagnosis: &schemas.Diagnosis{At: signal.WindowEnd, Advice: "Do not retrain: GPU n1/0 is throttling for heat.", Causes: []schemas.Cause{{
				Entity: "gpu/n1/0", Kind: schemas.CauseInfrastructure, Title: "GPU n1/0 is throttling for heat", Confidence: 0.93, Onset: signal.WindowStart, Path: []string{"gpu/n1/0", "model/credit"},
			}}},
		}))
	}
	c := api.DefaultConfig()
	c.Listen, c.Tokens = "127.0.0.1:0", []api.Token{{Name: "on-call", Token: operatorToken, Role: api.Admin}, {Name: "reader", Token: config.Secret(strings.Repeat("r", 20))}}
	s, err := api.Listen(c, api.Options{DB: db, Audit: audit.New(db), Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	must(t, err)
	t.Cleanup(s.Close)
	return s.Addr(), writeFile(t, "token", operatorToken+"\n"), db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var changing = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z|aud-[a-z0-9]{16}|act-[a-z0-9]{16}|\b[0-9a-f]{12}\b|\b[0-9a-f]{64}\b`)

func TestIncidents(t *testing.T) {
	addr, token, db := served(t)
	say := func(args ...string) string {
		t.Helper()
		stdout, stderr, code := driftline(t, append(args, "--addr", addr, "--token-file", token)...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		return changing.ReplaceAllString(stdout, "·")
	}
	var out strings.Builder
	for _, args := range [][]string{
		{"incidents", "list"},
		{"incidents", "ack", "inc-a", "-m", "looking at it"},
		{"incidents", "mute", "inc-a", "inc-b", "--for", "1h", "-m", "known until tonight"},
		{"incidents", "unack", "inc-a"},
		{"incidents", "unmute", "inc-b"},
		{"incidents", "comment", "inc-b", "-m", "the vendor knows"},
		{"incidents", "confirm", "inc-a"},
		{"incidents", "wrong-cause", "inc-a", "-m", "it was the rack"},
		{"incidents", "false-positive", "inc-b", "-m", "a holiday"},
		{"incidents", "list", "--state", "open", "--limit", "1"},
		{"incidents", "show", "inc-a"},
		{"incidents", "export", "inc-b"},
		{"signals", "list", "--feature", "income", "--from", "24h"},
		{"audit", "list"},
		{"audit", "verify"},
	} {
		out.WriteString("$ driftline " + strings.Join(args, " ") + "\n" + say(args...) + "\n")
	}
	golden(t, "incidents.txt", out.String())
	if lines := strings.Split(strings.TrimSpace(say("audit", "export")), "\n"); len(lines) != 11 || !strings.Contains(lines[10], `"heads"`) {
		t.Errorf("export of %d lines", len(lines))
	}
	must(t, db.Conn().Exec(t.Context(), "ALTER TABLE audit_log UPDATE actor = 'nobody' WHERE seq = 3 SETTINGS mutations_sync = 2"))
	stdout, stderr, code := driftline(t, "audit", "verify", "--addr", addr, "--token-file", token)
	if code != 1 || !strings.Contains(stdout, "by nobody was altered") || !strings.Contains(stderr, "not as it was written") {
		t.Errorf("an altered audit: exit %d, %s%s", code, stdout, stderr)
	}
}

func TestClientMistakes(t *testing.T) {
	addr, token, _ := served(t)
	reader := writeFile(t, "reader", strings.Repeat("r", 20))
	for want, args := range map[string][]string{
		"there is no incident inc-none":        {"incidents", "show", "inc-none", "--addr", addr, "--token-file", token},
		"comment is missing":                   {"incidents", "comment", "inc-a", "--addr", addr, "--token-file", token},
		"needs the role operator":              {"incidents", "ack", "inc-a", "--addr", addr, "--token-file", reader},
		"send a configured token":              {"incidents", "list", "--addr", addr},
		"is it running with the role api":      {"incidents", "list", "--addr", "127.0.0.1:1"},
		"--addr \"::\" is no address":          {"incidents", "list", "--addr", "::"},
		"no such file":                         {"incidents", "list", "--addr", addr, "--token-file", token + ".not"},
		"give at least one incident":           {"incidents", "ack", "--addr", addr},
		"unsupported output \"yaml\"":          {"signals", "list", "-o", "yaml"},
		"--from \"noon\" is no time":           {"signals", "list", "--from", "noon"},
		"until is not within the next 30 days": {"incidents", "mute", "inc-a", "--for", "10000h", "-m", "x", "--addr", addr, "--token-file", token},
		"expected value to be one of":          {"signals", "list", "--state", "odd", "--addr", addr, "--token-file", token},
	} {
		_, stderr, code := driftline(t, args...)
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %s; want %q", args, code, stderr, want)
		}
		if strings.Contains(stderr, operatorToken) {
			t.Errorf("%v shows the token: %s", args, stderr)
		}
	}
}
