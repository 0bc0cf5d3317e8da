package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// routed is a configuration with two receivers and routes to them.
func routed(t *testing.T, url string) string {
	return writeFile(t, "driftline.yaml", fmt.Sprintf(`
kafka: {brokers: ["127.0.0.1:1"]}
clickhouse: {addr: ["127.0.0.1:1"]}
alerting:
  receivers:
    - {name: duty, allow_private: true, pagerduty: {routing_key: "0123456789abcdef0123456789abcdef", base_url: %q}}
    - {name: team, allow_private: true, slack: {url: %q}}
  time_intervals: [{name: nights, time_intervals: [{times: [{start_time: "20:00", end_time: "24:00"}]}]}]
  route:
    receiver: team
    group_by: [tenant]
    routes:
      - {matchers: ['severity="critical"'], receiver: duty, group_wait: 0s, continue: true}
      - {matchers: ['model=~"credit|fraud"'], mute_time_intervals: [nights]}
`, url, url+"/services/T0/secret-token-12"))
}

func TestAlertRoute(t *testing.T) {
	config := routed(t, "http://127.0.0.1:1")
	for name, args := range map[string][]string{
		"alert_route.txt":  {"--labels", "severity=critical,model=credit", "--at", "2026-03-01T21:00:00Z"},
		"alert_route.json": {"--labels", "severity=error", "--labels", "model=vision", "-o", "json"},
	} {
		stdout, stderr, code := driftline(t, append([]string{"alert", "route", "-config", config}, args...)...)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		golden(t, name, stdout)
	}
	for want, args := range map[string][]string{
		"--labels is missing": {}, `"critical" is no label`: {"--labels", "critical"}, `unknown label "sev"`: {"--labels", "sev=x"},
		`unsupported severity "bad"`: {"--labels", "severity=bad"}, `--at "noon" is no time`: {"--labels", "model=x", "--at", "noon"},
	} {
		_, stderr, code := driftline(t, append([]string{"alert", "route", "-config", config}, args...)...)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %q; want %q", code, stderr, want)
		}
	}
}

func TestAlertTest(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/services") {
			http.Error(w, "no such hook: "+r.URL.Path, http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"status":"success"}`))
	}))
	defer srv.Close()
	config := routed(t, srv.URL)
	stdout, stderr, code := driftline(t, "alert", "test", "-config", config, "--receiver", "duty", "-o", "json")
	var got struct {
		OK       bool
		Messages []struct {
			Action string
			Status int
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 || !got.OK || len(got.Messages) != 2 || got.Messages[1].Action != "resolve" || got.Messages[1].Status != 202 {
		t.Errorf("exit %d, %+v, %v: %s", code, got, err, stderr)
	}
	stdout, stderr, code = driftline(t, "alert", "test", "-config", config, "--receiver", "team")
	if code != 1 || !strings.Contains(stdout, "no such hook: /services/T0/***") || strings.Contains(stdout+stderr, "secret-token") {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	if _, stderr, code = driftline(t, "alert", "test", "-config", config, "--receiver", "nobody"); code != 1 || !strings.Contains(stderr, "configured: duty, team") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestSilence(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	store, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	config := writeFile(t, "driftline.yaml", fmt.Sprintf("kafka: {brokers: [\"127.0.0.1:1\"]}\nclickhouse: {addr: [%q]}\n", store.Addr()))
	if _, stderr, code := driftline(t, "migrate", "-config", config); code != 0 {
		t.Fatal(stderr)
	}
	run := func(args ...string) []schemas.Silence {
		t.Helper()
		stdout, stderr, code := driftline(t, append([]string{"silence", args[0], "-config", config, "-o", "json"}, args[1:]...)...)
		var out []schemas.Silence
		if err := json.Unmarshal([]byte(stdout), &out); err != nil || code != 0 {
			t.Fatalf("%v: exit %d, %v: %s", args, code, err, stderr)
		}
		return out
	}
	added := run("add", "--for", "1h", "--comment", "deploy", "--author", "me", "--tenant", "acme", `model="credit"`, `severity!="critical"`)
	listed := run("list")
	if len(added) != 1 || len(listed) != 1 || listed[0].ID != added[0].ID || listed[0].Author != "me" || len(listed[0].Matchers) != 2 || listed[0].Tenant != "acme" {
		t.Fatalf("added %+v, listed %+v", added, listed)
	}
	stdout, _, _ := driftline(t, "silence", "list", "-config", config)
	if !strings.Contains(stdout, added[0].ID) || !strings.Contains(stdout, "holds") {
		t.Errorf("list:\n%s", stdout)
	}
	run("expire", added[0].ID)
	if listed := run("list"); len(listed) != 0 {
		t.Errorf("expired, and still listed: %+v", listed)
	}
	if listed := run("list", "--all"); len(listed) != 1 {
		t.Errorf("%d of all", len(listed))
	}
	for want, args := range map[string][]string{
		"no matcher is given": {"add", "--comment", "c"}, `unknown label "modl"`: {"add", "--comment", "c", `modl="x"`},
		"no silence": {"expire", "sil-nothing"}, "at least one id": {"expire"},
	} {
		_, stderr, code := driftline(t, append([]string{"silence", args[0], "-config", config}, args[1:]...)...)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q; want %q", args, code, stderr, want)
		}
	}
}
