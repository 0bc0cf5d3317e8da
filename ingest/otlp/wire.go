package otlp

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message walks the fields of one encoded message, in the order in which they
// were written.
type message struct {
	b         []byte
	start, at int // of the current field's tag, and of what follows the field

	num  int32
	typ  protowire.Type
	val  []byte // of a length-delimited field: a view into b
	bits uint64 // of a varint or fixed field
	err  error
}

// next moves on to a field; it says false at the end and at the first fault,
// which is then in err.
func (m *message) next() bool {
	if m.err != nil || m.at == len(m.b) {
		return false
	}
	m.start = m.at
	num, typ, n := protowire.ConsumeTag(m.b[m.at:])
	if n < 0 {
		m.err = protowire.ParseError(n)
		return false
	}
	m.num, m.typ, m.at = int32(num), typ, m.at+n
	if n = m.value(m.b[m.at:]); n < 0 {
		m.err = fmt.Errorf("field %d: %w", num, protowire.ParseError(n))
		return false
	}
	m.at += n
	return true
}

func (m *message) value(b []byte) (n int) {
	switch m.typ {
	case protowire.BytesType:
		m.val, n = protowire.ConsumeBytes(b)
	case protowire.VarintType:
		m.bits, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		m.bits, n = protowire.ConsumeFixed64(b)
	default: // groups are in no OTLP message, but they are skipped as any unknown field
		n = protowire.ConsumeFieldValue(protowire.Number(m.num), m.typ, b)
	}
	return n
}

// is tells whether the field has the type that OTLP gives it. Another type is
// a fault: what is no OTLP at all must not pass for an empty record.
func (m *message) is(typ protowire.Type) bool {
	if m.typ != typ {
		m.err = fmt.Errorf("%w: field %d has wire type %d, not %d", errWireType, m.num, m.typ, typ)
		return false
	}
	return true
}

// number reads a fixed64 field as a float64.
func (m *message) number(into *float64) {
	if m.is(protowire.Fixed64Type) {
		*into = math.Float64frombits(m.bits)
	}
}

// fixed reads a fixed64 field.
func (m *message) fixed(into *uint64) {
	if m.is(protowire.Fixed64Type) {
		*into = m.bits
	}
}

// varint reads a varint field.
func (m *message) varint(into *uint64) {
	if m.is(protowire.VarintType) {
		*into = m.bits
	}
}

// fixedList appends the values of a repeated fixed64 field, packed or not.
func fixedList(m *message, dst []uint64) []uint64 {
	if m.typ == protowire.Fixed64Type {
		return append(dst, m.bits)
	}
	if !m.is(protowire.BytesType) {
		return dst
	}
	for b := m.val; len(b) > 0; {
		v, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			m.err = fmt.Errorf("field %d: %w", m.num, protowire.ParseError(n))
			return dst
		}
		dst, b = append(dst, v), b[n:]
	}
	return dst
}

// merged is an embedded message. By the protobuf rules one that is written in
// several pieces is the merger of all, which is what their concatenation means.
type merged struct {
	b    []byte
	mine bool // not a view into the record
}

func (m *merged) add(piece []byte) {
	if m.b == nil {
		m.b = piece
		return
	}
	if !m.mine {
		m.b, m.mine = append(make([]byte, 0, 2*(len(m.b)+len(piece))), m.b...), true
	}
	m.b = append(m.b, piece...)
}

// run collects the repeated fields of one number with their tags. Encoders
// write them one after the other: then it is a view into the record.
type run struct {
	raw        []byte
	start, end int
	mine       bool
}

func (r *run) add(m *message) {
	switch {
	case r.raw == nil:
		r.start, r.end = m.start, m.at
		r.raw = m.b[r.start:r.end]
	case !r.mine && r.end == m.start:
		r.end = m.at
		r.raw = m.b[r.start:r.end]
	default:
		if !r.mine {
			r.raw, r.mine = append(make([]byte, 0, 2*len(r.raw)), r.raw...), true
		}
		r.raw = append(r.raw, m.b[m.start:m.at]...)
	}
}
