package world

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// WriteReferences writes the training profile of every model into a directory,
// as NAME.csv: rows from the same distributions as the events, but other rows,
// one second apart, none of them faulty, the last one before the run begins.
func (w *World) WriteReferences(dir string, rows int) error {
	for _, m := range w.models {
		if err := w.writeReference(filepath.Join(dir, m.name+".csv"), m, rows); err != nil {
			return fmt.Errorf("write reference of model %s: %w", m.name, err)
		}
	}
	return nil
}

func (w *World) writeReference(file string, m *model, rows int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	err = w.reference(b, m, rows)
	if flushed := b.Flush(); err == nil {
		err = flushed
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// Columns of a reference file that are not features, for the model's
// configuration. A regression has no prediction.
func (w *World) Columns(model string) (prediction string) {
	for _, m := range w.models {
		if m.name == model && !m.regression {
			return loadtest.ColumnPrediction
		}
	}
	return ""
}

func (w *World) reference(to io.Writer, m *model, rows int) error {
	c := csv.NewWriter(to)
	header := append([]string{loadtest.ColumnTimestamp}, m.numeric...)
	header = append(append(header, m.categorical...), loadtest.ColumnScore, loadtest.ColumnLatency)
	header = append(header, loadtest.ColumnLabel)
	if !m.regression {
		header = append(header, loadtest.ColumnPrediction)
	}
	if err := c.Write(header); err != nil {
		return err
	}
	d, r := draw.New(), m.newRow()
	var e schemas.Event
	start := w.Start.Truncate(time.Second).Add(-time.Duration(rows) * time.Second)
	for i := range rows {
		at := start.Add(time.Duration(i) * time.Second)
		d.Seed(w.Seed, streamReference+uint64(m.index), uint64(i))
		m.draw(d, r, 0)
		truth := m.truth(d, r, 0)
		m.answer(r, 0, &e)
		took := d.Lognormal(m.median, 0.35) * queueing(usual*w.traffic(m, at.UnixMilli()))
		if m.provider != nil {
			took += d.Lognormal(providerMS, 0.25)
		}
		line := append(make([]string, 0, len(header)), at.Format(time.RFC3339))
		for _, x := range r.numeric {
			line = append(line, number(x))
		}
		line = append(append(line, r.categorical...), number(*e.Score), number(draw.Digits(took, 3)))
		if m.regression {
			line = append(line, number(*truth.Value))
		} else {
			line = append(line, truth.Label, e.Prediction)
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
