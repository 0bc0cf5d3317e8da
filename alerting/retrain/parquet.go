package retrain

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/driftline/driftline/schemas"
)

// A row group is what is kept in memory at once: so many values, which are a
// number of rows within bounds.
const (
	groupValues  = 1 << 23
	minGroupRows = 1 << 10
	maxGroupRows = 1 << 16
)

// Names of the columns that are no features, beside schemas.FeatureScore,
// FeatureLatency and FeaturePrediction.
const (
	columnTime      = "_timestamp"
	columnID        = "_request_id"
	columnVersion   = "_version"
	columnSegment   = "_segment"
	columnLabel     = "_label"
	columnValue     = "_label_value"
	columnLabelTime = "_label_timestamp"
)

// Column of a data set, as the manifest lists it.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`              // timestamp_ms, string, float or double
	Feature string `json:"feature,omitempty"` // the feature's name; empty where the column is none
}

// Types of a column.
const (
	typeTime   = "timestamp_ms"
	typeString = "string"
	typeFloat  = "float"
	typeDouble = "double"
)

// column collects the values of a row group.
type column struct {
	Column
	fixed   func(e *schemas.LabelledEvent, c *column) // of a column that is no positional feature
	at      map[string]int                            // position of the feature, by version
	kind    schemas.FeatureKind
	levels  []int16
	texts   []parquet.ByteArray
	floats  []float32
	doubles []float64
	times   []int64
}

func (c *column) text(s string) {
	if s == "" {
		c.levels = append(c.levels, 0)
		return
	}
	c.levels, c.texts = append(c.levels, 1), append(c.texts, parquet.ByteArray(s))
}

func (c *column) float(v float32) {
	if math.IsNaN(float64(v)) {
		c.levels = append(c.levels, 0)
		return
	}
	c.levels, c.floats = append(c.levels, 1), append(c.floats, v)
}

func (c *column) double(v *float64) {
	if v == nil {
		c.levels = append(c.levels, 0)
		return
	}
	c.levels, c.doubles = append(c.levels, 1), append(c.doubles, *v)
}

func (c *column) time(t time.Time) {
	c.levels, c.times = append(c.levels, 1), append(c.times, t.UnixMilli())
}

// add the value of a row.
func (c *column) add(e *schemas.LabelledEvent) {
	if c.fixed != nil {
		c.fixed(e, c)
		return
	}
	at, known := c.at[e.Version]
	switch {
	case c.kind == schemas.Numeric && known && at < len(e.Numeric):
		c.float(e.Numeric[at])
	case c.kind == schemas.Numeric:
		c.float(float32(math.NaN()))
	case known && at < len(e.Categorical):
		c.text(e.Categorical[at])
	default:
		c.text("")
	}
}

func (c *column) reset() {
	c.levels, c.texts, c.floats, c.doubles, c.times = c.levels[:0], c.texts[:0], c.floats[:0], c.doubles[:0], c.times[:0]
}

// columnsOf are the columns of a data set over versions: what is known of every
// row, then numeric and categorical features by name. The order does not depend
// on that of the versions.
func columnsOf(versions []*schemas.FeatureSchema) []*column {
	out := []*column{
		{Column: Column{Name: columnTime, Type: typeTime}, fixed: func(e *schemas.LabelledEvent, c *column) { c.time(e.Time) }},
		{Column: Column{Name: columnID, Type: typeString}, fixed: func(e *schemas.LabelledEvent, c *column) { c.text(e.RequestID) }},
		{Column: Column{Name: columnVersion, Type: typeString}, fixed: func(e *schemas.LabelledEvent, c *column) { c.text(e.Version) }},
		{Column: Column{Name: columnSegment, Type: typeString}, fixed: func(e *schemas.LabelledEvent, c *column) { c.text(e.Segment) }},
		{Column: Column{Name: columnLabel, Type: typeString}, fixed: func(e *schemas.LabelledEvent, c *column) { c.text(e.Label) }},
		{Column: Column{Name: columnValue, Type: typeDouble}, fixed: func(e *schemas.LabelledEvent, c *column) { c.double(e.Value) }},
		{Column: Column{Name: columnLabelTime, Type: typeTime}, fixed: func(e *schemas.LabelledEvent, c *column) { c.time(e.LabelledAt) }},
	}
	taken := map[string]bool{}
	for _, c := range out {
		taken[c.Name] = true
	}
	for _, kind := range []schemas.FeatureKind{schemas.Numeric, schemas.Categorical} {
		for _, f := range featuresOf(versions, kind) {
			for f.Name = f.Feature; taken[f.Name]; { // the same name in two kinds, or one of ours
				f.Name = string(kind) + ":" + f.Name
			}
			taken[f.Name] = true
			out = append(out, f)
		}
	}
	return out
}

// featuresOf one kind over all versions, reserved ones first, then by name.
func featuresOf(versions []*schemas.FeatureSchema, kind schemas.FeatureKind) (out []*column) {
	byName := map[string]*column{}
	typ := typeFloat
	if kind == schemas.Categorical {
		typ = typeString
	}
	var names []string
	for _, v := range versions {
		for at, name := range v.Names(kind) {
			if name == "" { // a position without a name yet
				continue
			}
			if byName[name] == nil {
				byName[name] = &column{Column: Column{Type: typ, Feature: name}, kind: kind, at: map[string]int{}}
				names = append(names, name)
			}
			byName[name].at[v.Key.Version] = at
		}
	}
	reserved := schemas.NewFeatureSchema(schemas.SchemaKey{}).Names(kind)
	slices.SortFunc(names, func(a, b string) int {
		ra, rb := slices.Index(reserved, a), slices.Index(reserved, b)
		switch {
		case ra >= 0 && rb >= 0:
			return ra - rb
		case ra >= 0:
			return -1
		case rb >= 0:
			return 1
		case a < b:
			return -1
		}
		return 1
	})
	for _, name := range names {
		out = append(out, byName[name])
	}
	return out
}

func (c *column) node() (schema.Node, error) {
	switch c.Type {
	case typeTime:
		return schema.NewPrimitiveNodeLogical(c.Name, parquet.Repetitions.Required, schema.NewTimestampLogicalType(true, schema.TimeUnitMillis), parquet.Types.Int64, 0, -1)
	case typeString:
		return schema.NewPrimitiveNodeLogical(c.Name, parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1)
	case typeFloat:
		return schema.NewPrimitiveNode(c.Name, parquet.Repetitions.Optional, parquet.Types.Float, -1, 0)
	default:
		return schema.NewPrimitiveNode(c.Name, parquet.Repetitions.Optional, parquet.Types.Double, -1, 0)
	}
}

// parquetWriter writes labelled events as Parquet. The same rows and lineage
// give the same bytes. pqarrow would link arrow's flight (house_test.go): this
// is the level below.
type parquetWriter struct {
	columns []*column
	out     *file.Writer
	group   int // rows of a row group
	pending int
	rows    uint64
}

func newParquetWriter(w io.Writer, columns []*column, lineage [][2]string) (*parquetWriter, error) {
	var nodes schema.FieldList
	for _, c := range columns {
		n, err := c.node()
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
		nodes = append(nodes, n)
	}
	root, err := schema.NewGroupNode("feedback", parquet.Repetitions.Required, nodes, -1)
	if err != nil {
		return nil, err
	}
	kv := metadata.NewKeyValueMetadata()
	for _, l := range lineage {
		if err := kv.Append(l[0], l[1]); err != nil {
			return nil, err
		}
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("driftline"))
	group := min(max(groupValues/len(columns), minGroupRows), maxGroupRows)
	return &parquetWriter{columns: columns, group: group, out: file.NewParquetWriter(w, root, file.WithWriterProps(props), file.WithWriteMetadata(kv))}, nil
}

func (p *parquetWriter) write(e *schemas.LabelledEvent) error {
	for _, c := range p.columns {
		c.add(e)
	}
	p.rows++
	if p.pending++; p.pending == p.group {
		return p.flush()
	}
	return nil
}

func (p *parquetWriter) flush() error {
	if p.pending == 0 {
		return nil
	}
	group := p.out.AppendRowGroup()
	for _, c := range p.columns {
		w, err := group.NextColumn()
		if err == nil {
			err = c.writeTo(w)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return fmt.Errorf("write column %q: %w", c.Name, err)
		}
		c.reset()
	}
	p.pending = 0
	return group.Close()
}

func (c *column) writeTo(w file.ColumnChunkWriter) (err error) {
	switch w := w.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(c.times, nil, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(c.texts, c.levels, nil)
	case *file.Float32ColumnChunkWriter:
		_, err = w.WriteBatch(c.floats, c.levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(c.doubles, c.levels, nil)
	default:
		err = fmt.Errorf("unexpected %T", w)
	}
	return err
}

func (p *parquetWriter) close() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.out.Close()
}
