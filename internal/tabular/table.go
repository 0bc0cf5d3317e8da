// Package tabular reads CSV and Parquet files into typed columns: numbers,
// categories and times. It serves references and backtests, which look at a
// file as a whole; it holds the file in memory.
package tabular

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Kind of a column.
type Kind uint8

// The kinds of column.
const (
	Numeric     Kind = iota // Numbers; missing is NaN
	Categorical             // Strings; missing is ""
	Time                    // Times in UTC; missing is the zero time
)

// String is the kind's name.
func (k Kind) String() string {
	switch k {
	case Numeric:
		return "numeric"
	case Categorical:
		return "categorical"
	case Time:
		return "time"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Column is one column of a table; of the three slices the one of its Kind is
// as long as the table has rows, the others are nil.
type Column struct {
	Name    string
	Kind    Kind
	Numbers []float64
	Strings []string
	Times   []time.Time
}

// Table is a set of columns of equal length. It is not changed once read.
type Table struct {
	Name    string // of the file
	Rows    int
	Columns []Column // in the order of the file
}

// Options are what a reader must be told about a file.
type Options struct {
	Timestamp   string   // column of the event time: parsed as time even when it holds Unix seconds or milliseconds; must exist. Empty: none
	Categorical []string // columns that are categories even when all their values are numbers
	Skip        []string // columns that are not read into the table
}

// Column by name, nil when the table has none.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Names of the columns in the order of the file.
func (t *Table) Names() []string {
	out := make([]string, len(t.Columns))
	for i := range t.Columns {
		out[i] = t.Columns[i].Name
	}
	return out
}

// Slice is the rows [from, to) of the table, sharing its memory.
func (t *Table) Slice(from, to int) *Table {
	out := &Table{Name: t.Name, Rows: to - from, Columns: make([]Column, len(t.Columns))}
	for i, c := range t.Columns {
		out.Columns[i] = Column{c.Name, c.Kind, part(c.Numbers, from, to), part(c.Strings, from, to), part(c.Times, from, to)}
	}
	return out
}

func part[T any](values []T, from, to int) []T {
	if values == nil {
		return nil
	}
	return values[from:to:to]
}

// Select copies the given rows in the given order.
func (t *Table) Select(rows []int) *Table {
	out := &Table{Name: t.Name, Rows: len(rows), Columns: make([]Column, len(t.Columns))}
	for i, c := range t.Columns {
		out.Columns[i] = Column{c.Name, c.Kind, pick(c.Numbers, rows), pick(c.Strings, rows), pick(c.Times, rows)}
	}
	return out
}

func pick[T any](values []T, rows []int) []T {
	if values == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}

// Texts are the column's values as text, "" where missing. A number is written
// in its shortest form, so that 1.0 and 1 are the same class.
func (c *Column) Texts() []string {
	switch c.Kind {
	case Categorical:
		return c.Strings
	case Time:
		return texts(c.Times, func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format(time.RFC3339Nano)
		})
	default:
		return texts(c.Numbers, func(v float64) string {
			if math.IsNaN(v) {
				return ""
			}
			return strconv.FormatFloat(v, 'f', -1, 64)
		})
	}
}

func texts[T any](values []T, text func(T) string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(v)
	}
	return out
}
