package tables_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// noon is when all tenants are judged.
var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

// ago is a time before noon.
func ago(d time.Duration) time.Time { return noon.Add(-d) }

// labelAge in these tests, so that few days of records will do.
const labelAge = 2 * time.Hour

// world is everything that a tenant sent.
type world struct {
	events  []schemas.Event
	labels  []schemas.Label
	samples []schemas.Sample
	jobs    []schemas.JobEvent
	changes []schemas.Change
}

// healthy is a tenant with a model, its labels and GPUs, a job and a consumer,
// with which nothing is wrong.
func healthy(tenant string, rng *rand.Rand) *world {
	w := &world{}
	for week := range 5 {
		at, until := noon.AddDate(0, 0, -7*week).Add(-time.Hour), noon.AddDate(0, 0, -7*week).Add(time.Hour)
		if week == 0 {
			at, until = ago(silent.Trailing), noon.Add(silent.Bin)
		}
		for ; at.Before(until); at = at.Add(silent.Bin) {
			for i := range 60 + rng.IntN(10) {
				w.event(tenant, at.Add(time.Duration(i)*3*time.Second), i, rng)
			}
		}
	}
	for at := ago(4 * time.Hour); at.Before(noon.Add(3 * time.Minute)); at = at.Add(30 * time.Second) {
		for gpu := range 4 {
			for _, metric := range []string{"gpu_utilization_ratio", "gpu_temperature_celsius"} {
				w.samples = append(w.samples, schemas.Sample{Tenant: tenant, Time: at, Source: "dcgm", Metric: metric, Value: rng.Float64(), Node: "node", GPU: fmt.Sprint(gpu)})
			}
		}
	}
	for i := range 30 {
		w.offsets(tenant, ago(time.Duration(30-i)*time.Minute), 100*int64(i), 100*int64(i)+20)
	}
	for i := range 72 {
		w.run(tenant, fmt.Sprintf("run-%03d", i), ago(time.Duration(i)*20*time.Minute+4*time.Minute), 10*time.Minute+time.Duration(rng.IntN(60))*time.Second)
	}
	return w
}

// event adds an event of the model, and its label.
func (w *world) event(tenant string, at time.Time, i int, rng *rand.Rand) {
	score, latency := rng.Float64(), 20+10*rng.Float64()
	e := schemas.Event{
		Tenant: tenant, Model: "credit", Version: "v1", Time: at, RequestID: fmt.Sprintf("%s-%d", tenant, len(w.events)),
		Deployment: "credit-eu", Pod: fmt.Sprint("credit-eu-", i%4), Node: "node", GPU: fmt.Sprint("node/", i%4),
		Prediction: "no", Score: &score, LatencyMS: &latency,
		Features: schemas.Features{
			Numeric:     map[string]float64{"income": 3000 + 500*rng.NormFloat64(), "age": 40 + 10*rng.NormFloat64()},
			Categorical: map[string]string{"country": []string{"de", "fr"}[rng.IntN(2)]},
		},
	}
	if rng.IntN(3) == 0 {
		e.Prediction = "yes"
	}
	if rng.IntN(5) == 0 {
		delete(e.Features.Numeric, "age")
	}
	w.events = append(w.events, e)
	if known := at.Add(time.Duration(rng.IntN(60)) * time.Minute); rng.IntN(5) > 0 && at.After(ago(24*time.Hour)) && known.Before(noon.Add(3*time.Minute)) {
		w.labels = append(w.labels, schemas.Label{Tenant: tenant, Model: "credit", RequestID: e.RequestID, Time: known, Label: "no"})
	}
}

func (w *world) offsets(tenant string, at time.Time, committed, end int64) {
	labels := map[string]string{"consumergroup": "features", "topic": "orders", "partition": "0"}
	w.samples = append(w.samples,
		schemas.Sample{Tenant: tenant, Time: at, Source: "exporter", Metric: "kafka_consumergroup_current_offset", Value: float64(committed), Labels: labels},
		schemas.Sample{Tenant: tenant, Time: at, Source: "exporter", Metric: "kafka_topic_partition_current_offset", Value: float64(end), Labels: map[string]string{"topic": "orders", "partition": "0"}})
}

// run adds a run of the job that beats every minute, as far as noon.
func (w *world) run(tenant, id string, start time.Time, took time.Duration) {
	step := func(after time.Duration, state schemas.JobState) {
		if at := start.Add(after); at.Before(noon.Add(3 * time.Minute)) {
			w.jobs = append(w.jobs, schemas.JobEvent{
				Tenant: tenant, Job: "refresh", RunID: id, Time: at, State: state, Attempt: 1, Model: "credit", ItemsIn: 1000, ItemsOut: 1000, BytesOut: 50_000,
			})
		}
	}
	step(0, schemas.JobStarted)
	for after := time.Minute; after < took; after += time.Minute {
		step(after, schemas.JobHeartbeat)
	}
	step(took, schemas.JobSucceeded)
}

// store inserts everything, events with all that ingest makes of them.
func store(t testing.TB, db *clickhouse.DB, cfg clickhouse.Config, worlds []*world) {
	t.Helper()
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	var events []schemas.Event
	for _, w := range worlds {
		events = append(events, w.events...)
	}
	b, err := ingest.NewBlocks(events)
	check(t, err)
	for _, block := range []ingest.Block{b.Rows(), b.States()} {
		check(t, ins.Insert(t.Context(), block.Table, "world", block.Input))
	}
	for _, s := range b.Schemas() {
		check(t, db.PutFeatureSchema(t.Context(), s.Entries()))
	}
	put(t, db, "labels (tenant, model, request_id, timestamp, label)", worlds, func(w *world, add func(...any)) {
		for _, l := range w.labels {
			add(l.Tenant, l.Model, l.RequestID, l.Time, l.Label)
		}
	})
	put(t, db, "telemetry (tenant, timestamp, source, metric, value, node, gpu, labels)", worlds, func(w *world, add func(...any)) {
		for _, s := range w.samples {
			add(s.Tenant, s.Time, s.Source, s.Metric, s.Value, s.Node, s.GPU, s.Labels)
		}
	})
	put(t, db, "job_events (tenant, job, run_id, timestamp, state, attempt, model, items_in, items_out, bytes_out)", worlds, func(w *world, add func(...any)) {
		for _, j := range w.jobs {
			add(j.Tenant, j.Job, j.RunID, j.Time, string(j.State), j.Attempt, j.Model, j.ItemsIn, j.ItemsOut, j.BytesOut)
		}
	})
	put(t, db, "changes (tenant, id, timestamp, kind, entity, model)", worlds, func(w *world, add func(...any)) {
		for _, c := range w.changes {
			add(c.Tenant, c.ID, c.Time, string(c.Kind), c.Entity, c.Model)
		}
	})
}

func put(t testing.TB, db *clickhouse.DB, into string, worlds []*world, rows func(*world, func(...any))) {
	t.Helper()
	var batch driver.Batch
	batch, err := db.Conn().PrepareBatch(t.Context(), "INSERT INTO "+into)
	check(t, err)
	for _, w := range worlds {
		rows(w, func(v ...any) { check(t, batch.Append(v...)) })
	}
	check(t, batch.Send())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
