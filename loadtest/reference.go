package loadtest

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
)

// Columns of a reference file beside the features.
const (
	ColumnTimestamp  = "timestamp"
	ColumnPrediction = "prediction"
	ColumnScore      = "score"
	ColumnLatency    = "latency_ms"
	ColumnLabel      = "label"
)

// WriteReferences writes the training profile of every model into a directory,
// as NAME.csv: rows from the same distributions as the events, but other rows,
// and none of them faulty.
func WriteReferences(dir string, seed uint64, rows int, end time.Time) error {
	for _, m := range models {
		file := filepath.Join(dir, m.name+".csv")
		if err := m.writeReferenceFile(file, seed, rows, end); err != nil {
			return fmt.Errorf("write reference of model %s: %w", m.name, err)
		}
	}
	return nil
}

func (m *model) writeReferenceFile(file string, seed uint64, rows int, end time.Time) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := m.writeReference(w, seed, rows, end); err != nil {
		_ = f.Close()
		return err
	}
	if err := w.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// writeReference writes rows one second apart, the last one before end.
func (m *model) writeReference(to io.Writer, seed uint64, rows int, end time.Time) error {
	w := csv.NewWriter(to)
	header := append([]string{ColumnTimestamp}, m.numeric...)
	header = append(append(header, m.categorical...), ColumnPrediction, ColumnScore, ColumnLatency, ColumnLabel)
	if err := w.Write(header); err != nil {
		return err
	}
	d, r := draw.New(), m.newRow()
	start := end.UTC().Truncate(time.Second).Add(-time.Duration(rows) * time.Second)
	for i := range rows {
		d.Seed(seed, streamReference, uint64(i)<<8+uint64(len(m.name)))
		m.draw(d, r)
		truth := m.truth(d, r)
		m.answer(d.NormFloat64(), r)
		line := append(make([]string, 0, len(header)), start.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
		for _, x := range r.numeric {
			line = append(line, number(x))
		}
		line = append(append(line, r.categorical...), r.prediction, number(r.score), number(draw.Digits(d.Lognormal(m.latency.median, m.latency.sd), 3)), truth)
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
