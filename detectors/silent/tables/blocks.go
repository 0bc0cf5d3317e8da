package tables

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/schemas"
)

// binKey is one bin of a model version.
type binKey struct {
	model, version string
	start          int64 // Unix seconds
}

// states of a bin: numeric features by position, and how many rows have a value
// of each categorical one.
type states struct {
	rows           uint64
	present        []uint64
	sums           []float64
	minima, maxima []float32
	categories     map[int]uint64
}

// names of the features of a model version by position.
type names struct{ numeric, categorical map[int]string }

// blocks reads all features of all versions by bin. A feature that was seen
// before and has no value in a bin has a block that says so.
func (q *question) blocks(ctx context.Context) error {
	bins, order, err := q.numericStates(ctx)
	if err != nil {
		return err
	}
	if err := q.categoryStates(ctx, bins); err != nil {
		return err
	}
	schemas, err := q.featureNames(ctx)
	if err != nil {
		return err
	}
	used := map[[2]string]map[string]bool{} // reserved features with values, by model version
	for _, k := range order {
		v := [2]string{k.model, k.version}
		if used[v] == nil {
			used[v] = map[string]bool{}
		}
		bins[k].mark(used[v])
	}
	for _, k := range order {
		v := [2]string{k.model, k.version}
		m := q.model(k.model)
		m.Blocks = append(m.Blocks, bins[k].blocks(k, schemas[v], used[v])...)
	}
	return nil
}

func (q *question) numericStates(ctx context.Context) (bins map[binKey]*states, order []binKey, err error) {
	bins = map[binKey]*states{}
	sql := `SELECT model, version, ` + binOf("minute") + ` AS bin, sum(rows), sumForEachMerge(present), sumForEachMerge(sums), minForEachMerge(minima), maxForEachMerge(maxima)
		FROM feature_sketches_1m WHERE ` + between("minute", "start", "until") + ` GROUP BY model, version, bin ORDER BY model, version, bin`
	err = q.each(ctx, sql, q.judged(), func(rows driver.Rows) error {
		k, s := binKey{}, &states{categories: map[int]uint64{}}
		var start time.Time
		if err := rows.Scan(&k.model, &k.version, &start, &s.rows, &s.present, &s.sums, &s.minima, &s.maxima); err != nil {
			return err
		}
		k.start = start.Unix()
		bins[k] = s
		order = append(order, k)
		return nil
	})
	return bins, order, err
}

func (q *question) categoryStates(ctx context.Context, bins map[binKey]*states) error {
	sql := `SELECT model, version, ` + binOf("minute") + ` AS bin, position, sumIf(rows, value != '')
		FROM category_counts_1m WHERE ` + between("minute", "start", "until") + ` GROUP BY model, version, bin, position`
	return q.each(ctx, sql, q.judged(), func(rows driver.Rows) error {
		var k binKey
		var start time.Time
		var position uint16
		var present uint64
		if err := rows.Scan(&k.model, &k.version, &start, &position, &present); err != nil {
			return err
		}
		k.start = start.Unix()
		if s := bins[k]; s != nil {
			s.categories[int(position)] = present
		}
		return nil
	})
}

func (q *question) featureNames(ctx context.Context) (map[[2]string]names, error) {
	out := map[[2]string]names{}
	err := q.each(ctx, "SELECT model, version, kind, position, name FROM model_schemas FINAL WHERE tenant = {tenant:String}", q.args(nil), func(rows driver.Rows) error {
		var model, version, kind, name string
		var position uint16
		if err := rows.Scan(&model, &version, &kind, &position, &name); err != nil {
			return err
		}
		v := [2]string{model, version}
		if _, known := out[v]; !known {
			out[v] = names{map[int]string{}, map[int]string{}}
		}
		if schemas.FeatureKind(kind) == schemas.Numeric {
			out[v].numeric[int(position)] = name
		} else {
			out[v].categorical[int(position)] = name
		}
		return nil
	})
	return out, err
}

// reserved positions, which need no entry in a schema.
var (
	reservedNumeric     = schemas.NewFeatureSchema(schemas.SchemaKey{}).Numeric
	reservedCategorical = schemas.NewFeatureSchema(schemas.SchemaKey{}).Categorical
)

// mark notes the reserved features that have values.
func (s *states) mark(used map[string]bool) {
	for p, name := range reservedNumeric {
		if p < len(s.present) && s.present[p] > 0 {
			used[name] = true
		}
	}
	for p, name := range reservedCategorical {
		if s.categories[p] > 0 {
			used[name] = true
		}
	}
}

// blocks of one bin. Reserved features that are not used are left out.
func (s *states) blocks(k binKey, n names, used map[string]bool) (out []silent.Block) {
	add := func(kind schemas.FeatureKind, position int, name string) {
		b := silent.Block{Version: k.version, Feature: name, Kind: kind, Start: time.Unix(k.start, 0).UTC(), Rows: s.rows}
		if kind == schemas.Categorical {
			b.Present = s.categories[position]
		} else if position < len(s.present) && s.present[position] > 0 {
			b.Present, b.Mean = s.present[position], s.sums[position]/float64(s.present[position])
			b.Min, b.Max = float64(s.minima[position]), float64(s.maxima[position])
		}
		out = append(out, b)
	}
	for p, name := range reservedNumeric {
		if used[name] {
			add(schemas.Numeric, p, name)
		}
	}
	for p, name := range reservedCategorical {
		if used[name] {
			add(schemas.Categorical, p, name)
		}
	}
	for p, name := range n.numeric {
		if p >= len(reservedNumeric) {
			add(schemas.Numeric, p, name)
		}
	}
	for p, name := range n.categorical {
		if p >= len(reservedCategorical) {
			add(schemas.Categorical, p, name)
		}
	}
	return out
}
