// Package otlp decodes what the OpenTelemetry Collector's Kafka exporter
// writes with the encoding otlp_proto: metrics become telemetry samples, and
// the spans of calls to models become inference events.
//
// The records are opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest
// and opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest, which
// have the wire form of MetricsData and TracesData. Field numbers are those of
// opentelemetry-proto 1.11. Only the fields that are used are read; unknown
// fields are skipped.
//
// A record gives all its rows or an error that names the faulty field, such as
// resource_metrics[0].scope_metrics[1].metrics[3].sum.data_points[2].
package otlp

import (
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/driftline/driftline/schemas"
)

// Limits of one record. A point of two bytes makes a sample of two hundred, and
// each bucket of a histogram repeats all attributes of its resource.
const (
	maxRows   = 100_000 // samples or events; ingest takes no more from a record
	maxLabels = 1 << 21 // label entries of all its samples
	maxDepth  = 16      // of lists within attributes
)

// Decoder decodes records. What series of metrics are called is the same in
// every record, so it remembers label sets and strings within a fixed bound;
// what it returns does not depend on what it remembers. The zero value is ready
// for use, by one goroutine at a time.
type Decoder struct {
	words  words
	series series
	span   span
	json   fastjson.Parser

	out    []schemas.Sample
	first  int // place in out of the record's first sample
	counts []uint64
	bounds []uint64 // bits of float64
	now    Stats    // of the present record
	stats  Stats
}

// Stats counts what the decoded records held and no row was made of. Records
// that gave an error are not counted.
type Stats struct {
	SkippedPoints uint64 // no recorded value, not a finite number, or DCGM's sign for blank
	SkippedSpans  uint64 // not a call to a model, or the model is not named
}

// Stats of all records so far.
func (d *Decoder) Stats() Stats { return d.stats }

func (d *Decoder) begin() {
	d.now = Stats{}
	d.words.trim()
	d.series.trim()
}

func (d *Decoder) done() {
	d.stats.SkippedPoints += d.now.SkippedPoints
	d.stats.SkippedSpans += d.now.SkippedSpans
}

func checkRows(n int) error {
	if n > maxRows {
		return fmt.Errorf("%w: the record holds more than %d rows; send smaller batches", errLimit, maxRows)
	}
	return nil
}
