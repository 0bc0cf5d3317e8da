package ingest

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"
)

// protoEvents decodes driftline.v1.Event and driftline.v1.EventBatch
// (schemas/proto) field by field. The first field tells which one it is: no
// field of an event has the number of a batch's events.
type protoEvents struct{}

// batchField is the number of EventBatch.events.
const batchField = 100

func (d protoEvents) decode(r *kgo.Record, out *rawEvents) error {
	if num, _, n := protowire.ConsumeTag(r.Value); n < 0 || num != batchField {
		return d.event(r.Value, out.next())
	}
	for b := r.Value; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badProto(protowire.ParseError(n))
		}
		b = b[n:]
		if num != batchField {
			n, err := checked(protowire.ConsumeFieldValue(num, typ, b), num, typ, typ)
			if err != nil {
				return err
			}
			b = b[n:]
			continue
		}
		event, n := protowire.ConsumeBytes(b)
		if _, err := checked(n, num, typ, protowire.BytesType); err != nil {
			return err
		}
		b = b[n:]
		if err := d.event(event, out.next()); err != nil {
			return ofSeveral("event", out.n-1, out.n+1, err)
		}
	}
	return nil
}

func (protoEvents) event(b []byte, e *rawEvent) error {
	for len(b) > 0 {
		if n := shortField(b, e); n > 0 {
			b = b[n:]
			continue
		}
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badProto(protowire.ParseError(n))
		}
		b = b[n:]
		var err error
		if n, err = eventField(b, num, typ, e); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func badProto(err error) error { return poisonf("bad_protobuf", "%s", err) }

// shortField takes a text or a feature off b whose lengths are single bytes, as
// nearly all are, and returns its length with its tag. It returns 0 and does
// nothing when the field is another one, or not in the usual order: eventField
// takes any.
func shortField(b []byte, e *rawEvent) int {
	if len(b) < 2 || b[0]&0x87 != byte(protowire.BytesType) || b[1] >= 0x80 || int(b[1]) > len(b)-2 {
		return 0
	}
	n := 2 + int(b[1])
	v := b[2:n]
	switch b[0] >> 3 {
	case 1:
		e.tenant = v
	case 2:
		e.model = v
	case 3:
		e.version = v
	case 4:
		e.segment = v
	case 5:
		e.requestID = v
	case 7:
		e.deployment = v
	case 8:
		e.pod = v
	case 9:
		e.node = v
	case 10:
		e.gpu = v
	case 11:
		e.prediction = v
	case 14:
		name, rest, ok := shortName(v)
		if !ok || len(rest) != 9 || rest[0] != 2<<3|byte(protowire.Fixed64Type) {
			return 0
		}
		e.number(name, math.Float64frombits(binary.LittleEndian.Uint64(rest[1:])))
	case 15:
		name, rest, ok := shortName(v)
		if !ok || len(rest) < 2 || rest[0] != 2<<3|byte(protowire.BytesType) || rest[1] >= 0x80 || int(rest[1]) != len(rest)-2 {
			return 0
		}
		e.category(name, rest[2:])
	default:
		return 0
	}
	return n
}

// shortName cuts the name off a map entry that begins with it.
func shortName(b []byte) (name, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != 1<<3|byte(protowire.BytesType) || b[1] >= 0x80 || int(b[1]) > len(b)-2 {
		return nil, nil, false
	}
	n := 2 + int(b[1])
	return b[2:n:n], b[n:], true
}

// eventField takes one field off b and returns its length.
func eventField(b []byte, num protowire.Number, typ protowire.Type, e *rawEvent) (int, error) {
	var into *[]byte
	switch num {
	case 1:
		into = &e.tenant
	case 2:
		into = &e.model
	case 3:
		into = &e.version
	case 4:
		into = &e.segment
	case 5:
		into = &e.requestID
	case 6:
		v, n := protowire.ConsumeVarint(b)
		e.millis = int64(v)
		return checked(n, num, typ, protowire.VarintType)
	case 7:
		into = &e.deployment
	case 8:
		into = &e.pod
	case 9:
		into = &e.node
	case 10:
		into = &e.gpu
	case 11:
		into = &e.prediction
	case 12:
		return double(b, num, typ, &e.score)
	case 13:
		return double(b, num, typ, &e.latency)
	case 14, 15:
		v, n := protowire.ConsumeBytes(b)
		if n, err := checked(n, num, typ, protowire.BytesType); err != nil {
			return n, err
		}
		return n, feature(v, num == 14, e)
	default:
		n := protowire.ConsumeFieldValue(num, typ, b)
		return checked(n, num, typ, typ)
	}
	v, n := protowire.ConsumeBytes(b)
	*into = v
	return checked(n, num, typ, protowire.BytesType)
}

func checked(n int, num protowire.Number, got, want protowire.Type) (int, error) {
	if got != want {
		return 0, badProto(fmt.Errorf("field %d has wire type %d, not %d", num, got, want))
	}
	if n < 0 {
		return 0, badProto(fmt.Errorf("field %d: %w", num, protowire.ParseError(n)))
	}
	return n, nil
}

func double(b []byte, num protowire.Number, typ protowire.Type, into *float64) (int, error) {
	v, n := protowire.ConsumeFixed64(b)
	*into = math.Float64frombits(v)
	return checked(n, num, typ, protowire.Fixed64Type)
}

// feature takes a map entry: field 1 is the name, field 2 the value.
func feature(b []byte, numeric bool, e *rawEvent) error {
	var name, text []byte
	var value float64
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badProto(protowire.ParseError(n))
		}
		b = b[n:]
		var err error
		switch {
		case num == 1:
			name, n = protowire.ConsumeBytes(b)
			n, err = checked(n, num, typ, protowire.BytesType)
		case num == 2 && numeric:
			n, err = double(b, num, typ, &value)
		case num == 2:
			text, n = protowire.ConsumeBytes(b)
			n, err = checked(n, num, typ, protowire.BytesType)
		default:
			n, err = checked(protowire.ConsumeFieldValue(num, typ, b), num, typ, typ)
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	if numeric {
		e.number(name, value)
	} else {
		e.category(name, text)
	}
	return nil
}
