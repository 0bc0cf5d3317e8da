package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// exactValues is up to how many numeric values (rows × features of a version)
// a window's distributions are read from its rows instead of its sketches. A
// digest of few values is off by up to 1 % of them, and counting them costs no
// more than merging; above the bound the cost follows minutes and features,
// never events.
var exactValues uint64 = 500_000 // a test of the sketches sets it to 0

// Summaries merges the one-minute states of a model over a span: one element a
// version, all segments together, ascending by version. Small windows, whose
// rows are still stored, are exact.
func (db *DB) Summaries(ctx context.Context, key schemas.ModelKey, span schemas.Span) ([]schemas.WindowSummaries, error) {
	return db.Production(ctx, key, []schemas.Span{span})
}

// Production is Summaries of several spans together, disjoint and ascending.
func (db *DB) Production(ctx context.Context, key schemas.ModelKey, spans []schemas.Span) ([]schemas.WindowSummaries, error) {
	return db.merged(ctx, key, spans, together)
}

// SegmentNames are the segments with the most rows in a span, at most so many.
func (db *DB) SegmentNames(ctx context.Context, key schemas.ModelKey, span schemas.Span, most int) (out []string, err error) {
	rows, err := db.conn.Query(ctx, `SELECT segment FROM feature_sketches_1m WHERE tenant = {tenant:String} AND model = {model:String}
		AND `+within("minute", []schemas.Span{span})+` GROUP BY segment ORDER BY sum(rows) DESC, segment LIMIT {most:UInt32}`, append(named(key), ch.Named("most", strconv.Itoa(most)))...)
	if err != nil {
		return nil, fmt.Errorf("read segments of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read segments of %s: %w", key.Model, err)
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

// Segments is Production by version and segment, ascending. All segments that are
// not named are together one, schemas.OtherCategories.
func (db *DB) Segments(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, names []string) ([]schemas.WindowSummaries, error) {
	return db.merged(ctx, key, spans, grouping{
		"if(has({names:Array(String)}, segment), segment, '" + schemas.OtherCategories + "')", []any{ch.Named("names", names)},
	})
}

// grouping is the expression by which segments are put together, and its
// arguments.
type grouping struct {
	by   string
	args []any
}

// together makes one of all segments.
var together = grouping{by: "''"}

func (db *DB) merged(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, segments grouping) ([]schemas.WindowSummaries, error) {
	if len(spans) == 0 {
		return nil, nil
	}
	for try := 1; ; try++ {
		out, whole, err := db.summaries(ctx, key, spans, segments)
		if whole || err != nil || try == maxTries {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// maxTries is how often a window is read whose states are ahead of its rows:
// those were stored first, but another replica may show them later. Rows that
// have begun to expire look the same, and stay so.
const maxTries = 5

// summaries reads a window once; whole is false when some of the rows that its
// states count cannot be seen.
func (db *DB) summaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, segments grouping) (all []schemas.WindowSummaries, whole bool, err error) {
	names, err := db.featureNames(ctx, key)
	if err != nil {
		return nil, false, err
	}
	parts, err := db.numericSummaries(ctx, key, spans, segments, names)
	if err != nil {
		return nil, false, err
	}
	if whole, err = db.exactSummaries(ctx, key, spans, segments, names, parts); err != nil {
		return nil, false, err
	}
	if err := db.categorySummaries(ctx, key, spans, segments, names, parts); err != nil {
		return nil, false, err
	}
	var out []schemas.WindowSummaries
	for _, w := range parts {
		slices.SortFunc(w.Features, func(a, b schemas.Summary) int {
			return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Feature, b.Feature))
		})
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b schemas.WindowSummaries) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Segment, b.Segment))
	})
	return out, whole, nil
}

// part of a model's traffic: a version, and a segment or all of them.
type part struct{ version, segment string }

type featureKey struct {
	version  string
	kind     schemas.FeatureKind
	position int
}

// featureNames of all versions by position.
func (db *DB) featureNames(ctx context.Context, key schemas.ModelKey) (map[featureKey]string, error) {
	rows, err := db.conn.Query(ctx, `SELECT version, kind, position, name FROM model_schemas FINAL WHERE tenant = {tenant:String} AND model = {model:String}`, named(key)...)
	if err != nil {
		return nil, fmt.Errorf("read feature schema of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[featureKey]string{}
	for rows.Next() {
		var version, kind, name string
		var position uint16
		if err := rows.Scan(&version, &kind, &position, &name); err != nil {
			return nil, fmt.Errorf("read feature schema of %s: %w", key.Model, err)
		}
		out[featureKey{version, schemas.FeatureKind(kind), int(position)}] = name
	}
	return out, rows.Err()
}

// name of a position. The reserved ones need no entry; anything else without
// one was written by an instance whose entry is still on its way, and shows up
// with the next evaluation.
func nameOf(names map[featureKey]string, k featureKey) (string, bool) {
	if n, ok := names[k]; ok {
		return n, true
	}
	reserved := schemas.NewFeatureSchema(schemas.SchemaKey{}).Names(k.kind)
	if k.position < len(reserved) {
		return reserved[k.position], true
	}
	return "", false
}

func (db *DB) numericSummaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, segments grouping, names map[featureKey]string) (map[part]*schemas.WindowSummaries, error) {
	levels := ddl.LevelList()
	rows, err := db.conn.Query(ctx, `SELECT version, `+segments.by+` AS part, sum(rows),
		sumForEachMerge(present), sumForEachMerge(integers), sumForEachMerge(sums), sumForEachMerge(squares),
		minForEachMerge(minima), maxForEachMerge(maxima), quantilesTDigestForEachMerge(`+levels+`)(quantiles)
		FROM feature_sketches_1m WHERE tenant = {tenant:String} AND model = {model:String}
		AND `+within("minute", spans)+` GROUP BY version, part`, append(named(key), segments.args...)...)
	if err != nil {
		return nil, fmt.Errorf("merge sketches of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[part]*schemas.WindowSummaries{}
	whole := schemas.Span{Start: spans[0].Start, End: spans[len(spans)-1].End}
	for rows.Next() {
		var s sketches
		if err := rows.Scan(&s.version, &s.segment, &s.rows, &s.present, &s.integers, &s.sums, &s.squares, &s.minima, &s.maxima, &s.quantiles); err != nil {
			return nil, fmt.Errorf("merge sketches of %s: %w", key.Model, err)
		}
		w := &schemas.WindowSummaries{ModelKey: key, Version: s.version, Segment: s.segment, Span: whole, Rows: s.rows}
		for p := range s.present {
			if name, ok := nameOf(names, featureKey{s.version, schemas.Numeric, p}); ok {
				w.Features = append(w.Features, s.summary(p, name))
			}
		}
		out[part{s.version, s.segment}] = w
	}
	return out, rows.Err()
}

// sketches of all numeric features of a part, by position.
type sketches struct {
	part
	rows           uint64
	present        []uint64
	integers       []uint64
	sums, squares  []float64
	minima, maxima []float32
	quantiles      [][]float32
}

func (s *sketches) summary(p int, name string) schemas.Summary {
	out := schemas.Summary{Feature: name, Kind: schemas.Numeric, Rows: s.rows, Missing: s.rows - min(s.present[p], s.rows)}
	n := float64(s.present[p])
	if n == 0 {
		return out
	}
	out.Min, out.Max = float64(s.minima[p]), float64(s.maxima[p])
	out.Mean = s.sums[p] / n
	out.Points = distribution(s.quantiles[p], n, s.squares[p], &out, s.integers[p] == s.present[p])
	out.Variance = s.variance(p, n, &out)
	return out
}

// variance from the sums, or from the points where the sums cannot tell: far
// from zero the difference of two large numbers keeps no digits.
func (s *sketches) variance(p int, n float64, of *schemas.Summary) float64 {
	if v := s.squares[p]/n - of.Mean*of.Mean; v > 1e-7*of.Mean*of.Mean {
		return v
	}
	v := 0.
	for _, q := range of.Points {
		v += q.Weight / n * (q.Value - of.Mean) * (q.Value - of.Mean)
	}
	return v
}

// exactSummaries replaces sketched distributions by counted ones where a
// part has few values.
func (db *DB) exactSummaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, segments grouping, names map[featureKey]string, parts map[part]*schemas.WindowSummaries) (whole bool, err error) {
	whole = true
	for of, w := range parts {
		if w.Rows*uint64(len(w.Features)) > exactValues {
			continue
		}
		sketched := map[string]*schemas.Summary{}
		for i := range w.Features {
			sketched[w.Features[i].Feature] = &w.Features[i]
		}
		rows, err := db.conn.Query(ctx, `SELECT toUInt16(place - 1) AS position, groupArray(value), groupArray(n) FROM (
			SELECT place, value, count() AS n FROM inference_events ARRAY JOIN num AS value, arrayEnumerate(num) AS place
			WHERE tenant = {tenant:String} AND model = {model:String} AND version = {version:String} AND `+segments.by+` = {segment:String}
			AND `+within("timestamp", spans)+` AND NOT isNaN(value)
			GROUP BY place, value) GROUP BY position`,
			append(append(named(key), segments.args...), ch.Named("version", of.version), ch.Named("segment", of.segment))...)
		if err != nil {
			return false, fmt.Errorf("count values of %s: %w", key.Model, err)
		}
		for rows.Next() {
			var position uint16
			var values []float32
			var counts []uint64
			if err := rows.Scan(&position, &values, &counts); err != nil {
				_ = rows.Close()
				return false, fmt.Errorf("count values of %s: %w", key.Model, err)
			}
			name, _ := nameOf(names, featureKey{of.version, schemas.Numeric, int(position)})
			if s := sketched[name]; s != nil && !exact(s, values, counts) {
				whole = false
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return false, fmt.Errorf("count values of %s: %w", key.Model, err)
		}
	}
	return whole, nil
}

// exact makes s what was counted, unless rows are missing: those that have
// expired, whose states outlive them, or are not visible yet. Rows that came
// since the states were read count too.
func exact(s *schemas.Summary, values []float32, counts []uint64) (whole bool) {
	var n uint64
	points := make([]schemas.Point, len(values))
	sum := 0.
	for i, v := range values {
		points[i] = schemas.Point{Value: float64(v), Weight: float64(counts[i])}
		sum += points[i].Value * points[i].Weight
		n += counts[i]
	}
	if n < s.Present() {
		return false
	}
	slices.SortFunc(points, func(a, b schemas.Point) int { return cmp.Compare(a.Value, b.Value) })
	s.Rows += n - s.Present()
	s.Points, s.Min, s.Max = points, points[0].Value, points[len(points)-1].Value
	s.Mean, s.Variance = sum/float64(n), 0
	for _, p := range points {
		s.Variance += p.Weight / float64(n) * (p.Value - s.Mean) * (p.Value - s.Mean)
	}
	return true
}

func (db *DB) categorySummaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, segments grouping, names map[featureKey]string, parts map[part]*schemas.WindowSummaries) error {
	rows, err := db.conn.Query(ctx, `SELECT version, `+segments.by+` AS part, position, value, sum(rows) FROM category_counts_1m
		WHERE tenant = {tenant:String} AND model = {model:String} AND `+within("minute", spans)+`
		GROUP BY version, part, position, value ORDER BY version, part, position, value`, append(named(key), segments.args...)...)
	if err != nil {
		return fmt.Errorf("merge category counts of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	var last featureKey
	var at part
	var cur *schemas.Summary
	flush := func() {
		w := parts[at]
		if cur == nil || w == nil {
			return
		}
		// Rows older than the schema's growth have no such position: missing too.
		cur.Rows, cur.Missing = w.Rows, w.Rows-min(w.Rows, counted(cur))
		w.Features = append(w.Features, *cur)
	}
	for rows.Next() {
		var of part
		var value string
		var position uint16
		var n uint64
		if err := rows.Scan(&of.version, &of.segment, &position, &value, &n); err != nil {
			return fmt.Errorf("merge category counts of %s: %w", key.Model, err)
		}
		if k := (featureKey{of.version, schemas.Categorical, int(position)}); cur == nil || k != last || of != at {
			flush()
			last, at, cur = k, of, nil
			if name, ok := nameOf(names, k); ok {
				cur = &schemas.Summary{Feature: name, Kind: schemas.Categorical}
			}
		}
		if cur != nil && value != "" { // the empty value stands for missing
			cur.Categories = append(cur.Categories, schemas.Category{Value: value, Count: n})
		}
	}
	flush()
	return rows.Err()
}

func counted(s *schemas.Summary) (n uint64) {
	for _, c := range s.Categories {
		n += c.Count
	}
	return n
}
