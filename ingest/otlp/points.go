package otlp

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// noRecordedValue is the flag of points that say that a series ended.
const noRecordedValue = 1

// point is what the points of all kinds have.
type point struct {
	attributes run
	nanos      uint64
	flags      uint64

	sum, low, high float64 // NaN is missing
	count          uint64
}

// usable is false for a faulty point and for one that has no value, which is
// counted.
func (d *Decoder) usable(p *point, fault error) (bool, error) {
	if fault == nil && p.flags&noRecordedValue != 0 {
		d.now.SkippedPoints++
		return false, nil
	}
	return fault == nil, fault
}

func (m *message) attribute(into *run) {
	if m.is(protowire.BytesType) {
		into.add(m)
	}
}

// points calls f with every data point of a gauge, sum, histogram or summary.
func (d *Decoder) points(b []byte, f func([]byte) error) error {
	return each(b, 1, "data_points", func(b []byte) error {
		if err := f(b); err != nil {
			return err
		}
		return checkRows(len(d.out) - d.first)
	})
}

// label finds the labels of a point, with a mark if it counts from the last
// report.
func (d *Decoder) label(m *metric, p *point, field int32) (set *labelSet, labels map[string]string, err error) {
	if set, err = d.labels(m.r, p.attributes.raw, field); err != nil {
		return nil, nil, err
	}
	if labels = set.sample.Labels; m.delta {
		labels, err = d.with(set, variant{delta: true})
	}
	return set, labels, err
}

// numbers takes opentelemetry.proto.metrics.v1.Gauge and Sum.
func (d *Decoder) numbers(m *metric, b []byte) error {
	return d.points(b, func(b []byte) error {
		var p point
		value := math.NaN()
		f := message{b: b}
		for f.next() {
			switch f.num {
			case 7:
				f.attribute(&p.attributes)
			case 3:
				f.fixed(&p.nanos)
			case 4:
				f.number(&value)
			case 6:
				if f.is(protowire.Fixed64Type) {
					value = float64(int64(f.bits))
				}
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
		d.emit(set, labels, m, m.name, m.unit, timeOf(p.nanos), value)
		return nil
	})
}
