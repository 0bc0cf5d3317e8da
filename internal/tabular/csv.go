package tabular

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// byteOrderMark begins CSV files that spreadsheets wrote.
const byteOrderMark = "\ufeff"

// ReadCSV reads a comma-separated table whose first row names the columns.
// Name stands for the file in errors. Types are found by column: numbers, then
// true and false (as 1 and 0), then times, else categories. Values that mean
// "missing" everywhere: empty, NaN, null, NA, N/A, None. A first column
// without a name is a data frame's row index and left out.
func ReadCSV(r io.Reader, name string, opts Options) (*Table, error) {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	header, err := cr.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: empty: a header row with column names is needed", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: read header: %w", name, err)
	}
	names := slices.Clone(header)
	names[0] = strings.TrimPrefix(names[0], byteOrderMark)
	if err := checkNames(names); err != nil {
		return nil, fmt.Errorf("%s: header: %w", name, err)
	}
	raw := make([]rawColumn, len(names))
	for {
		record, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: row %d: %w", name, len(raw[0].values)+1, err)
		}
		for i, v := range record {
			raw[i].add(v)
		}
	}
	return build(name, names, raw, opts)
}

// checkNames refuses what could not be addressed afterwards.
func checkNames(names []string) error {
	seen := map[string]bool{}
	for i, n := range names {
		switch {
		case n == "" && i > 0: // the first may be a data frame's index
			return fmt.Errorf("column %d has no name", i+1)
		case !utf8.ValidString(n):
			return fmt.Errorf("column %d: name is not UTF-8", i+1)
		case seen[n]:
			return fmt.Errorf("column %q occurs twice", n)
		}
		seen[n] = true
	}
	return nil
}

// rawColumn keeps a column's texts, each distinct text once: columns of few
// values then cost a word per row, whatever their length.
type rawColumn struct {
	values []string
	known  map[string]string
}

// internLimit bounds the table of known texts of a column of many values.
const internLimit = 4096

func (c *rawColumn) add(v string) {
	if known, ok := c.known[v]; ok {
		c.values = append(c.values, known)
		return
	}
	v = strings.Clone(v) // the record's memory is reused
	if c.known == nil {
		c.known = map[string]string{}
	}
	if len(c.known) < internLimit {
		c.known[v] = v
	}
	c.values = append(c.values, v)
}

func build(name string, names []string, raw []rawColumn, opts Options) (*Table, error) {
	t := &Table{Name: name, Rows: len(raw[0].values)}
	for i, n := range names {
		if n == "" || slices.Contains(opts.Skip, n) {
			continue // without a name: the row index that data frames write
		}
		c, err := infer(n, raw[i].values, n == opts.Timestamp, slices.Contains(opts.Categorical, n))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		raw[i] = rawColumn{}
		t.Columns = append(t.Columns, c)
	}
	return t.finish(opts, names)
}
