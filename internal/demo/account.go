package demo

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/loadtest"
)

// tables that records of a kind are stored in.
var tables = map[loadtest.Kind]string{
	loadtest.Events:    "inference_events",
	loadtest.Labels:    "labels",
	loadtest.Telemetry: "telemetry",
	loadtest.Jobs:      "job_events",
	loadtest.Changes:   "changes",
}

func count(ctx context.Context, a *app.App, sql string) (n uint64, err error) {
	if err := a.DB().Conn().QueryRow(ctx, sql).Scan(&n); err != nil {
		return 0, fmt.Errorf("count stored rows: %w", err)
	}
	return n, nil
}

// audit holds what was produced against what is stored.
func audit(ctx context.Context, a *app.App, p *loadtest.Producer) (c Conservation, err error) {
	for _, kind := range loadtest.Kinds {
		stored, err := count(ctx, a, "SELECT count() FROM "+tables[kind])
		if err != nil {
			return c, err
		}
		c.Records = append(c.Records, Count{kind, p.Sent(kind), stored})
	}
	if c.InNumeric, err = count(ctx, a, "SELECT sum(rows) FROM feature_sketches_1m"); err != nil {
		return c, err
	}
	// Position 0 is the prediction, which every event of the fleet has.
	if c.InCategory, err = count(ctx, a, "SELECT sum(rows) FROM category_counts_1m WHERE position = 0"); err != nil {
		return c, err
	}
	c.DeadLetters = uint64(totals(a.Metrics())["driftline_ingest_dead_letters_total"])
	c.check()
	return c, nil
}

// totals are the pipeline's own metrics, summed over their labels, without the
// buckets of histograms.
func totals(set *metrics.Set) map[string]float64 {
	var text bytes.Buffer
	set.WritePrometheus(&text)
	out := map[string]float64{}
	for lines := bufio.NewScanner(&text); lines.Scan(); {
		name, value, ok := lastField(lines.Text())
		name, _, _ = strings.Cut(name, "{")
		if ok && strings.HasPrefix(name, "driftline_") && !strings.HasSuffix(name, "_bucket") {
			out[name] += value
		}
	}
	return out
}

func lastField(line string) (rest string, value float64, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", 0, false
	}
	value, err := strconv.ParseFloat(line[i+1:], 64)
	return line[:i], value, err == nil
}
