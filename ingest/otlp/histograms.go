package otlp

import (
	"fmt"
	"math"
	"time"
)

// totals emits what histograms and summaries have: the count, and the sum and
// the extremes as far as they are there.
func (d *Decoder) totals(set *labelSet, labels map[string]string, m *metric, p *point) time.Time {
	t := timeOf(p.nanos)
	d.emit(set, labels, m, m.count, "", t, float64(p.count))
	d.present(set, labels, m, m.sum, t, p.sum)
	d.present(set, labels, m, m.low, t, p.low)
	d.present(set, labels, m, m.high, t, p.high)
	return t
}

func (d *Decoder) present(set *labelSet, labels map[string]string, m *metric, name string, t time.Time, value float64) {
	if !math.IsNaN(value) {
		d.emit(set, labels, m, name, m.unit, t, value)
	}
}

// histograms takes opentelemetry.proto.metrics.v1.Histogram.
func (d *Decoder) histograms(m *metric, b []byte) error {
	return d.points(b, func(b []byte) error {
		p := point{sum: math.NaN(), low: math.NaN(), high: math.NaN()}
		d.counts, d.bounds = d.counts[:0], d.bounds[:0]
		f := message{b: b}
		for f.next() {
			switch f.num {
			case 9:
				f.attribute(&p.attributes)
			case 3:
				f.fixed(&p.nanos)
			case 4:
				f.fixed(&p.count)
			case 5:
				f.number(&p.sum)
			case 6:
				d.counts = fixedList(&f, d.counts)
			case 7:
				d.bounds = fixedList(&f, d.bounds)
			case 10:
				f.varint(&p.flags)
			case 11:
				f.number(&p.low)
			case 12:
				f.number(&p.high)
			}
		}
		if ok, err := d.usable(&p, f.err); !ok {
			return err
		}
		return d.histogram(m, &p)
	})
}

func (d *Decoder) histogram(m *metric, p *point) error {
	if n := len(d.counts); n > 0 && n != len(d.bounds)+1 {
		return fmt.Errorf("%d bucket_counts and %d explicit_bounds: there must be one count more", n, len(d.bounds))
	}
	set, labels, err := d.label(m, p, 9)
	if err != nil {
		return err
	}
	t := d.totals(set, labels, m, p)
	return d.buckets(set, m, t)
}

func (d *Decoder) buckets(set *labelSet, m *metric, t time.Time) error {
	var below uint64
	for i, n := range d.counts {
		below += n
		bound := math.Float64bits(math.Inf(1))
		if i < len(d.bounds) {
			bound = d.bounds[i]
		}
		labels, err := d.with(set, variant{"le", bound, m.delta})
		if err != nil {
			return err
		}
		d.emit(set, labels, m, m.bucket, "", t, float64(below))
	}
	return nil
}

// exponentials takes opentelemetry.proto.metrics.v1.ExponentialHistogram. Its
// buckets change their bounds whenever the range grows, so that they make no
// series; count and sum give rates and means.
func (d *Decoder) exponentials(m *metric, b []byte) error {
	return d.points(b, func(b []byte) error {
		p := point{sum: math.NaN(), low: math.NaN(), high: math.NaN()}
		f := message{b: b}
		for f.next() {
			switch f.num {
			case 1:
				f.attribute(&p.attributes)
			case 3:
				f.fixed(&p.nanos)
			case 4:
				f.fixed(&p.count)
			case 5:
				f.number(&p.sum)
			case 10:
				f.varint(&p.flags)
			case 12:
				f.number(&p.low)
			case 13:
				f.number(&p.high)
			}
		}
		if ok, err := d.usable(&p, f.err); !ok {
			return err
		}
		set, labels, err := d.label(m, &p, 1)
		if err != nil {
			return err
		}
		d.totals(set, labels, m, &p)
		return nil
	})
}

// summaries takes opentelemetry.proto.metrics.v1.Summary.
func (d *Decoder) summaries(m *metric, b []byte) error {
	return d.points(b, func(b []byte) error {
		p, quantiles := point{low: math.NaN(), high: math.NaN()}, run{}
		f := message{b: b}
		for f.next() {
			switch f.num {
			case 7:
				f.attribute(&p.attributes)
			case 3:
				f.fixed(&p.nanos)
			case 4:
				f.fixed(&p.count)
			case 5:
				f.number(&p.sum)
			case 6:
				f.attribute(&quantiles)
			case 8:
				f.varint(&p.flags)
			}
		}
		if ok, err := d.usable(&p, f.err); !ok {
			return err
		}
		set, labels, err := d.label(m, &p, 7)
		if err != nil {
			return err
		}
		t := d.totals(set, labels, m, &p)
		return d.quantiles(set, m, quantiles.raw, t)
	})
}

func (d *Decoder) quantiles(set *labelSet, m *metric, raw []byte, t time.Time) error {
	return each(raw, 6, "quantile_values", func(b []byte) error {
		var quantile, value float64
		f := message{b: b}
		for f.next() {
			switch f.num {
			case 1:
				f.number(&quantile)
			case 2:
				f.number(&value)
			}
		}
		if f.err != nil {
			return f.err
		}
		labels, err := d.with(set, variant{"quantile", math.Float64bits(quantile), m.delta})
		if err != nil {
			return err
		}
		d.emit(set, labels, m, m.name, m.unit, t, value)
		return nil
	})
}
