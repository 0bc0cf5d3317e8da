package prometheus

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/schemas"
)

// Limits of one record. Prometheus sends 2000 samples with some 20 labels at
// once by default; these keep a hostile record from taking all memory.
const (
	maxDecoded = 64 << 20 // bytes
	maxRatio   = 22       // a snappy copy makes 64 bytes from 3
	maxLabels  = 128      // of a series
	maxText    = 4 << 10  // bytes of a label's name or value
	maxCells   = 2 << 20  // labels over all samples, each sample counting four more
)

// RemoteWrite appends the samples of a remote-write 1.0 request to dst:
// prometheus.WriteRequest in protobuf, compressed with snappy's block format
// as the protocol has it, or plain, as Grafana Mimir writes it to Kafka (record
// versions 0 and 1), which compresses by itself. What can be a snappy block is
// taken for one.
//
// Each sample of a series is one schemas.Sample with Labels of its own, and
// columns filled from labels as metricnames.Columns does. Staleness markers are
// left out; other NaNs and infinities are returned. A native histogram gives
// the samples name_count and name_sum, not its buckets; exemplars and metadata
// are left out. On error dst is returned as it came.
func RemoteWrite(dst []schemas.Sample, b []byte) ([]schemas.Sample, error) {
	plain, isBlock, err := decompress(b)
	if err != nil {
		return dst, fmt.Errorf("remote write: %w", err)
	}
	w := walker{out: dst}
	switch err := w.request(plain); {
	case err != nil && !isBlock:
		return dst, fmt.Errorf("remote write, no snappy block and so taken for plain protobuf: %w", err)
	case err != nil:
		return dst, fmt.Errorf("remote write: %w", err)
	}
	return w.out, nil
}

// decompress takes b for a snappy block if it can be one. A plain request
// starts with the tag of field 1, which as a block would announce ten bytes
// and then not hold them.
func decompress(b []byte) (plain []byte, isBlock bool, err error) {
	if len(b) == 0 {
		return nil, false, errors.New("the record is empty: give prometheus.WriteRequest")
	}
	n, err := snappy.DecodedLen(b)
	isBlock = err == nil && n <= maxRatio*len(b)
	if isBlock && n > maxDecoded {
		return nil, true, fmt.Errorf("the request has %d bytes, more than %d: lower max_samples_per_send", n, maxDecoded)
	}
	if isBlock {
		if plain, err := snappy.Decode(nil, b); err == nil {
			return plain, true, nil
		}
	}
	return b, false, nil
}

// walker takes a request apart field by field.
type walker struct {
	out    []schemas.Sample
	series int     // from 1, of the one being read
	labels []label // of it; behind them, still, those of the series before
	given  bool    // the map of labels made for the series has gone to a sample
	cells  int
}

type label struct{ name, value string }

// fields calls do for each field of a message. Do gets the bytes of a
// length-delimited field, or the rest of b at the value of any other.
func fields(b []byte, do func(num protowire.Number, typ protowire.Type, v []byte) error) error {
	whole := len(b)
	for len(b) > 0 {
		at := whole - len(b)
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("byte %d: %w", at, protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return fmt.Errorf("byte %d, field %d: %w", at, num, protowire.ParseError(n))
		}
		v := b[:n]
		if typ == protowire.BytesType {
			v, _ = protowire.ConsumeBytes(v)
		}
		if err := do(num, typ, v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

var errWireType = errors.New("wire type of another message: give prometheus.WriteRequest")

func (w *walker) request(b []byte) error {
	known := false
	err := fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		switch num {
		case 1:
			known = true
			if typ != protowire.BytesType {
				return errWireType
			}
			w.series++
			if err := w.timeSeries(v); err != nil {
				return fmt.Errorf("series %d: %w", w.series, err)
			}
		case 3: // metadata
			known = true
		case 4, 5: // symbols and series of 2.0
			return errors.New("this is remote write 2.0: set protobuf_message to prometheus.WriteRequest")
		default: // Mimir has more
		}
		return nil
	})
	if err == nil && !known { // short texts can pass for protobuf
		return errors.New("neither series nor metadata: give prometheus.WriteRequest")
	}
	return err
}

// timeSeries reads the labels first, wherever they are, then the values.
func (w *walker) timeSeries(b []byte) error {
	w.labels = w.labels[:0]
	points := 0
	err := fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		if num > 4 {
			return nil
		}
		if typ != protowire.BytesType {
			return errWireType
		}
		switch num {
		case 1:
			return w.label(v)
		case 2, 4:
			points++
		default: // exemplars
		}
		return nil
	})
	if err != nil || points == 0 {
		return err
	}
	s, err := w.head()
	if err != nil {
		return err
	}
	if w.cells += points * (len(w.labels) + 4); w.cells > maxCells {
		return fmt.Errorf("the request has more than %d labels over all samples: lower max_samples_per_send", maxCells)
	}
	return w.points(b, &s)
}

func (w *walker) label(b []byte) error {
	i := len(w.labels)
	w.labels = slices.Grow(w.labels, 1)
	was, l := w.labels[:i+1][i], label{}
	err := fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		if num > 2 {
			return nil
		}
		if typ != protowire.BytesType {
			return errWireType
		}
		var err error
		if num == 1 {
			l.name, err = checked(v, was.name)
		} else {
			l.value, err = checked(v, was.value)
		}
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("label %d: %w", i+1, err)
	case i == maxLabels:
		return fmt.Errorf("more than %d labels: drop some with write_relabel_configs", maxLabels)
	}
	w.labels = append(w.labels, l)
	return nil
}

// checked copies b, unless it is the same as in the label that the series
// before had here: names always are, and most values.
func checked(b []byte, was string) (string, error) {
	if string(b) == was {
		return was, nil
	}
	if len(b) > maxText {
		return "", fmt.Errorf("%q has %d bytes, more than %d: drop or shorten it with write_relabel_configs", clip(b), len(b), maxText)
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("%q is not UTF-8", clip(b))
	}
	return string(b), nil
}

// clip bounds what is quoted in errors.
func clip(b []byte) []byte { return b[:min(len(b), 64)] }
