package causes

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
)

// Case is an incident of known cause.
type Case struct {
	Name   string
	Entity graph.Entity // of the symptom
	Metric string
	At     time.Time // when it was seen
	Cause  graph.Entity
	Test   bool // of the part that nothing may be chosen by
	Series []*anomaly.Series
}

// System is a part of PetShop: one call graph, its normal operation, and
// incidents.
type System struct {
	Name   string
	Graph  *graph.View
	Normal []*anomaly.Series
	Cases  []Case
}

// ReadPetShop reads the systems below a folder of the PetShop data set
// (Amazon, CC-BY-4.0): low_traffic, high_traffic, temporal_traffic, as far as
// they are there, or the one that the folder itself is.
func ReadPetShop(dir string) ([]System, error) {
	names := []string{"."}
	if _, err := os.Stat(filepath.Join(dir, "graph.csv")); errors.Is(err, fs.ErrNotExist) {
		names = []string{"high_traffic", "low_traffic", "temporal_traffic1", "temporal_traffic2", "temporal_traffic"}
	}
	var out []System
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name, "graph.csv")); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s, err := readSystem(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no graph.csv, and neither does a folder high_traffic below it; give the folder of the PetShop data set", dir)
	}
	return out, nil
}

func readSystem(dir string) (s System, err error) {
	s.Name = filepath.Base(dir)
	if s.Graph, err = open(filepath.Join(dir, "graph.csv"), readMatrix); err != nil {
		return s, err
	}
	if s.Normal, err = readNormal(filepath.Join(dir, "noissue")); err != nil {
		return s, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "issue_*", "target.json"))
	if err != nil {
		return s, err
	}
	for _, f := range files {
		c, err := readCase(dir, filepath.Dir(f))
		if err != nil {
			return s, err
		}
		s.Cases = append(s.Cases, c)
	}
	return s, nil
}

func readNormal(dir string) ([]*anomaly.Series, error) {
	if _, err := os.Stat(filepath.Join(dir, "metrics.csv")); err == nil {
		return open(filepath.Join(dir, "metrics.csv"), readMetrics)
	}
	return open(filepath.Join(dir, "metrics.csv.gz"), func(r io.Reader) ([]*anomaly.Series, error) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return readMetrics(z)
	})
}

func readCase(system, dir string) (c Case, err error) {
	name, err := filepath.Rel(system, dir)
	if err != nil {
		return c, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "target.json"))
	if err != nil {
		return c, err
	}
	var t struct {
		Target struct {
			Node, Metric, Agg string
			Timestamp         float64
		}
		Root struct{ Node string } `json:"root_cause"`
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return c, fmt.Errorf("%s/target.json: %w", dir, err)
	}
	c = Case{
		Name: filepath.ToSlash(name), Entity: graph.Entity(t.Target.Node), Metric: statistic(t.Target.Metric, t.Target.Agg),
		At: time.UnixMilli(int64(t.Target.Timestamp * 1000)).UTC(), Cause: graph.Entity(t.Root.Node), Test: strings.HasPrefix(filepath.ToSlash(name), "test/"),
	}
	c.Series, err = open(filepath.Join(dir, "metrics.csv"), readMetrics)
	return c, err
}

// statistic names a metric and how it was aggregated: latency_Average.
func statistic(metric, agg string) string { return metric + "_" + agg }

// readMatrix reads a call graph as a matrix: a row calls the columns that are
// not 0.
func readMatrix(r io.Reader) (*graph.View, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("is empty; want a matrix of calls")
	}
	g := graph.New()
	for i, row := range rows[1:] {
		for k, cell := range row[1:] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, fmt.Errorf("line %d: %q is not a number", i+2, cell)
			}
			if v != 0 {
				g.Add(graph.Edge{Source: graph.Entity(row[0]), Target: graph.Entity(rows[0][k+1]), Declared: true})
			}
		}
	}
	return g.Whole(), nil
}

// readMetrics reads PetShop's metrics: a column a series, under three rows of
// service, metric and statistic, and a row with the name of the index.
func readMetrics(r io.Reader) ([]*anomaly.Series, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 4 {
		return nil, fmt.Errorf("has %d rows; want service, metric and statistic, the name of the index, and samples", len(rows))
	}
	all := newCollection()
	for n, row := range rows[4:] {
		at, err := ParseTime(row[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+5, err)
		}
		for k, cell := range row[1:] {
			if cell == "" {
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, fmt.Errorf("line %d: value %q of %s is not a number", n+5, cell, rows[0][k+1])
			}
			all.add(rows[0][k+1], statistic(rows[1][k+1], rows[2][k+1]), at, v)
		}
	}
	return all.sorted(), nil
}

// before puts normal operation before an incident: shifted by whole days, so
// that the hour of day stays, to end within the day before the incident's first
// sample. Level and scale come from series that exist for real then.
func before(normal []*anomaly.Series, c *Case) []*anomaly.Series {
	first, last := int64(0), int64(0)
	for i, s := range c.Series {
		if s.Len() > 0 && (i == 0 || s.T[0] < first) {
			first = s.T[0]
		}
	}
	for _, s := range normal {
		if s.Len() > 0 {
			last = max(last, s.T[s.Len()-1])
		}
	}
	const day = 24 * 60 * 60 * 1000
	shift := (last-first)/day*day + day // the end comes before the first sample
	if last-shift >= first {
		shift += day
	}
	if last < first {
		shift = -((first - last - 1) / day * day)
	}
	joined := map[[2]string]*anomaly.Series{}
	var out []*anomaly.Series
	add := func(part []*anomaly.Series, shift int64) {
		for _, s := range part {
			k := [2]string{string(s.Entity), s.Metric}
			to := joined[k]
			if to == nil {
				to = &anomaly.Series{Entity: s.Entity, Metric: s.Metric}
				joined[k], out = to, append(out, to)
			}
			for i := range s.T {
				to.T, to.V = append(to.T, s.T[i]-shift), append(to.V, s.V[i])
			}
		}
	}
	add(normal, shift)
	add(c.Series, 0)
	for _, s := range out {
		s.Sort()
	}
	return out
}
