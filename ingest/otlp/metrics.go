package otlp

import (
	"bytes"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/schemas"
)

// Fields of opentelemetry.proto.metrics.v1.Metric: its data are one of them.
const (
	gaugeData       = 5
	sumData         = 7
	histogramData   = 9
	exponentialData = 10
	summaryData     = 11
)

// temporalityLabel is "delta" on sums and counts since the last report. Those
// since the start of the process, which Prometheus calls counters, have none.
const temporalityLabel = "otel.temporality"

// Metrics appends the samples of one record to dst: all of them, or none and
// an error. Several samples may share one map of labels; nobody may change it.
//
// A gauge or sum is one sample. Other kinds become several, by the Prometheus
// conventions: name_count, name_sum, and name_bucket with the label le (a
// running total up to that bound) or name with the label quantile; name_min
// and name_max if they are there. Exponential histograms give no buckets.
// Names stay as they were sent. Counts have no unit; the others have the
// metric's, in UCUM as OTLP asks.
//
// Time is time_unix_nano; it is zero if that is not set. Attributes of the
// resource and the point become columns (tenant, service.name as the source,
// model, deployment, pod, node, GPU) or labels. The scope is not kept.
func (d *Decoder) Metrics(dst []schemas.Sample, b []byte) ([]schemas.Sample, error) {
	d.begin()
	d.out, d.first = dst, len(dst)
	err := each(b, 1, "resource_metrics", d.resourceMetrics)
	out := d.out
	d.out = nil
	if err != nil {
		clear(out[len(dst):])
		return dst, err
	}
	d.done()
	return out, nil
}

// each calls f with every value of a repeated field of embedded messages.
func each(b []byte, field int32, name string, f func([]byte) error) error {
	m := message{b: b}
	for i := 0; m.next(); {
		if m.num != field || !m.is(protowire.BytesType) {
			continue
		}
		if err := f(m.val); err != nil {
			return at(name, i, err)
		}
		i++
	}
	return m.err
}

func (d *Decoder) resourceMetrics(b []byte) error {
	r, err := d.resourceIn(b)
	if err != nil {
		return err
	}
	return each(b, 2, "scope_metrics", func(scope []byte) error {
		return each(scope, 2, "metrics", func(metric []byte) error {
			return d.metric(r, metric)
		})
	})
}

// resourceIn looks for field 1 of ResourceMetrics or ResourceSpans, which may
// stand behind what belongs to it.
func (d *Decoder) resourceIn(b []byte) (*resource, error) {
	m, encoded := message{b: b}, merged{}
	for m.next() {
		if m.num == 1 && m.is(protowire.BytesType) {
			encoded.add(m.val)
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	return d.resource(encoded.b)
}

// metric is what the points of one metric share.
type metric struct {
	r     *resource
	name  string
	unit  string
	delta bool
	dcgm  bool

	count, sum, low, high, bucket string // names of what is derived from it
}

func (m *metric) derive(w *words) {
	m.count, m.sum = w.joined(m.name, "_count"), w.joined(m.name, "_sum")
	m.low, m.high = w.joined(m.name, "_min"), w.joined(m.name, "_max")
	m.bucket = w.joined(m.name, "_bucket")
}

func (d *Decoder) metric(r *resource, b []byte) error {
	var name, unit []byte
	var kind int32
	var data merged
	m := message{b: b}
	for m.next() {
		switch m.num {
		case 1:
			if m.is(protowire.BytesType) {
				name = m.val
			}
		case 3:
			if m.is(protowire.BytesType) {
				unit = m.val
			}
		case gaugeData, sumData, histogramData, exponentialData, summaryData:
			if !m.is(protowire.BytesType) {
				break
			}
			if kind != m.num { // of several kinds of data the last one counts
				kind, data = m.num, merged{}
			}
			data.add(m.val)
		}
	}
	if m.err != nil {
		return m.err
	}
	return d.data(metric{
		r: r, name: d.words.of(name), unit: d.words.of(unit),
		dcgm: bytes.HasPrefix(name, []byte("DCGM_")),
	}, kind, data.b)
}

func (d *Decoder) data(m metric, kind int32, b []byte) (err error) {
	if kind == sumData || kind == histogramData || kind == exponentialData {
		if m.delta, err = isDelta(b); err != nil {
			return in(dataNames[kind], err)
		}
	}
	if kind != gaugeData && kind != sumData {
		m.derive(&d.words)
	}
	switch kind {
	case gaugeData, sumData:
		err = d.numbers(&m, b)
	case histogramData:
		err = d.histograms(&m, b)
	case exponentialData:
		err = d.exponentials(&m, b)
	case summaryData:
		err = d.summaries(&m, b)
	}
	if err != nil {
		return in(dataNames[kind], err)
	}
	return nil
}

var dataNames = map[int32]string{
	gaugeData: "gauge", sumData: "sum", histogramData: "histogram", exponentialData: "exponential_histogram", summaryData: "summary",
}

// isDelta reads the aggregation temporality, which may stand behind the points.
func isDelta(b []byte) (delta bool, err error) {
	m := message{b: b}
	for m.next() {
		if m.num == 2 && m.is(protowire.VarintType) {
			delta = int32(m.bits) == 1 // AGGREGATION_TEMPORALITY_DELTA
		}
	}
	return delta, m.err
}

// blank is from where DCGM's signs for "no value" begin: 0x7ffffffffffffff0
// (dcgm_structs.h, DCGM_INT64_BLANK), which as a float64 is 2^63. Older
// exporters print them.
const blank = 1 << 63

// emit appends one sample. Values that no statistic can use are left out: a
// summary without observations has NaN for its quantiles.
func (d *Decoder) emit(set *labelSet, labels map[string]string, m *metric, name, unit string, t time.Time, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) || m.dcgm && value >= blank {
		d.now.SkippedPoints++
		return
	}
	d.out = append(d.out, set.sample)
	s := &d.out[len(d.out)-1]
	s.Time, s.Metric, s.Value, s.Unit, s.Labels = t, name, value, unit, labels
}

// timeOf takes nanoseconds since 1970; 0 is unknown.
func timeOf(nanos uint64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(int64(nanos/1e9), int64(nanos%1e9)).UTC()
}
