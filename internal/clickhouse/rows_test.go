package clickhouse_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// A sample is bounded, the same each time, from all over the window, and has
// its columns by name; of a window that is small enough it is every row.
func TestRowsAreASample(t *testing.T) {
	db, cfg := open(t)
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const minutes, perMinute = 20, 1500
	store := func(model string, every time.Duration) { // the rows of a minute come one in so long
		var events []schemas.Event
		for k := range minutes * perMinute {
			score := .25
			e := schemas.Event{Model: model, Version: "v1", Score: &score, Time: start.Add(time.Duration(k/perMinute)*time.Minute + time.Duration(k%perMinute)*every)}
			if k%10 > 0 {
				e.Features.Numeric = map[string]float64{"x": float64(k)}
			}
			events = append(events, e)
		}
		b, err := ingest.NewBlocks(events)
		check(t, err)
		for _, block := range []ingest.Block{b.Rows(), b.States()} {
			check(t, ins.Insert(t.Context(), block.Table, model, block.Input))
		}
		s := schemas.NewFeatureSchema(schemas.SchemaKey{Tenant: "default", Model: model, Version: "v1"}).Extended(schemas.Numeric, "x")
		check(t, db.PutFeatureSchema(t.Context(), s.Entries()))
	}
	store("m", 40*time.Millisecond)
	store("bursts", time.Millisecond)
	key := schemas.ModelKey{Tenant: "default", Model: "m"}
	span := schemas.Span{Start: start, End: start.Add(minutes * time.Minute)}
	read := func(version string, span schemas.Span, total uint64, limit int) [][]float64 {
		t.Helper()
		rows, err := db.Rows(t.Context(), key, version, span, total, []string{"x", schemas.FeatureScore, "unheard_of"}, limit)
		check(t, err)
		return rows
	}
	for _, limit := range []int{200, 1000, 5000} {
		rows := read("v1", span, minutes*perMinute, limit)
		if len(rows) > limit || len(rows) < limit*3/4 {
			t.Errorf("%d rows, want at most %d and not far from it", len(rows), limit)
		}
		if !reflect.DeepEqual(fmt.Sprint(read("v1", span, minutes*perMinute, limit)), fmt.Sprint(rows)) {
			t.Errorf("limit %d: another sample of the same rows", limit)
		}
		quarters, missing := [4]int{}, 0
		for _, r := range rows {
			if r[1] != .25 || !math.IsNaN(r[2]) {
				t.Fatalf("row %v", r)
			}
			if math.IsNaN(r[0]) {
				missing++
			} else {
				quarters[int(r[0])*4/(minutes*perMinute)]++
			}
		}
		for _, n := range quarters {
			if n < limit/8 {
				t.Errorf("limit %d: rows by quarter of the window %v", limit, quarters)
			}
		}
		if missing < limit/25 || missing > limit/5 {
			t.Errorf("limit %d: %d rows without a value, a tenth of all has none", limit, missing)
		}
	}
	minute := schemas.Span{Start: start.Add(time.Minute), End: start.Add(2 * time.Minute)}
	seen := map[float64]bool{}
	for _, r := range read("v1", minute, perMinute, perMinute) {
		if !math.IsNaN(r[0]) {
			seen[r[0]] = true
		}
	}
	if len(seen) != perMinute*9/10 || seen[0] || !seen[perMinute+1] {
		t.Errorf("%d different values of one minute", len(seen))
	}
	bursts, err := db.Rows(t.Context(), schemas.ModelKey{Tenant: "default", Model: "bursts"}, "v1", span, minutes*perMinute, []string{"x"}, 200)
	check(t, err)
	if len(bursts) < 100 || len(bursts) > 200 {
		t.Errorf("%d rows of bursts", len(bursts))
	}
	if rows := read("v2", span, 100, 100); len(rows) != 0 {
		t.Errorf("%d rows of a version that there is not", len(rows))
	}
}
