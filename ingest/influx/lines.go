package influx

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/influxdata/line-protocol/v2/lineprotocol"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

// Limits, so that a hostile record cannot take all memory: every field of a
// line gets a copy of its tags.
const (
	maxTags  = 128     // of a line
	maxText  = 4 << 10 // bytes of a measurement, of a tag's key or value, of a field's key
	maxCells = 2 << 20 // tags over all fields of a record, each field counting four more
)

// scraped is Telegraf's measurement for all metrics from Prometheus.
const scraped = "prometheus"

// Lines appends the samples of the lines in b to dst. Every numeric or boolean
// field is one sample, with the metric measurement_field; true is 1, false 0,
// and whole numbers beyond 2^53 lose their last digits. String fields are left
// out: they are descriptions such as a driver's version, and as labels they
// would make a new series of every change. Tags become columns, as
// metricnames.Columns does, and Labels, each sample with its own.
//
// Two measurements are taken apart, because Telegraf makes them from
// Prometheus: with metric_version 2 the measurement is prometheus and the field
// is the metric; with metric_version 1, a single field called gauge, counter or
// value is the measurement itself. Histograms come out right with
// metric_version 2 only, since 1 turns bounds into names of fields.
//
// Timestamps are in nanoseconds. A line without one takes received: the time
// of the Kafka record, and not the clock, so that reading twice is reading the
// same. On error dst is returned as it came.
func Lines(dst []schemas.Sample, b []byte, received time.Time) ([]schemas.Sample, error) {
	if len(b) == 0 {
		return dst, errors.New("line protocol: the record is empty")
	}
	r := reader{dec: lineprotocol.NewDecoderWithBytes(b), received: received.UTC(), out: dst}
	for r.dec.Next() {
		if err := r.line(); err != nil {
			return dst, placed(err, len(r.out)-len(dst))
		}
	}
	return r.out, nil
}

// placed says where the line protocol is broken.
func placed(err error, samples int) error {
	if at := new(lineprotocol.DecodeError); errors.As(err, &at) {
		return fmt.Errorf("line protocol, line %d, byte %d: %.200s", at.Line, at.Column, at.Err.Error())
	}
	return fmt.Errorf("line protocol, after %d samples: %w", samples, err)
}

// reader of a record.
type reader struct {
	dec      *lineprotocol.Decoder
	received time.Time
	out      []schemas.Sample
	cells    int
}

// line appends the samples of one line; their time is known last.
func (r *reader) line() error {
	measurement, err := r.dec.Measurement()
	if err != nil {
		return err
	}
	name, err := text("measurement", measurement)
	if err != nil {
		return err
	}
	head := schemas.Sample{Metric: name}
	if head.Labels, err = r.tags(name); err != nil {
		return err
	}
	if name != scraped { // there the columns depend on the field
		metricnames.Columns(&head)
	}
	first := len(r.out)
	if err := r.fields(name, &head); err != nil {
		return err
	}
	at, err := r.dec.Time(lineprotocol.Nanosecond, r.received)
	if err != nil {
		return err
	}
	for i := first; i < len(r.out); i++ {
		r.out[i].Time = at.UTC()
	}
	return nil
}

func (r *reader) tags(measurement string) (map[string]string, error) {
	labels := map[string]string{}
	for n := 0; ; n++ {
		k, v, err := r.dec.NextTag()
		if err != nil || k == nil {
			return labels, err
		}
		if n == maxTags {
			return nil, fmt.Errorf("measurement %.64q has more than %d tags: drop some with tagexclude", measurement, maxTags)
		}
		key, err := text("tag", k)
		if err != nil {
			return nil, err
		}
		if labels[key], err = text("value of tag "+key, v); err != nil {
			return nil, err
		}
	}
}

// fields appends a sample for each field that holds a number.
func (r *reader) fields(measurement string, head *schemas.Sample) error {
	first, fields, only := len(r.out), 0, ""
	for ; ; fields++ {
		k, v, err := r.dec.NextField()
		if err != nil {
			return err
		}
		if k == nil {
			break
		}
		value, numeric := float(v)
		if !numeric {
			continue
		}
		if only, err = text("field", k); err != nil {
			return err
		}
		if r.cells += len(head.Labels) + 4; r.cells > maxCells {
			return fmt.Errorf("the record has more than %d tags over all fields: lower metric_batch_size", maxCells)
		}
		s := *head
		s.Metric, s.Value = metric(measurement, only), value
		if fields > 0 || measurement == scraped { // each its own: they change when units are converted
			s.Labels = maps.Clone(head.Labels)
		}
		if measurement == scraped {
			metricnames.Columns(&s)
		}
		r.out = append(r.out, s)
	}
	if fields == 1 && len(r.out) > first && (only == "gauge" || only == "counter" || only == "value") {
		r.out[first].Metric = measurement
	}
	return nil
}

func metric(measurement, field string) string {
	if measurement == scraped {
		return field
	}
	return measurement + "_" + field
}

// float is the value of a field that is not a string.
func float(v lineprotocol.Value) (float64, bool) {
	switch v.Kind() {
	case lineprotocol.Int:
		return float64(v.IntV()), true
	case lineprotocol.Uint:
		return float64(v.UintV()), true
	case lineprotocol.Float:
		return v.FloatV(), true
	case lineprotocol.Bool:
		if v.BoolV() {
			return 1, true
		}
		return 0, true
	default:
		return 0, false
	}
}

// text copies b, which the decoder will overwrite. The decoder has seen to it
// that it is UTF-8.
func text(what string, b []byte) (string, error) {
	if len(b) > maxText {
		return "", fmt.Errorf("%.128s %q has %d bytes, more than %d: drop or shorten it", what, b[:64], len(b), maxText)
	}
	return string(b), nil
}
