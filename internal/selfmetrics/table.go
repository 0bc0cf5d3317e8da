package selfmetrics

import (
	"bytes"
	"fmt"
	"strings"
)

// Kind of a metric, in Prometheus' terms. A histogram is VictoriaMetrics'
// with vmrange buckets: name_bucket, name_sum and name_count.
type Kind string

// The kinds of metric.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric describes one family of metrics for its readers.
type Metric struct {
	Name   string
	Kind   Kind
	Labels string // names, separated by commas
	Help   string // what it counts, and what to think of it
}

// MetricsPage is the manual page of metrics, docs/metrics.md.
func MetricsPage(table []Metric) []byte {
	var b bytes.Buffer
	b.WriteString(`# Metrics

This page is generated from the code: ` + "`make generate`" + `.

Served at ` + "`admin.listen`" + ` under /metrics, beside the metrics of the Go runtime and
the process (` + "`go_*`, `process_*`" + `). Histograms are VictoriaMetrics' (vmrange buckets);
they have ` + "`_sum`" + ` and ` + "`_count`" + ` as everywhere.

| metric | kind | labels | meaning |
|---|---|---|---|
`)
	for _, m := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, m.Labels, strings.ReplaceAll(m.Help, "|", `\|`))
	}
	return b.Bytes()
}
