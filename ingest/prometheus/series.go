package prometheus

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

// nameLabel holds the name of the metric.
const nameLabel = "__name__"

// staleMarker is the NaN by which Prometheus says that a series ended.
const staleMarker = 0x7ff0000000000002

// head is what the samples of a series have in common.
func (w *walker) head() (schemas.Sample, error) {
	s := schemas.Sample{Labels: make(map[string]string, len(w.labels))}
	for _, l := range w.labels {
		if l.name == nameLabel {
			s.Metric = l.value
		} else if l.name != "" && l.value != "" { // without a value it is the same as no label
			s.Labels[l.name] = l.value
		}
	}
	if s.Metric == "" {
		return s, fmt.Errorf("label %s is missing or empty: a series needs a name", nameLabel)
	}
	metricnames.Columns(&s)
	w.given = false
	return s, nil
}

// points appends the samples and histograms of a series.
func (w *walker) points(b []byte, head *schemas.Sample) error {
	n := 0
	return fields(b, func(num protowire.Number, _ protowire.Type, v []byte) error {
		var err error
		switch num {
		case 2:
			n++
			err = w.sample(v, head)
		case 4:
			n++
			err = w.histogram(v, head)
		default: // labels, exemplars
		}
		if err != nil {
			return fmt.Errorf("sample %d of %.64q: %w", n, head.Metric, err)
		}
		return nil
	})
}

// point is the value and time that a sample or histogram holds.
type point struct {
	value, count float64
	millis       int64
}

func (w *walker) sample(b []byte, head *schemas.Sample) error {
	var p point
	err := fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		switch num {
		case 1:
			return double(typ, v, &p.value)
		case 2:
			return varint(typ, v, func(u uint64) { p.millis = int64(u) })
		default: // none in a sample; the buckets of a histogram
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.add(head, "", p.value, p.millis)
}

// histogram is a native one: its count and its sum.
func (w *walker) histogram(b []byte, head *schemas.Sample) error {
	var p point
	err := fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		switch num {
		case 1:
			return varint(typ, v, func(u uint64) { p.count = float64(u) })
		case 2:
			return double(typ, v, &p.count)
		case 3:
			return double(typ, v, &p.value)
		case 15:
			return varint(typ, v, func(u uint64) { p.millis = int64(u) })
		default: // none in a sample; the buckets of a histogram
		}
		return nil
	})
	if err != nil || math.Float64bits(p.value) == staleMarker {
		return err
	}
	if err := w.add(head, "_count", p.count, p.millis); err != nil {
		return err
	}
	return w.add(head, "_sum", p.value, p.millis)
}

var errNoTime = errors.New("the timestamp is missing: give milliseconds since 1970")

func (w *walker) add(head *schemas.Sample, suffix string, value float64, millis int64) error {
	if math.Float64bits(value) == staleMarker {
		return nil
	}
	if millis == 0 {
		return errNoTime
	}
	s := *head
	s.Metric += suffix
	s.Value, s.Time = value, time.UnixMilli(millis).UTC()
	if w.given { // each its own: they change when units are converted
		s.Labels = maps.Clone(head.Labels)
	}
	w.given = true
	w.out = append(w.out, s)
	return nil
}

func double(typ protowire.Type, b []byte, into *float64) error {
	if typ != protowire.Fixed64Type {
		return errWireType
	}
	v, _ := protowire.ConsumeFixed64(b)
	*into = math.Float64frombits(v)
	return nil
}

func varint(typ protowire.Type, b []byte, set func(uint64)) error {
	if typ != protowire.VarintType {
		return errWireType
	}
	v, _ := protowire.ConsumeVarint(b)
	set(v)
	return nil
}
