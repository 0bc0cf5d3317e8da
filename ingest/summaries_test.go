package ingest_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// What ingest sums up is what ClickHouse makes of the same rows: counts and
// extremes exactly, sums up to rounding, quantiles within what two digests may
// differ by. The plain SQL is the oracle of the fast path.
func TestSummariesAreThoseOfClickHouse(t *testing.T) {
	r := newRig(t, fake)
	ins, err := clickhouse.NewInserter(r.store, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	rng := rand.New(rand.NewPCG(4, 4))
	for part := range 3 { // states of several batches meet in one minute
		var events []schemas.Event
		for range 20_000 {
			events = append(events, mixedEvent(rng))
		}
		b, err := ingest.NewBlocks(events)
		check(t, err)
		for _, block := range []ingest.Block{b.Rows(), b.States()} {
			check(t, ins.Insert(t.Context(), block.Table, fmt.Sprint(part), block.Input))
		}
	}
	for _, sql := range []string{
		"CREATE TABLE ours_feature_sketches_1m AS feature_sketches_1m",
		"INSERT INTO ours_feature_sketches_1m SELECT * FROM feature_sketches_1m",
		"CREATE TABLE ours_category_counts_1m ENGINE = Memory AS SELECT * FROM category_counts_1m",
		"TRUNCATE TABLE feature_sketches_1m",
		ddl.Rebuild(ddl.Form{}, "1"),
	} {
		check(t, r.db.Conn().Exec(t.Context(), sql))
	}
	exact := `SELECT toString((tenant, model, version, segment, minute, sum(rows), sumForEachMerge(present), sumForEachMerge(integers), minForEachMerge(minima), maxForEachMerge(maxima),
		arrayMap(x -> round(x, 3), sumForEachMerge(sums)), arrayMap(x -> round(x / 1000), sumForEachMerge(squares)))) AS v FROM %sfeature_sketches_1m GROUP BY tenant, model, version, segment, minute ORDER BY v`
	counts := `SELECT toString((tenant, model, version, segment, minute, position, value, sum(rows))) AS v FROM %scategory_counts_1m GROUP BY tenant, model, version, segment, minute, position, value ORDER BY v`
	for _, sql := range []string{exact, counts} {
		ours, theirs := r.lines(fmt.Sprintf(sql, "ours_")), r.lines(fmt.Sprintf(sql, ""))
		if len(ours) < 10 || strings.Join(ours, "\n") != strings.Join(theirs, "\n") {
			for i := range min(len(ours), len(theirs)) {
				if ours[i] != theirs[i] {
					t.Fatalf("%d and %d lines; first difference\n%s\n%s", len(ours), len(theirs), ours[i], theirs[i])
				}
			}
			t.Fatalf("%d lines, want %d", len(ours), len(theirs))
		}
	}
	r.compareQuantiles()
}

// mixedEvent has a smooth, a heavy-tailed, a discrete and a mostly missing
// feature, in two models, three minutes and two segments.
func mixedEvent(rng *rand.Rand) schemas.Event {
	score := rng.Float64()
	e := schemas.Event{
		Model: []string{"a", "b"}[rng.IntN(2)], Version: "v1", Segment: []string{"", "eu"}[rng.IntN(2)], Score: &score,
		Time: noon.Add(time.Duration(rng.IntN(180)) * time.Second), Prediction: []string{"yes", "no"}[rng.IntN(2)],
		Features: schemas.Features{
			Numeric:     map[string]float64{"normal": rng.NormFloat64(), "dice": float64(1 + rng.IntN(6)), "lognormal": math.Exp(rng.NormFloat64())},
			Categorical: map[string]string{"country": fmt.Sprint("c", rng.IntN(40))},
		},
	}
	if rng.IntN(10) == 0 {
		e.Features.Numeric["rare"] = rng.Float64()
		e.Features.Categorical["rare"] = "x"
	}
	return e
}

func (r *rig) lines(sql string) (out []string) {
	r.Helper()
	rows, err := r.db.Conn().Query(r.Context(), sql)
	check(r, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v string
		check(r, rows.Scan(&v))
		out = append(out, v)
	}
	check(r, rows.Err())
	return out
}

// compareQuantiles asks how far a quantile is off, as a share of the rows, by
// our states and by ClickHouse's own. Between two of few values both are off
// for a stretch; whoever reads distributions snaps those.
func (r *rig) compareQuantiles() {
	r.Helper()
	for position := 1; position <= 6; position++ {
		ours, theirs := r.quantileError("ours_", position), r.quantileError("", position)
		r.Logf("position %d: quantiles are off by a share of %.4f, ClickHouse's own by %.4f", position, ours, theirs)
		if ours > max(.01, theirs+.005) {
			r.Errorf("position %d: off by %.4f, ClickHouse's own by %.4f", position, ours, theirs)
		}
	}
}

func (r *rig) quantileError(prefix string, position int) (worst float64) {
	r.Helper()
	levels, feature := ddl.LevelList(), fmt.Sprintf("num[%d]", position)
	check(r, r.db.Conn().QueryRow(r.Context(), `SELECT max(abs(rank - level)) FROM (
		SELECT arrayJoin(arrayZip(q, [`+levels+`])) AS p, p.1 AS x, p.2 AS level,
			(SELECT groupArray(`+feature+`) FROM inference_events WHERE model = 'a' AND NOT isNaN(`+feature+`)) AS all,
			arrayCount(v -> v < x, all) / length(all) AS low, arrayCount(v -> v <= x, all) / length(all) AS high,
			if(level < low, low, if(level > high, high, level)) AS rank
		FROM (SELECT quantilesTDigestForEachMerge(`+levels+`)(quantiles)[`+fmt.Sprint(position)+`] AS q FROM `+prefix+`feature_sketches_1m WHERE model = 'a'))`).Scan(&worst))
	return worst
}
