package tabular

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// The package reads Parquet with arrow's low-level parquet/file: pqarrow would
// link arrow's flight, whose protobuf registration clashes with the one in the
// Grafana SDK.

// indexPrefix marks columns in which pandas keeps a data frame's row index.
const indexPrefix = "__index_level_"

// ReadParquet reads a Parquet file of flat columns; fields of structs are named
// by their path. Lists and maps have no single value in a row: they are an
// error unless opts.Skip names them. Pandas' index columns are left out.
func ReadParquet(r parquet.ReaderAtSeeker, name string, opts Options) (t *Table, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some damaged files
			t, err = nil, fmt.Errorf("%s: damaged parquet file: %v", name, p)
		}
	}()
	f, err := file.NewParquetReader(r)
	if err != nil {
		return nil, fmt.Errorf("%s: read parquet footer: %w", name, err)
	}
	t = &Table{Name: name, Rows: int(f.NumRows())}
	sc := f.MetaData().Schema
	var seen []string
	for i := range sc.NumColumns() {
		d := sc.Column(i)
		seen = append(seen, d.Path())
		if skipped(d, opts) {
			continue
		}
		if d.MaxRepetitionLevel() > 0 {
			return nil, fmt.Errorf("%s: column %q is a list or a map, which is no feature: exclude it", name, d.Path())
		}
		c, err := readColumn(f, i, d, opts)
		if err != nil {
			return nil, fmt.Errorf("%s: column %q: %w", name, d.Path(), err)
		}
		t.Columns = append(t.Columns, c)
	}
	return t.finish(opts, seen)
}

// skipped tells whether a column is left out by its path or its outermost name.
func skipped(d *schema.Column, opts Options) bool {
	top, _, _ := strings.Cut(d.Path(), ".")
	return strings.HasPrefix(top, indexPrefix) || slices.Contains(opts.Skip, d.Path()) || slices.Contains(opts.Skip, top)
}

func readColumn(f *file.Reader, i int, d *schema.Column, opts Options) (Column, error) {
	c := Column{Name: d.Path(), Kind: parquetKind(d)}
	a := appender{column: &c, logical: d.LogicalType()}
	for g := range f.NumRowGroups() {
		group := f.RowGroup(g)
		cr, err := group.Column(i)
		if err != nil {
			return c, fmt.Errorf("row group %d: %w", g, err)
		}
		before := c.len()
		if err := a.chunk(cr); err != nil {
			return c, fmt.Errorf("row group %d: %w", g, err)
		}
		if got := c.len() - before; int64(got) != group.NumRows() {
			return c, fmt.Errorf("row group %d: %d values for %d rows", g, got, group.NumRows())
		}
	}
	switch {
	case c.Name == opts.Timestamp && c.Kind != Time:
		return infer(c.Name, c.Texts(), true, false)
	case slices.Contains(opts.Categorical, c.Name) && c.Kind != Categorical:
		return Column{Name: c.Name, Kind: Categorical, Strings: c.Texts()}, nil
	}
	return c, nil
}

func (c *Column) len() int { return len(c.Numbers) + len(c.Strings) + len(c.Times) }

// parquetKind is the kind that a Parquet type becomes.
func parquetKind(d *schema.Column) Kind {
	switch d.LogicalType().(type) {
	case schema.DateLogicalType, schema.TimestampLogicalType, *schema.TimestampLogicalType, *schema.DateLogicalType:
		return Time
	case schema.DecimalLogicalType, *schema.DecimalLogicalType:
		return Numeric
	}
	switch d.PhysicalType() {
	case parquet.Types.Int96:
		return Time
	case parquet.Types.ByteArray, parquet.Types.FixedLenByteArray:
		return Categorical
	}
	return Numeric
}
