package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// throttled is a model on four pods with a GPU each. From 13:38 on one GPU is
// too hot, and two minutes later its pod is slow.
func throttled(t *testing.T) (edges, telemetry string) {
	t.Helper()
	var e, s strings.Builder
	e.WriteString("source,target\nmodel/credit,deployment/credit\n")
	for p := range 4 {
		fmt.Fprintf(&e, "deployment/credit,pod/credit-%d\npod/credit-%d,gpu/n%d/%d\npod/credit-%d,node/n%d\n", p, p, p/2, p%2, p, p/2)
	}
	s.WriteString("timestamp,entity,metric,value\n")
	rng := rand.New(rand.NewPCG(1, 1))
	put := func(at time.Time, entity, metric string, v float64) {
		fmt.Fprintf(&s, "%s,%s,%s,%.4f\n", at.Format(time.RFC3339), entity, metric, v)
	}
	for m := range 120 {
		at := time.Date(2026, 3, 1, 12, m, 0, 0, time.UTC)
		total := 0.
		for p := range 4 {
			seconds, degrees := 0.02*(1+0.03*rng.NormFloat64()), 60+rng.NormFloat64()
			if p == 2 && m >= 100 {
				seconds += 0.06
			}
			if p == 2 && m >= 98 {
				degrees += 25
			}
			total += seconds
			put(at, fmt.Sprintf("pod/credit-%d", p), "request_latency_seconds", seconds)
			put(at, fmt.Sprintf("pod/credit-%d", p), "request_rate", 25)
			put(at, fmt.Sprintf("gpu/n%d/%d", p/2, p%2), "gpu_temperature_celsius", degrees)
		}
		put(at, "model/credit", "request_latency_seconds", total/4)
		put(at, "model/credit", "request_rate", 100)
	}
	return writeFile(t, "edges.csv", e.String()), writeFile(t, "telemetry.csv", s.String())
}

// What the manual shows is what is printed.
func TestExplain(t *testing.T) {
	edges, telemetry := throttled(t)
	args := []string{"explain", "--edges", edges, "--telemetry", telemetry, "--symptom", "model/credit/request_latency_seconds", "--at", "2026-03-01T13:41:00Z"}
	stdout, stderr, code := driftline(t, args...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	golden(t, "explain.txt", stdout)
	manual, err := os.ReadFile("../../docs/causes.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), stdout) {
		t.Error("docs/causes.md shows something else")
	}
	stdout, _, code = driftline(t, append(args, "--json")...)
	var d schemas.Diagnosis
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || code != 0 {
		t.Fatalf("exit %d: %v", code, err)
	}
	if len(d.Causes) == 0 || d.Causes[0].Entity != "gpu/n1/0" || d.Retrain {
		t.Errorf("%+v", d)
	}
}

func TestExplainRefuses(t *testing.T) {
	edges, telemetry := throttled(t)
	for _, c := range []struct{ edges, symptom, at, says string }{
		{edges, "model/credit/request_latency_seconds", "yesterday", "--at"},
		{edges, "model/credit/joy", "2026-03-01T13:41:00Z", "model/credit/joy"},
		{telemetry, "model/credit/request_latency_seconds", "2026-03-01T13:41:00Z", "source"},
		{edges + ".not", "model/credit/request_latency_seconds", "2026-03-01T13:41:00Z", "no such file"},
	} {
		_, stderr, code := driftline(t, "explain", "--edges", c.edges, "--telemetry", telemetry, "--symptom", c.symptom, "--at", c.at)
		if code == 0 || !strings.Contains(stderr, c.says) {
			t.Errorf("%s at %s: exit %d, %s", c.symptom, c.at, code, stderr)
		}
	}
}
