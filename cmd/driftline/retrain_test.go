package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/alerting/retrain"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

func TestRetrain(t *testing.T) {
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.Retention = []string{embeddedtest.ClickHouse(t).Addr()}, clickhouse.Retention{}
	db, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context(), &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "driftline.yaml")
	text := fmt.Sprintf(`
kafka: {brokers: ["localhost:9092"]}
clickhouse: {addr: [%q]}
retraining:
  dataset: {path: %q}
  targets: [{name: pipeline, airflow: {url: https://airflow.example.com, dag: retrain, token: secret-token}}]
  models: [{name: credit, target: pipeline, approval: true}]
`, cfg.Addr[0], t.TempDir())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := schemas.ModelKey{Tenant: "default", Model: "credit"}
	put := func(id string, state schemas.RetrainingState, reason string, decided *time.Time) {
		r := schemas.Retraining{
			Tenant: key.Tenant, Model: key.Model, IncidentID: id, Revision: 1, State: state, Reason: reason, Detail: "because", Key: retrain.Key(key, id), Target: "pipeline", SeenAt: at, DecidedAt: decided, StateAt: at, UpdatedAt: at,
		}
		if err := db.PutRetraining(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	put("inc-1111111111111111", schemas.RetrainingAsked, "approval_wanted", nil)
	put("inc-2222222222222222", schemas.RetrainingRunning, "triggered", &at)

	out := invoke(t, 0, "retrain", "list", "-config", file)
	for _, word := range []string{"INCIDENT", "inc-1111111111111111", "approval_wanted", "running"} {
		if !strings.Contains(out, word) {
			t.Errorf("no %s in\n%s", word, out)
		}
	}
	var listed []schemas.Retraining
	if err := json.Unmarshal([]byte(invoke(t, 0, "retrain", "list", "-config", file, "-o", "json", "--state", "asked")), &listed); err != nil || len(listed) != 1 {
		t.Errorf("%v: %+v", err, listed)
	}

	invoke(t, 0, "retrain", "approve", "-config", file, "--by", "ops", "--comment", "go", "inc-1111111111111111")
	invoke(t, 0, "retrain", "deny", "-config", file, "inc-1111111111111111")
	if out := invoke(t, 1, "retrain", "approve", "-config", file, "inc-2222222222222222"); !strings.Contains(out, "nothing is left to say") {
		t.Error(out)
	}
	if out := invoke(t, 1, "retrain", "approve", "-config", file, "inc-3"); !strings.Contains(out, "no retraining was considered") {
		t.Error(out)
	}
	said, err := db.RetrainingInputs(t.Context())
	if err != nil || len(said) != 2 || said[0].Kind != schemas.RetrainingApproval || said[0].Actor != "ops" || said[0].Detail != "go" || said[1].Kind != schemas.RetrainingDenial || said[1].Actor == "" {
		t.Errorf("%v: %+v", err, said)
	}

	inc := schemas.Incident{ID: "inc-4444444444444444", Revision: 1, Tenant: key.Tenant, Model: key.Model, State: schemas.IncidentOpen, Onset: at, OpenedAt: at, UpdatedAt: at}
	if err := db.PutIncident(t.Context(), inc); err != nil {
		t.Fatal(err)
	}
	if out := invoke(t, 0, "retrain", "dry-run", "-config", file); !strings.Contains(out, "no_diagnosis") || !strings.Contains(out, "waiting") {
		t.Error(out)
	}
	all, err := db.Retrainings(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("a dry run left %d retrainings: %v", len(all), err)
	}
}

// invoke runs a command, whose exit code must be as wanted, and gives what it
// printed.
func invoke(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out strings.Builder
	if got := run(t.Context(), append([]string{"driftline"}, args...), &out, &out); got != code {
		t.Errorf("%v exits with %d, want %d:\n%s", args, got, code, &out)
	}
	if strings.Contains(out.String(), "secret-token") {
		t.Errorf("%v shows the token", args)
	}
	return out.String()
}
