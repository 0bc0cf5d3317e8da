package clickhouse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// open migrates an empty embedded ClickHouse.
func open(t testing.TB, edits ...func(*clickhouse.Config)) (*clickhouse.DB, clickhouse.Config) {
	t.Helper()
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{embeddedtest.ClickHouse(t).Addr()}
	cfg.Retention = clickhouse.Retention{}
	for _, edit := range edits {
		edit(&cfg)
	}
	db, err := clickhouse.Open(cfg)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(t.Context(), &strings.Builder{}))
	return db, cfg
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	db, cfg := open(t)
	check(t, db.CheckSchema(t.Context()))
	var again strings.Builder
	check(t, db.Migrate(t.Context(), &again))
	steps, err := ddl.Migrations(ddl.Form{})
	check(t, err)
	if got := strings.Count(again.String(), "applied before"); got != len(steps) || strings.Count(again.String(), "\n") != len(steps) {
		t.Fatalf("second run of %d migrations printed:\n%s", len(steps), &again)
	}

	cfg.Retention.Raw = 48 * time.Hour
	short, err := clickhouse.Open(cfg)
	check(t, err)
	defer func() { _ = short.Close() }()
	again.Reset()
	check(t, short.Migrate(t.Context(), &again))
	if got := strings.Count(again.String(), "retention 48h0m0s"); got != 4 {
		t.Fatalf("changing the retention printed:\n%s", &again)
	}
	again.Reset()
	check(t, short.Migrate(t.Context(), &again))
	if strings.Contains(again.String(), "retention") {
		t.Fatalf("the same retention again printed:\n%s", &again)
	}
	check(t, db.Conn().Exec(t.Context(), "ALTER TABLE schema_migrations UPDATE checksum = 'edited' WHERE id = '0001_records' SETTINGS mutations_sync = 2"))
	if err := db.Migrate(t.Context(), &again); err == nil || !strings.Contains(err.Error(), "an applied migration is never edited") {
		t.Fatalf("an edited migration gives %v", err)
	}
}

// insert stores events of one numeric and one categorical feature, with all
// that follows from them, under a token. num and cat hold what is in the
// columns: score, latency and x; prediction and c.
func insert(t testing.TB, ins *clickhouse.Inserter, token, model string, at time.Time, num [][]float32, cat [][]string) {
	t.Helper()
	var events []schemas.Event
	for i := range num {
		score, latency, x := float64(num[i][0]), float64(num[i][1]), float64(num[i][2])
		events = append(events, schemas.Event{
			Model: model, Version: "v1", Time: at.Add(time.Duration(i%60_000) * time.Millisecond), Score: &score, LatencyMS: &latency, Prediction: cat[i][0],
			Features: schemas.Features{Numeric: map[string]float64{"x": x}, Categorical: map[string]string{"c": cat[i][1]}},
		})
	}
	b, err := ingest.NewBlocks(events)
	check(t, err)
	for _, block := range []ingest.Block{b.Rows(), b.States()} {
		check(t, ins.Insert(t.Context(), block.Table, token, block.Input))
	}
}

// Merged sketches give the distribution function within 0.01 of the exact one,
// for smooth, heavy-tailed and lumpy data, also from many small states.
func TestSummariesAreCloseToExact(t *testing.T) {
	clickhouse.SketchesOnly(t)
	db, cfg := open(t)
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	nan := math.NaN()
	shapes := map[string]func() float64{
		"normal":    rng.NormFloat64,
		"lognormal": func() float64 { return math.Exp(2 * rng.NormFloat64()) },
		"coin":      func() float64 { return float64(rng.IntN(2)) },
		"dice":      func() float64 { return float64(1 + rng.IntN(6)) },
		"terms":     func() float64 { return float64(12 * (1 + rng.IntN(5))) },
		"quarters":  func() float64 { return .25 * float64(rng.IntN(5)) },
		"age":       func() float64 { return math.Round(min(90, max(18, 40+12*rng.NormFloat64()))) },
		"outlier": func() float64 { // a few rows far beyond atoms
			if rng.IntN(10_000) == 0 {
				return 1000
			}
			return .5 * float64(rng.IntN(3))
		},
		"zeros": func() float64 {
			if rng.IntN(10) > 0 {
				return 0
			}
			return rng.ExpFloat64()
		},
		"offset": func() float64 { return 1e5 + rng.NormFloat64() }, // at 1e6 a Float32 has 84 values left, and the digest is off by 0.0104
		"holes": func() float64 {
			if rng.IntN(3) == 0 {
				return nan
			}
			return rng.Float64()
		},
	}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, draw := range shapes {
		for _, minutes := range []int{1, 30} {
			const rows = 30_000
			model := fmt.Sprint(name, minutes)
			var exact []float64
			for m := range minutes {
				var num [][]float32
				var cat [][]string
				for range rows / minutes {
					v := float32(draw())
					num = append(num, []float32{.5, float32(nan), v})
					cat = append(cat, []string{"yes", []string{"a", "b", ""}[rng.IntN(3)]})
					if !math.IsNaN(float64(v)) {
						exact = append(exact, float64(v))
					}
				}
				insert(t, ins, fmt.Sprint(model, m), model, start.Add(time.Duration(m)*time.Minute), num, cat)
			}
			key := schemas.ModelKey{Tenant: "default", Model: model}
			sk := schemas.SchemaKey{Tenant: "default", Model: model, Version: "v1"}
			s := schemas.NewFeatureSchema(sk).Extended(schemas.Numeric, "x").Extended(schemas.Categorical, "c")
			check(t, db.PutFeatureSchema(t.Context(), s.Entries()))
			got, err := db.Summaries(t.Context(), key, schemas.Span{Start: start, End: start.Add(time.Hour)})
			check(t, err)
			if len(got) != 1 || got[0].Rows != rows || len(got[0].Features) != 5 {
				t.Fatalf("%s: %+v", model, got)
			}
			x := find(t, got[0].Features, "x")
			if int(x.Present()) != len(exact) || x.Min != slices.Min(exact) || x.Max != slices.Max(exact) {
				t.Errorf("%s: present %d of %d, min %g, max %g", model, x.Present(), len(exact), x.Min, x.Max)
			}
			mean, variance := moments(exact)
			if math.Abs(x.Mean-mean) > 1e-6*(1+math.Abs(mean)) || math.Abs(x.Variance-variance) > 0.03*variance {
				t.Errorf("%s: mean %g want %g, variance %g want %g", model, x.Mean, mean, x.Variance, variance)
			}
			if d := distance(x.Points, exact); d > 0.01 {
				t.Errorf("%s: sketch is %.4f away from the exact distribution; %d points %.12v", model, d, len(x.Points), x.Points[:min(12, len(x.Points))])
			} else {
				t.Logf("%-12s distance %.4f, %d points", model, d, len(x.Points))
			}
			// What matters in the end: detectors take a sketch of the same rows for no change.
			whole := detectors.SummarizeNumbers("x", exact)
			for _, name := range []string{"psi", "js", "ks", "wasserstein"} {
				d, err := detectors.Lookup(name)
				check(t, err)
				if r := d.Compare(&whole, x, detectors.DefaultParams()); r.Score > d.Threshold/2 {
					t.Errorf("%s: %s of a sketch against its own rows is %.4f, threshold %g", model, name, r.Score, d.Threshold)
				}
			}
			c := find(t, got[0].Features, "c")
			if len(c.Categories) != 2 || c.Rows != rows || c.Missing != rows-c.Categories[0].Count-c.Categories[1].Count {
				t.Errorf("%s: categories %+v", model, c)
			}
			if l := find(t, got[0].Features, schemas.FeatureLatency); l.Missing != rows || len(l.Points) != 0 {
				t.Errorf("%s: a feature without values has %+v", model, l)
			}
		}
	}
}

func find(t testing.TB, all []schemas.Summary, feature string) *schemas.Summary {
	t.Helper()
	i := slices.IndexFunc(all, func(s schemas.Summary) bool { return s.Feature == feature })
	if i < 0 {
		t.Fatalf("no feature %s", feature)
	}
	return &all[i]
}

func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, variance
}

// distance is the largest gap between two distribution functions.
func distance(points []schemas.Point, exact []float64) (d float64) {
	slices.Sort(exact)
	n, total := float64(len(exact)), 0.
	for _, p := range points {
		total += p.Weight
	}
	at := func(v float64) float64 { // share of points up to v
		w := 0.
		for _, p := range points {
			if p.Value > v {
				break
			}
			w += p.Weight
		}
		return w / total
	}
	for i, v := range exact {
		if i+1 < len(exact) && exact[i+1] == v {
			continue
		}
		d = max(d, math.Abs(float64(i+1)/n-at(v)))
	}
	return d
}

// A block that is inserted again under its token counts once everywhere, also
// when the first try stopped between the rows and the views.
func TestInsertAgainCountsOnce(t *testing.T) {
	db, cfg := open(t)
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	for range 3 {
		insert(t, ins, "token", "m", time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC), slices.Repeat([][]float32{{1, 2, 3}}, 2500), slices.Repeat([][]string{{"p", "c"}}, 2500))
	}
	var raw, sketched, counted uint64
	check(t, db.Conn().QueryRow(t.Context(), "SELECT count() FROM inference_events").Scan(&raw))
	check(t, db.Conn().QueryRow(t.Context(), "SELECT sum(rows) FROM feature_sketches_1m").Scan(&sketched))
	check(t, db.Conn().QueryRow(t.Context(), "SELECT sum(rows) FROM category_counts_1m").Scan(&counted))
	if raw != 2500 || sketched != 2500 || counted != 2*2500 {
		t.Fatalf("raw %d, sketched %d, counted %d; want 2500, 2500, 5000", raw, sketched, counted)
	}
}

func TestInsertRefusedForGood(t *testing.T) {
	_, cfg := open(t)
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = ins.Insert(ctx, "no_such_table", "token", proto.Input{{Name: "a", Data: &proto.ColInt8{1}}})
	if err == nil || !strings.Contains(err.Error(), "after 1 tries") {
		t.Fatal("a table that does not exist is tried again: ", err)
	}
}

func TestFindingsRoundTrip(t *testing.T) {
	db, _ := open(t)
	ctx, at := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	inc := schemas.Incident{
		ID: "inc-1", Revision: 1, Tenant: "default", Model: "credit", State: schemas.IncidentOpen, Severity: schemas.SeverityWarning,
		Title: "t", Summary: "s", Onset: at, OpenedAt: at, UpdatedAt: at, Versions: []string{"v1"}, Features: []string{"income"},
		Signals: []schemas.Signal{{Model: "credit", Detector: "ks", Score: .4, WindowStart: at, WindowEnd: at}},
	}
	check(t, db.PutIncident(ctx, inc))
	inc.Revision, inc.Title = 2, "newer"
	check(t, db.PutIncident(ctx, inc))
	got, err := db.Incidents(ctx, schemas.IncidentOpen)
	check(t, err)
	if len(got) != 1 || got[0].Title != "newer" || got[0].Signals[0].Score != .4 || got[0].ResolvedAt != nil || !got[0].Onset.Equal(at) {
		t.Fatalf("%+v", got)
	}
	for _, n := range []schemas.Notification{
		{Time: at, IncidentID: "inc-1", Revision: 3, Receiver: "r", Status: schemas.NotificationPending},
		{Time: at, IncidentID: "inc-1", Revision: 1, Receiver: "r", Status: schemas.NotificationDelivered},
	} {
		check(t, db.Append(ctx, n))
	}
	if rev, err := db.Delivered(ctx, "inc-1", "r"); err != nil || rev != 1 {
		t.Fatal(rev, err)
	}
	ref := schemas.Reference{ModelKey: inc.ModelKey(), Name: "training", Version: "abc", CreatedAt: at, Features: []schemas.Summary{{Feature: "x"}}}
	check(t, db.PutReference(ctx, &ref))
	check(t, db.PutReference(ctx, &ref))
	calibrated := ref
	calibrated.CreatedAt = at.Add(time.Second)
	calibrated.Calibration = &schemas.Calibration{Window: "1h", Windows: 7, Nulls: []schemas.Null{{Feature: "x", Detector: "ks", Windows: 7}}}
	check(t, db.PutReference(ctx, &calibrated))
	calibrated.CreatedAt = at.Add(time.Minute) // stored already
	check(t, db.PutReference(ctx, &calibrated))
	var stored uint64
	var text string
	var created time.Time
	check(t, db.Conn().QueryRow(ctx, "SELECT count(), any(calibration), any(created_at) FROM `references` FINAL").Scan(&stored, &text, &created))
	var back schemas.Calibration
	check(t, json.Unmarshal([]byte(text), &back))
	if stored != 1 || !created.Equal(at.Add(time.Second)) || !reflect.DeepEqual(&back, calibrated.Calibration) {
		t.Fatal("the calibration that was stored is another one: ", stored, created, text)
	}
	sig := inc.Signals[0]
	check(t, db.PutSignals(ctx, []schemas.Signal{sig}))
	sig.Score, sig.EvaluatedAt = .5, at
	check(t, db.PutSignals(ctx, []schemas.Signal{sig}))
	var n uint64
	var score float64
	check(t, db.Conn().QueryRow(ctx, "SELECT count(), max(score) FROM signals FINAL").Scan(&n, &score))
	if n != 1 || score != .5 {
		t.Fatal("a newer evaluation does not replace the older one: ", n, score)
	}
}

func TestAlertingRoundTrip(t *testing.T) {
	db, _ := open(t)
	ctx, at := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	silence := schemas.Silence{ID: "s1", Tenant: "t", Matchers: []string{`model="credit"`}, StartsAt: at, EndsAt: at.Add(time.Hour), Author: "a", Comment: "c", UpdatedAt: at}
	later := silence
	later.ID, later.EndsAt = "s2", at.Add(2*time.Hour)
	for _, s := range []schemas.Silence{silence, later} {
		check(t, db.PutSilence(ctx, s))
	}
	got, err := db.Silences(ctx, at)
	check(t, err)
	if len(got) != 2 || !reflect.DeepEqual(got[0], silence) {
		t.Fatalf("%+v", got)
	}
	silence.EndsAt, silence.UpdatedAt = at.Add(time.Minute), at.Add(time.Minute) // expired
	check(t, db.PutSilence(ctx, silence))
	got, err = db.Silences(ctx, at.Add(time.Minute))
	check(t, err)
	if len(got) != 1 || got[0].ID != "s2" {
		t.Fatalf("%+v", got)
	}

	inc := schemas.Incident{ID: "open", Revision: 2, Tenant: "t", Model: "m", State: schemas.IncidentOpen, Onset: at, OpenedAt: at, UpdatedAt: at, Versions: []string{}, Features: []string{}}
	over, behind := inc, inc
	over.ID, over.State, over.ResolvedAt = "over", schemas.IncidentResolved, &at
	behind.ID, behind.State, behind.ResolvedAt, behind.Revision = "behind", schemas.IncidentResolved, &at, 3
	for _, i := range []schemas.Incident{inc, over, behind} {
		check(t, db.PutIncident(ctx, i))
	}
	row := func(id string, revision uint64, s schemas.NotificationStatus, minute int) schemas.Notification {
		return schemas.Notification{Time: at.Add(time.Duration(minute) * time.Minute), Tenant: "t", IncidentID: id, Revision: revision, Receiver: "r", Status: s}
	}
	check(t, db.Append(ctx,
		row("open", 2, schemas.NotificationQueued, 0), row("open", 2, schemas.NotificationDelivered, 1),
		row("over", 2, schemas.NotificationQueued, 0), row("over", 2, schemas.NotificationDropped, 1),
		row("behind", 1, schemas.NotificationDelivered, 0), row("behind", 3, schemas.NotificationQueued, 2), row("behind", 3, schemas.NotificationSuppressed, 3)))
	check(t, db.Append(ctx))
	standings, err := db.Standings(ctx)
	check(t, err)
	want := []clickhouse.Standing{
		{IncidentID: "behind", Receiver: "r", Queued: 3, Settled: 1, Told: 1, QueuedAt: at.Add(2 * time.Minute), ToldAt: at},
		{IncidentID: "open", Receiver: "r", Queued: 2, Settled: 2, Told: 2, QueuedAt: at, ToldAt: at.Add(time.Minute)},
	}
	if !reflect.DeepEqual(standings, want) {
		t.Errorf("got %+v\nwant %+v", standings, want)
	}
	standing, err := db.StandingIncidents(ctx)
	check(t, err)
	if len(standing) != 2 || standing[0].ID != "behind" || standing[1].ID != "open" {
		t.Errorf("%+v", standing)
	}
}

// A window is bad when some detector alarmed; those without a verdict, silent
// failures, and what is older than asked for are left out.
func TestVerdicts(t *testing.T) {
	db, _ := open(t)
	ctx, at := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	signal := func(minute int, detector string, s schemas.State) schemas.Signal {
		end := at.Add(time.Duration(minute) * time.Minute)
		return schemas.Signal{Tenant: "t", Model: "m", Feature: detector, Detector: detector, WindowStart: end.Add(-time.Minute), WindowEnd: end, State: s, EvaluatedAt: at}
	}
	check(t, db.PutSignals(ctx, []schemas.Signal{
		signal(1, "ks", schemas.StateAlarm), signal(50, "ks", schemas.StateOK), signal(50, "psi", schemas.StateAlarm), signal(55, "ks", schemas.StateOK),
		signal(56, "ks", schemas.StateNoData), signal(60, "ks", schemas.StateOK), signal(61, "silent_heartbeat", schemas.StateAlarm),
	}))
	got, err := db.Verdicts(ctx, 30*time.Minute, at.Add(-time.Hour))
	check(t, err)
	key := schemas.ModelKey{Tenant: "t", Model: "m"}
	want := []schemas.WindowVerdict{{ModelKey: key, End: at.Add(50 * time.Minute), Bad: true}, {ModelKey: key, End: at.Add(55 * time.Minute), Bad: false}, {ModelKey: key, End: at.Add(60 * time.Minute), Bad: false}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	got, err = db.Verdicts(ctx, 30*time.Minute, at.Add(time.Hour))
	check(t, err)
	if len(got) != 0 {
		t.Errorf("a model that was not evaluated lately: %+v", got)
	}
}
