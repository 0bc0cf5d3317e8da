package causes

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
)

// open reads a file with one of the readers below; an error names the file.
func open[T any](file string, read func(io.Reader) (T, error)) (out T, err error) {
	f, err := os.Open(file)
	if err != nil {
		return out, err
	}
	defer func() { _ = f.Close() }()
	if out, err = read(bufio.NewReaderSize(f, 1<<16)); err != nil {
		return out, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// table reads CSV with a header and finds columns by name.
func table(r io.Reader, columns ...string) (*csv.Reader, []int, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	c.TrimLeadingSpace = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("is empty; want a header with the columns %s", strings.Join(columns, ", "))
	}
	if err != nil {
		return nil, nil, err
	}
	var at []int
	for _, name := range columns {
		i := slices.IndexFunc(header, func(h string) bool {
			return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")), name)
		})
		if i < 0 {
			return nil, nil, fmt.Errorf("line 1: no column %q among %s; want %s", name, strings.Join(header, ", "), strings.Join(columns, ", "))
		}
		at = append(at, i)
	}
	return c, at, nil
}

// ReadEdges reads CSV with the columns source and target: source calls or
// depends on target. Optional columns from and until say when.
func ReadEdges(r io.Reader) (*graph.Graph, error) {
	c, at, err := table(r, "source", "target")
	if err != nil {
		return nil, err
	}
	g := graph.New()
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if err != nil {
			return nil, err
		}
		source, target := strings.TrimSpace(row[at[0]]), strings.TrimSpace(row[at[1]])
		if source == "" || target == "" {
			line, _ := c.FieldPos(0)
			return nil, fmt.Errorf("line %d: source or target is empty", line)
		}
		g.Add(graph.Edge{Source: graph.Entity(source), Target: graph.Entity(target), Declared: true})
	}
}

// ReadTelemetry reads CSV with the columns timestamp, entity, metric and
// value. Times are RFC 3339 or Unix seconds, milliseconds, microseconds or nanoseconds;
// an empty value is missing.
func ReadTelemetry(r io.Reader) ([]*anomaly.Series, error) {
	c, at, err := table(r, "timestamp", "entity", "metric", "value")
	if err != nil {
		return nil, err
	}
	all := newCollection()
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return all.sorted(), nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		entity, metric, text := strings.TrimSpace(row[at[1]]), strings.TrimSpace(row[at[2]]), strings.TrimSpace(row[at[3]])
		if entity == "" || metric == "" {
			return nil, fmt.Errorf("line %d: entity or metric is empty", line)
		}
		when, err := ParseTime(strings.TrimSpace(row[at[0]]))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if text == "" {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: value %q is not a number; leave it empty where it is missing", line, text)
		}
		all.add(strings.Clone(entity), strings.Clone(metric), when, v)
	}
}

// ParseTime reads a time as RFC 3339, or a number of seconds, milliseconds,
// microseconds or nanoseconds since 1970, told apart by its size.
func ParseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(v) < 9e18) {
		return time.Time{}, fmt.Errorf("time %q is neither RFC 3339, such as 2026-03-01T14:00:00Z, nor a Unix time", text)
	}
	for v > 1e11 || v < -1e11 { // seconds until the year 5138
		v /= 1e3
	}
	return time.UnixMilli(int64(math.Round(v * 1e3))).UTC(), nil
}

// collection gathers samples into series.
type collection struct {
	series map[[2]string]*anomaly.Series
	order  []*anomaly.Series
}

func newCollection() *collection { return &collection{series: map[[2]string]*anomaly.Series{}} }

func (c *collection) add(entity, metric string, at time.Time, v float64) {
	k := [2]string{entity, metric}
	s := c.series[k]
	if s == nil {
		s = &anomaly.Series{Entity: graph.Entity(entity), Metric: metric}
		c.series[k] = s
		c.order = append(c.order, s)
	}
	s.Add(at, v)
}

func (c *collection) sorted() []*anomaly.Series {
	for _, s := range c.order {
		s.Sort()
	}
	return c.order
}

// sortedByName puts series in the order of entity and metric.
func sortedByName(all []*anomaly.Series) []*anomaly.Series {
	slices.SortFunc(all, func(a, b *anomaly.Series) int {
		return cmp.Or(cmp.Compare(a.Entity, b.Entity), cmp.Compare(a.Metric, b.Metric))
	})
	return all
}
