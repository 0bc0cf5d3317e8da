package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	if len(spans) == 0 {
		return nil, nil
	}
	for try := 1; ; try++ {
		out, whole, err := db.summaries(ctx, key, spans)
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
func (db *DB) summaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span) (all []schemas.WindowSummaries, whole bool, err error) {
	names, err := db.featureNames(ctx, key)
	if err != nil {
		return nil, false, err
	}
	byVersion, err := db.numericSummaries(ctx, key, spans, names)
	if err != nil {
		return nil, false, err
	}
	if whole, err = db.exactSummaries(ctx, key, spans, names, byVersion); err != nil {
		return nil, false, err
	}
	if err := db.categorySummaries(ctx, key, spans, names, byVersion); err != nil {
		return nil, false, err
	}
	var out []schemas.WindowSummaries
	for _, w := range byVersion {
		slices.SortFunc(w.Features, func(a, b schemas.Summary) int {
			return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Feature, b.Feature))
		})
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b schemas.WindowSummaries) int { return cmp.Compare(a.Version, b.Version) })
	return out, whole, nil
}

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

func (db *DB) numericSummaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, names map[featureKey]string) (map[string]*schemas.WindowSummaries, error) {
	levels := ddl.LevelList()
	rows, err := db.conn.Query(ctx, `SELECT version, sum(rows),
		sumForEachMerge(present), sumForEachMerge(integers), sumForEachMerge(sums), sumForEachMerge(squares),
		minForEachMerge(minima), maxForEachMerge(maxima), quantilesTDigestForEachMerge(`+levels+`)(quantiles)
		FROM feature_sketches_1m WHERE tenant = {tenant:String} AND model = {model:String}
		AND `+within("minute", spans)+` GROUP BY version`, named(key)...)
	if err != nil {
		return nil, fmt.Errorf("merge sketches of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]*schemas.WindowSummaries{}
	whole := schemas.Span{Start: spans[0].Start, End: spans[len(spans)-1].End}
	for rows.Next() {
		var s sketches
		if err := rows.Scan(&s.version, &s.rows, &s.present, &s.integers, &s.sums, &s.squares, &s.minima, &s.maxima, &s.quantiles); err != nil {
			return nil, fmt.Errorf("merge sketches of %s: %w", key.Model, err)
		}
		w := &schemas.WindowSummaries{ModelKey: key, Version: s.version, Span: whole, Rows: s.rows}
		for p := range s.present {
			if name, ok := nameOf(names, featureKey{s.version, schemas.Numeric, p}); ok {
				w.Features = append(w.Features, s.summary(p, name))
			}
		}
		out[s.version] = w
	}
	return out, rows.Err()
}

// sketches of all numeric features of a version, by position.
type sketches struct {
	version        string
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
	out.Points = distribution(s.quantiles[p], n, &out, s.integers[p] == s.present[p])
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
// version has few values.
func (db *DB) exactSummaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, names map[featureKey]string, byVersion map[string]*schemas.WindowSummaries) (whole bool, err error) {
	whole = true
	for version, w := range byVersion {
		if w.Rows*uint64(len(w.Features)) > exactValues {
			continue
		}
		sketched := map[string]*schemas.Summary{}
		for i := range w.Features {
			sketched[w.Features[i].Feature] = &w.Features[i]
		}
		rows, err := db.conn.Query(ctx, `SELECT toUInt16(place - 1) AS position, groupArray(value), groupArray(n) FROM (
			SELECT place, value, count() AS n FROM inference_events ARRAY JOIN num AS value, arrayEnumerate(num) AS place
			WHERE tenant = {tenant:String} AND model = {model:String} AND version = {version:String}
			AND `+within("timestamp", spans)+` AND NOT isNaN(value)
			GROUP BY place, value) GROUP BY position`,
			append(named(key), ch.Named("version", version))...)
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
			name, _ := nameOf(names, featureKey{version, schemas.Numeric, int(position)})
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

func (db *DB) categorySummaries(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, names map[featureKey]string, byVersion map[string]*schemas.WindowSummaries) error {
	rows, err := db.conn.Query(ctx, `SELECT version, position, value, sum(rows) FROM category_counts_1m
		WHERE tenant = {tenant:String} AND model = {model:String} AND `+within("minute", spans)+`
		GROUP BY version, position, value ORDER BY version, position, value`, named(key)...)
	if err != nil {
		return fmt.Errorf("merge category counts of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	var last featureKey
	var cur *schemas.Summary
	flush := func() {
		w := byVersion[last.version]
		if cur == nil || w == nil {
			return
		}
		// Rows older than the schema's growth have no such position: missing too.
		cur.Rows, cur.Missing = w.Rows, w.Rows-min(w.Rows, counted(cur))
		w.Features = append(w.Features, *cur)
	}
	for rows.Next() {
		var version, value string
		var position uint16
		var n uint64
		if err := rows.Scan(&version, &position, &value, &n); err != nil {
			return fmt.Errorf("merge category counts of %s: %w", key.Model, err)
		}
		if k := (featureKey{version, schemas.Categorical, int(position)}); cur == nil || k != last {
			flush()
			last, cur = k, nil
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
