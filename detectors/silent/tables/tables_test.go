package tables_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/detectors/silent/tables"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// open migrates an empty embedded ClickHouse.
func open(t testing.TB) (*clickhouse.DB, clickhouse.Config) {
	t.Helper()
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{embeddedtest.ClickHouse(t).Addr()}
	cfg.Retention = clickhouse.Retention{} // the records are from another time
	db, err := clickhouse.Open(cfg)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(t.Context(), &strings.Builder{}))
	return db, cfg
}

// ear is a sink that keeps what it hears, by tenant.
type ear struct{ heard map[string][]schemas.Signal }

func (e *ear) Publish(_ context.Context, ev schemas.Evaluation) error {
	e.heard[ev.Tenant] = append(e.heard[ev.Tenant], ev.Signals...)
	return nil
}

// alarms that were heard of a tenant, as rule and subject, ascending and once.
func (e *ear) alarms(tenant string) (out []string) {
	for _, s := range e.heard[tenant] {
		if s.State == schemas.StateAlarm {
			out = append(out, strings.TrimPrefix(s.Detector, schemas.SilentPrefix)+" "+s.Feature)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// late changes the events of the judged time.
func late(w *world, change func(*schemas.Event)) {
	for i := range w.events {
		if e := &w.events[i]; !e.Time.Before(ago(15 * time.Minute)) {
			change(e)
		}
	}
}

// lateSteps changes the last steps of runs that ended in the last hour.
func lateSteps(w *world, change func(*schemas.JobEvent)) {
	for i := range w.jobs {
		if j := &w.jobs[i]; j.State == schemas.JobSucceeded && j.Time.After(ago(time.Hour)) {
			change(j)
		}
	}
}

func without[T any](in []T, drop func(T) bool) []T { return slices.DeleteFunc(in, drop) }

// faults by the tenant that has it, and exactly the alarms that follow.
var faults = map[string]struct {
	inject func(*world, *rand.Rand)
	alarms []string
}{
	"healthy": {func(*world, *rand.Rand) {}, nil},
	"job that stopped": {func(w *world, _ *rand.Rand) {
		w.jobs = without(w.jobs, func(j schemas.JobEvent) bool { return j.RunID < "run-006" })
	}, []string{"dead_man job/refresh"}},
	"run that hangs": {func(w *world, _ *rand.Rand) {
		w.jobs = without(w.jobs, func(j schemas.JobEvent) bool { return j.RunID == "run-001" && j.Time.After(ago(20*time.Minute)) })
	}, []string{"heartbeat job/refresh", "lost_runs job/refresh"}},
	"run without an end": {func(w *world, _ *rand.Rand) {
		w.run("run without an end", "endless", ago(5*time.Hour), 6*time.Hour)
	}, []string{"zombie job/refresh"}},
	"runs that vanish": {func(w *world, _ *rand.Rand) {
		w.jobs = without(w.jobs, func(j schemas.JobEvent) bool { return j.RunID == "run-040" && j.State != schemas.JobStarted })
	}, []string{"lost_runs job/refresh", "zombie job/refresh"}},
	"empty results": {func(w *world, _ *rand.Rand) {
		lateSteps(w, func(j *schemas.JobEvent) { j.ItemsIn, j.ItemsOut, j.BytesOut = 0, 0, 0 })
		for i := range w.jobs {
			if w.jobs[i].State != schemas.JobSucceeded {
				w.jobs[i].ItemsIn = 0
			}
		}
	}, []string{"empty_success job/refresh"}},
	"truncated results": {func(w *world, _ *rand.Rand) {
		lateSteps(w, func(j *schemas.JobEvent) { j.ItemsOut = 600 })
	}, []string{"truncated job/refresh"}},
	"retries": {func(w *world, _ *rand.Rand) {
		lateSteps(w, func(j *schemas.JobEvent) { j.Attempt = 3 })
	}, []string{"retry_masking job/refresh"}},
	"traffic that fell": {func(w *world, rng *rand.Rand) {
		w.events = without(w.events, func(e schemas.Event) bool { return !e.Time.Before(ago(15*time.Minute)) && rng.IntN(10) > 1 })
	}, []string{"throughput "}},
	"model that fell silent": {func(w *world, _ *rand.Rand) {
		w.events = without(w.events, func(e schemas.Event) bool { return !e.Time.Before(ago(30 * time.Minute)) })
	}, []string{"stale_model ", "throughput "}},
	"consumer that stands still": {func(w *world, _ *rand.Rand) {
		for i := range w.samples {
			if s := &w.samples[i]; s.Metric == "kafka_consumergroup_current_offset" && s.Time.After(ago(14*time.Minute)) {
				s.Value = 1500
			}
		}
	}, []string{"stuck_lag consumer/features/orders/0"}},
	"source that fell silent": {func(w *world, _ *rand.Rand) {
		w.samples = without(w.samples, func(s schemas.Sample) bool { return s.Source == "dcgm" && s.Time.After(ago(20*time.Minute)) })
	}, []string{"stale_source source/dcgm"}},
	"metric that vanished": {func(w *world, _ *rand.Rand) {
		w.samples = without(w.samples, func(s schemas.Sample) bool {
			return s.Metric == "gpu_utilization_ratio" && s.Time.After(ago(20*time.Minute))
		})
	}, []string{"telemetry_vanished source/dcgm"}},
	"feature without values": {func(w *world, _ *rand.Rand) {
		late(w, func(e *schemas.Event) { delete(e.Features.Numeric, "income") })
	}, []string{"null_rate income", "schema_drift ", "stale_feature income"}},
	"feature that is frozen": {func(w *world, _ *rand.Rand) {
		late(w, func(e *schemas.Event) { e.Features.Numeric["income"] = 2400 })
	}, []string{"frozen_feature income"}},
	"answers that are empty": {func(w *world, rng *rand.Rand) {
		late(w, func(e *schemas.Event) {
			if rng.IntN(2) == 0 {
				e.Prediction = ""
			}
		})
	}, []string{"null_rate _prediction"}},
	"other unit": {func(w *world, _ *rand.Rand) {
		late(w, func(e *schemas.Event) { e.Features.Numeric["income"] /= 1000 })
	}, []string{"unit_shift income"}},
	"other kind": {func(w *world, _ *rand.Rand) {
		late(w, func(e *schemas.Event) {
			e.Features.Categorical["age"] = "forty"
			delete(e.Features.Numeric, "age")
		})
	}, []string{"null_rate age", "schema_drift ", "stale_feature age"}},
	"one answer": {func(w *world, _ *rand.Rand) {
		late(w, func(e *schemas.Event) { e.Prediction = "no" })
	}, []string{"output_collapse _prediction"}},
	"requests twice": {func(w *world, rng *rand.Rand) {
		ids := []string{}
		late(w, func(e *schemas.Event) {
			if len(ids) > 20 && rng.IntN(5) == 0 {
				e.RequestID = ids[rng.IntN(len(ids))]
			}
			ids = append(ids, e.RequestID)
		})
	}, []string{"duplicates "}},
	"pod of another version": {func(w *world, _ *rand.Rand) {
		for i := range w.events {
			if e := &w.events[i]; e.Pod == "credit-eu-3" && e.Time.After(ago(2*time.Hour)) {
				e.Version = "v2"
			}
		}
	}, []string{"version_skew deployment/credit-eu"}},
	"rollout": {func(w *world, _ *rand.Rand) { // just begun: no alarm
		w.changes = append(w.changes, schemas.Change{Tenant: "rollout", ID: "d", Time: ago(10 * time.Minute), Kind: schemas.ChangeDeploy, Entity: "deployment/credit-eu", Model: "credit"})
		for i := range w.events {
			if e := &w.events[i]; e.Pod == "credit-eu-3" && e.Time.After(ago(2*time.Hour)) {
				e.Version = "v2"
			}
		}
	}, nil},
	"GPU that errs": {func(w *world, _ *rand.Rand) {
		late(w, func(e *schemas.Event) {
			if e.GPU == "node/2" {
				*e.Score += .6
			}
		})
	}, []string{"gpu_outlier gpu/node/2"}},
	"labels that stopped": {func(w *world, _ *rand.Rand) {
		w.labels = without(w.labels, func(l schemas.Label) bool { return l.Time.After(ago(90 * time.Minute)) })
	}, []string{"label_feed ", "label_join "}},
	"labels that do not join": {func(w *world, _ *rand.Rand) {
		for i := range w.labels {
			if l := &w.labels[i]; l.Time.After(ago(labelAge + 15*time.Minute)) {
				l.RequestID += "-x"
			}
		}
	}, []string{"label_join "}},
	"clock that is ahead": {func(w *world, _ *rand.Rand) {
		w.labels = append(w.labels, schemas.Label{Tenant: "clock that is ahead", Model: "credit", RequestID: "r", Time: noon.Add(time.Hour)})
	}, []string{"clock_ahead monitor/driftline"}},
}

// Each tenant has one fault in the tables of a real engine, and exactly that is
// found, although all of them are there at once. Then nothing comes any more,
// and that is found too.
func TestEachFaultIsFoundInTheTables(t *testing.T) {
	db, chcfg := open(t)
	var worlds []*world
	tenants := slices.Sorted(maps.Keys(faults))
	for i, tenant := range tenants {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		w := healthy(tenant, rng)
		faults[tenant].inject(w, rng)
		worlds = append(worlds, w)
	}
	store(t, db, chcfg, worlds)
	cfg := silent.DefaultConfig()
	cfg.LabelAge, cfg.Stall = labelAge, 0 // silent streams are judged at once
	cfg.Params = map[string]silent.Params{"gpu_outlier": {"min_rows": 40}, "label_join": {"min_rows": 50}}
	e := &ear{map[string][]schemas.Signal{}}
	r := silent.NewRunner(cfg, tables.New(db.Conn()), e)
	wall := noon.Add(cfg.Lateness)
	check(t, r.Round(t.Context(), wall))
	found := map[string]bool{}
	for _, tenant := range tenants {
		got := e.alarms(tenant)
		if !slices.Equal(got, faults[tenant].alarms) {
			t.Errorf("%s: alarms %q, want %q", tenant, got, faults[tenant].alarms)
			for _, s := range e.heard[tenant] {
				if s.State == schemas.StateAlarm || slices.ContainsFunc(faults[tenant].alarms, func(a string) bool { return strings.HasPrefix(a, strings.TrimPrefix(s.Detector, "silent_")+" ") }) {
					t.Logf("  %s %q: %s, %s", s.Detector, s.Feature, s.State, s.Reason)
				}
			}
		}
		for _, a := range got {
			found[strings.Fields(a)[0]] = true
		}
	}
	t.Logf("%d signals of %d tenants, %+v", r.Stats().Signals, len(tenants), r.Stats())

	quiet := &ear{map[string][]schemas.Signal{}}
	cfg.Disable = slices.DeleteFunc(silent.Names(), func(name string) bool { return name == "monitor_blind" })
	r = silent.NewRunner(cfg, tables.New(db.Conn()), quiet)
	check(t, r.Round(t.Context(), wall))
	check(t, r.Round(t.Context(), wall.Add(25*time.Minute)))
	if got := quiet.alarms("healthy"); !slices.Equal(got, []string{"monitor_blind monitor/driftline"}) {
		t.Errorf("25 minutes without a record: alarms %q", got)
	}
	found["monitor_blind"] = true
	for _, name := range silent.Names() {
		if !found[name] {
			t.Errorf("no fault in the tables shows that %s alarms", name)
		}
	}
}

// Without a row in any table there is nobody to judge, and that is no error.
func TestEmptyTables(t *testing.T) {
	db, _ := open(t)
	e := &ear{map[string][]schemas.Signal{}}
	r := silent.NewRunner(silent.DefaultConfig(), tables.New(db.Conn()), e)
	check(t, r.Round(t.Context(), noon))
	if len(e.heard) != 0 {
		t.Errorf("%v", e.heard)
	}
	s, err := tables.New(db.Conn()).Snapshot(t.Context(), silent.Question{Config: silent.DefaultConfig(), Tenant: "nobody", Now: noon, Needs: []silent.Input{
		silent.Jobs, silent.Counts, silent.Requests, silent.Blocks, silent.Classes, silent.IDs, silent.Labels, silent.Joins, silent.Replicas, silent.GPUs, silent.Feeds, silent.Consumers,
	}})
	check(t, err)
	if text := fmt.Sprintf("%d %d %d %d", len(s.Jobs), len(s.Models), len(s.Feeds), len(s.Consumers)); text != "0 0 0 0" {
		t.Errorf("a tenant that is not there has %s", text)
	}
}
