package eval

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/internal/tabular"
)

// Found is the outcome of Positions; its JSON form is stable and its arrays are
// never null.
type Found struct {
	File      string          `json:"file"`
	Column    string          `json:"column"`
	Rows      int             `json:"rows"`
	Min       float64         `json:"min"` // least and largest value
	Max       float64         `json:"max"`
	Detectors []FoundDetector `json:"detectors"`
}

// FoundDetector is what one detector made of the column. Rows count from 0.
type FoundDetector struct {
	Detector
	NotApplicable string `json:"not_applicable,omitempty"` // why it was not run
	Positions     []int  `json:"positions"`                // rows that alarm
	Warnings      []int  `json:"warnings"`                 // rows at which warnings begin
}

// Positions runs the detectors over a column of a CSV or Parquet file. The
// column may follow the file's name after a colon, and may be left out where
// the file has only one.
func Positions(ctx context.Context, file, column string, o Options) (*Found, error) {
	ds, err := o.chosen()
	if err != nil {
		return nil, err
	}
	file, column, err = splitColumn(file, column)
	if err != nil {
		return nil, err
	}
	out := &Found{File: file, Detectors: []FoundDetector{}}
	values, err := out.read(column)
	if err != nil {
		return nil, err
	}
	for _, d := range ds {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f := FoundDetector{Detector: d, NotApplicable: refusal(d.entry.Domain, values), Positions: []int{}, Warnings: []int{}}
		if f.NotApplicable == "" {
			drifts, warnings := positions(d.fresh(), values)
			f.Positions, f.Warnings = append(f.Positions, drifts...), append(f.Warnings, warnings...)
		}
		out.Detectors = append(out.Detectors, f)
	}
	return out, nil
}

// splitColumn parts FILE:COLUMN. A file of the whole name goes first.
func splitColumn(file, column string) (string, string, error) {
	_, err := os.Stat(file)
	at := strings.LastIndexByte(file, ':')
	if err == nil || at < 1 {
		return file, column, nil // what is wrong with it, the reader says
	}
	inside := file[at+1:]
	if column != "" && column != inside {
		return "", "", fmt.Errorf("open stream: the column is %q in %s and %q beside it", inside, file, column)
	}
	return file[:at], inside, nil
}

func (f *Found) read(column string) ([]float64, error) {
	tab, err := tabular.Open(f.File, tabular.Options{})
	if err != nil {
		return nil, err
	}
	names := tab.Names()
	if column == "" {
		if len(names) == 0 {
			return nil, fmt.Errorf("%s: the first row names no column", f.File)
		}
		if _, err := strconv.ParseFloat(names[0], 64); err == nil {
			return nil, fmt.Errorf("%s: the first row must name the columns; it begins with the number %s", f.File, names[0])
		}
	}
	if column == "" && len(names) == 1 {
		column = names[0]
	}
	c := tab.Column(column)
	switch {
	case column == "":
		return nil, fmt.Errorf("%s has %d columns; name one of them with --column: %s", f.File, len(names), strings.Join(names, ", "))
	case c == nil:
		return nil, fmt.Errorf("%s has no column %q; columns: %s", f.File, column, strings.Join(names, ", "))
	case tab.Rows == 0:
		return nil, fmt.Errorf("%s: column %q has no rows", f.File, column)
	}
	f.Column, f.Rows = column, tab.Rows
	values, row, text := numbers(c)
	if row >= 0 {
		return nil, fmt.Errorf("%s: row %d (counted from 0), column %q: %s", f.File, row, column, text)
	}
	f.Min, f.Max = slices.Min(values), slices.Max(values)
	return values, nil
}

// numbers are the column's values, or the first row that has none and why.
func numbers(c *tabular.Column) (values []float64, row int, why string) {
	if c.Kind != tabular.Numeric {
		for i, text := range c.Texts() {
			if text == "" {
				return nil, i, "the value is missing"
			}
			if _, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
				return nil, i, fmt.Sprintf("%q is not a number", text)
			}
		}
	}
	for i, v := range c.Numbers {
		switch {
		case math.IsNaN(v):
			return nil, i, "the value is missing"
		case !sequential.Real.Holds(v):
			return nil, i, fmt.Sprintf("%v is no value to compute with", v)
		}
	}
	return c.Numbers, -1, ""
}

// refusal says why values are not of a domain, or nothing.
func refusal(d sequential.Domain, values []float64) string {
	for i, v := range values {
		if !d.Holds(v) {
			return fmt.Sprintf("takes %s; row %d is %v", d, i, v)
		}
	}
	return ""
}
