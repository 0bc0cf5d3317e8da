package clickhouse_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// Production over several spans is what the rows in them give, from rows and
// from sketches alike; what lies between them is left out.
func TestProductionOfSeveralSpans(t *testing.T) {
	db, cfg := open(t)
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	key := schemas.ModelKey{Tenant: "default", Model: "m"}
	s := schemas.NewFeatureSchema(schemas.SchemaKey{Tenant: key.Tenant, Model: key.Model, Version: "v1"})
	check(t, db.PutFeatureSchema(t.Context(), s.Extended(schemas.Numeric, "x").Extended(schemas.Categorical, "c").Entries()))
	rng := rand.New(rand.NewPCG(3, 3))
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var numbers []float64
	var texts []string
	var spans []schemas.Span
	for i := range 5 {
		num, cat := make([][]float32, 300), make([][]string, 300)
		at := start.Add(time.Duration(i) * time.Hour)
		for j := range num {
			x, c := float32(rng.NormFloat64())+float32(i), string(rune('a'+rng.IntN(3)))
			num[j], cat[j] = []float32{.5, 1, x}, []string{"yes", c}
			if i != 2 {
				numbers, texts = append(numbers, float64(x)), append(texts, c)
			}
		}
		if i != 2 {
			spans = append(spans, schemas.Span{Start: at, End: at.Add(10 * time.Minute)})
		}
		insert(t, ins, at.String(), key.Model, at, num, cat)
	}
	got, err := db.Production(t.Context(), key, spans)
	check(t, err)
	if len(got) != 1 || got[0].Rows != 1200 || got[0].Span != (schemas.Span{Start: spans[0].Start, End: spans[3].End}) {
		t.Fatalf("%d versions of %d rows over %v", len(got), got[0].Rows, got[0].Span)
	}
	x, want := find(t, got[0].Features, "x"), detectors.SummarizeNumbers("x", numbers)
	if !reflect.DeepEqual(x.Points, want.Points) || x.Rows != want.Rows || x.Min != want.Min || x.Max != want.Max {
		t.Errorf("x is not what was counted: %d points of %d rows, want %d of %d", len(x.Points), x.Rows, len(want.Points), want.Rows)
	}
	if c := find(t, got[0].Features, "c"); !reflect.DeepEqual(c.Categories, detectors.SummarizeStrings("c", texts).Categories) {
		t.Errorf("categories %v", c.Categories)
	}
	clickhouse.SketchesOnly(t)
	sketched, err := db.Production(t.Context(), key, spans)
	check(t, err)
	ks, err := detectors.Lookup("ks")
	check(t, err)
	sx := find(t, sketched[0].Features, "x")
	if d := ks.Compare(&want, sx, detectors.DefaultParams()).Score; sx.Rows != 1200 || d > 0.01 {
		t.Errorf("KS of sketched and counted %.4f over %d rows", d, sx.Rows)
	}
	if none, err := db.Production(t.Context(), key, nil); err != nil || len(none) != 0 {
		t.Errorf("no spans give %v, %v", none, err)
	}
}

func TestReferencesRoundTrip(t *testing.T) {
	db, _ := open(t)
	ctx, at := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := schemas.ModelKey{Tenant: "t", Model: "m"}
	if none, err := db.Reference(ctx, key, "trailing", "abc"); none != nil || err != nil {
		t.Fatalf("a reference that is not there is %v, %v", none, err)
	}
	ref := schemas.Reference{
		ModelKey: key, Name: "trailing", Version: "abc", Kind: "trailing", ModelVersion: "v1", Source: "trailing", CreatedAt: at, Rows: 7,
		Spans:       []schemas.Span{{Start: at.Add(-time.Hour), End: at}},
		Features:    []schemas.Summary{{Feature: "x", Kind: schemas.Numeric, Rows: 7, Min: 0.1, Points: []schemas.Point{{Value: 0.1, Weight: 7}}}},
		Calibration: &schemas.Calibration{Window: "1h", Key: "k", From: at, To: at, Nulls: []schemas.Null{{Feature: "x", Shape: 1. / 3}}},
	}
	check(t, db.PutReference(ctx, &ref))
	back, err := db.Reference(ctx, key, "trailing", "abc")
	check(t, err)
	if !reflect.DeepEqual(*back, ref) {
		t.Errorf("stored %+v, read %+v", ref, *back)
	}
	resolved := at.Add(90 * time.Second)
	for _, i := range []schemas.Incident{
		{ID: "1", Revision: 1, Tenant: "t", Model: "m", State: schemas.IncidentOpen, Onset: at, OpenedAt: at, UpdatedAt: at},
		{ID: "1", Revision: 2, Tenant: "t", Model: "m", State: schemas.IncidentResolved, Onset: at, OpenedAt: at, UpdatedAt: at, ResolvedAt: &resolved},
		{ID: "2", Revision: 1, Tenant: "t", Model: "m", State: schemas.IncidentOpen, Onset: at.Add(time.Hour), OpenedAt: at, UpdatedAt: at},
		{ID: "4", Revision: 1, Tenant: "t", Model: "m", State: schemas.IncidentResolved, Onset: at.Add(-99 * time.Hour), OpenedAt: at, UpdatedAt: at, ResolvedAt: new(at.Add(-98 * time.Hour))},
		{ID: "5", Revision: 1, Tenant: "t", Model: "m", State: schemas.IncidentOpen, Onset: at.Add(2 * time.Hour), OpenedAt: at, UpdatedAt: at},
		{ID: "3", Revision: 1, Tenant: "t", Model: "other", State: schemas.IncidentOpen, Onset: at, OpenedAt: at, UpdatedAt: at},
	} {
		check(t, db.PutIncident(ctx, i))
	}
	check(t, db.PutAction(ctx, schemas.Action{ID: "a", Tenant: "t", Model: "m", IncidentID: "5", Kind: schemas.ActionFalsePositive, Time: at}))
	spans, err := db.IncidentSpans(ctx, key, at.Add(-time.Hour))
	check(t, err)
	if len(spans) != 2 || spans[0] != (schemas.Span{Start: at, End: at.Add(2 * time.Minute)}) || spans[1].Start != at.Add(time.Hour) || spans[1].End.Year() < 2100 {
		t.Errorf("incidents lasted %v", spans)
	}
	now := time.Now().UTC().Truncate(time.Hour)
	signal := schemas.Signal{WindowStart: now.Add(-time.Hour), WindowEnd: now, Tenant: "t", Model: "m", Detector: "ks", EvaluatedAt: now}
	silent := signal
	silent.WindowEnd, silent.Detector = now.Add(time.Hour), schemas.SilentPrefix+"silence"
	check(t, db.PutSignals(ctx, []schemas.Signal{signal, silent}))
	judged, err := db.LastJudged(ctx)
	check(t, err)
	if len(judged) != 1 || !judged[key].Equal(now) {
		t.Errorf("judged up to %v", judged)
	}
}
