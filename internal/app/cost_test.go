package app_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

// BenchmarkEvaluationCost is what a window costs: its states merged in the
// store, read, and judged by the default set against a reference of 20,000
// rows, for a model of 1,000 features at one and at ten times the events; then
// the judging alone, on one core; then the cheapest thing that looks at every
// event. It prints a table with what was aimed for. The two windows take turns
// and the medians count, for such machines are never alone.
func BenchmarkEvaluationCost(b *testing.B) {
	const features, minutes, perMinute, rounds = 1000, 5, 2000, 11
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{embeddedtest.ClickHouse(b).Addr()}
	cfg.Retention = clickhouse.Retention{}
	db, err := clickhouse.Open(cfg)
	check(b, err)
	defer func() { _ = db.Close() }()
	check(b, db.Migrate(b.Context(), io.Discard))
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(b, err)
	defer ins.Close()

	rng := rand.New(rand.NewPCG(1, 1))
	var reference []schemas.Summary
	for f := range features {
		values := make([]float64, 20_000)
		for i := range values {
			values[i] = rng.NormFloat64()
		}
		reference = append(reference, detectors.SummarizeNumbers(fmt.Sprintf("f%04d", f), values))
	}
	span := schemas.Span{Start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)}
	ref := detectors.MakeReference(schemas.ModelKey{}, "training", "bench", reference)
	plans := map[int]*detectors.Plan{}
	for _, times := range []int{1, 10} {
		plan, err := detectors.NewPlan(detectors.DefaultConfig(), detectors.Model{Name: fmt.Sprint(times)})
		check(b, err)
		storeWide(b, db, ins, plan.Key.Model, features, minutes, perMinute*times, span.Start)
		plans[times] = plan
	}
	var summaries []schemas.WindowSummaries
	evaluate := func(times int) time.Duration {
		begin := time.Now()
		summaries, err = db.Summaries(b.Context(), plans[times].Key, span)
		check(b, err)
		if len(summaries) != 1 || summaries[0].Rows != uint64(minutes*perMinute*times) {
			b.Fatalf("%d versions", len(summaries))
		}
		detectors.EvaluateWindow(plans[times], &ref, summaries, span, span.End)
		return time.Since(begin)
	}
	took := map[int][]time.Duration{}
	b.Run("windows", func(b *testing.B) {
		for b.Loop() {
			took = map[int][]time.Duration{}
			for range rounds {
				for _, times := range []int{1, 10} {
					took[times] = append(took[times], evaluate(times))
				}
			}
		}
	})
	pure, updates := 0., 0.
	b.Run("pure", func(b *testing.B) {
		signals := 0
		for b.Loop() {
			signals = len(detectors.EvaluateWindow(plans[10], &ref, summaries, span, span.End))
		}
		pure = float64(signals*b.N) / b.Elapsed().Seconds()
		b.ReportMetric(pure, "evaluations/s")
	})
	adwin, err := sequential.New("adwin", nil)
	check(b, err)
	errorsOf := make([]float64, 4096)
	for i := range errorsOf {
		errorsOf[i] = float64(i % 5 / 4)
	}
	allocations := 0.
	b.Run("adwin", func(b *testing.B) {
		i := 0
		step := func() { adwin.Step(errorsOf[i&4095]); i++ }
		for range 1 << 20 { // a window of a million
			step()
		}
		for b.Loop() {
			step()
		}
		updates = float64(b.N) / b.Elapsed().Seconds()
		allocations = testing.AllocsPerRun(1<<16, step)
	})
	if len(took) == 0 || pure == 0 || updates == 0 {
		return // some were left out by -bench
	}
	one, ten := median(took[1]).Seconds(), median(took[10]).Seconds()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nCOST OF EVALUATION\tMEASURED\tAIM\n")
	fmt.Fprintf(t, "window of %d features, %d events\t%.3f s\t\n", features, minutes*perMinute, one)
	fmt.Fprintf(t, "the same, %d events\t%.3f s\t\n", 10*minutes*perMinute, ten)
	fmt.Fprintf(t, "ratio of the two\t%.2f\tat most 1.15\n", ten/one)
	fmt.Fprintf(t, "judging alone, a core\t%.0f evaluations/s\tat least 10000\n", pure)
	fmt.Fprintf(t, "ADWIN, a core\t%.1f M updates/s, %.0f allocations\tat least 5, 0\n", updates/1e6, allocations)
	_ = t.Flush()
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// storeWide stores the states of minutes of events with very many features.
func storeWide(b *testing.B, db *clickhouse.DB, ins *clickhouse.Inserter, model string, features, minutes, perMinute int, start time.Time) {
	b.Helper()
	rng := rand.New(rand.NewPCG(uint64(perMinute), 2))
	s := schemas.NewFeatureSchema(schemas.SchemaKey{Tenant: "default", Model: model, Version: "v1"})
	for f := range features {
		s = s.Extended(schemas.Numeric, fmt.Sprintf("f%04d", f))
	}
	check(b, db.PutFeatureSchema(b.Context(), s.Entries()))
	rows := make([]map[string]float64, 500)
	for i := range rows {
		rows[i] = map[string]float64{}
		for f := range features {
			rows[i][fmt.Sprintf("f%04d", f)] = rng.NormFloat64()
		}
	}
	for m := range minutes {
		var events []schemas.Event
		for range perMinute {
			events = append(events, schemas.Event{
				Model: model, Version: "v1", Time: start.Add(time.Duration(m) * time.Minute),
				Features: schemas.Features{Numeric: rows[rng.IntN(len(rows))]},
			})
		}
		blocks, err := ingest.NewBlocks(events)
		check(b, err)
		check(b, ins.Insert(b.Context(), blocks.States().Table, fmt.Sprint(model, m), blocks.States().Input))
	}
}
