package otlp

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of opentelemetry.proto.common.v1.AnyValue: the value is one of them.
const (
	anyNone   = 0
	anyString = 1
	anyBool   = 2
	anyInt    = 3
	anyDouble = 4
	anyArray  = 5
	anyPairs  = 6
	anyBytes  = 7
	anyIndex  = 8 // into a table that only profiles have
)

// anyValue is an attribute's value. Strings are views into the record.
type anyValue struct {
	kind int32
	text merged // string and bytes, or the encoded list
	bits uint64
}

// parseAny reads the outer value only: what a list holds is read by whoever
// needs it.
func parseAny(b []byte) (v anyValue, err error) {
	m := message{b: b}
	for m.next() {
		switch m.num {
		case anyString, anyBytes:
			if m.is(protowire.BytesType) {
				v = anyValue{kind: m.num, text: merged{b: m.val}}
			}
		case anyArray, anyPairs:
			if m.is(protowire.BytesType) {
				if v.kind != m.num {
					v = anyValue{kind: m.num}
				}
				v.text.add(m.val)
			}
		case anyBool, anyInt:
			if m.is(protowire.VarintType) {
				v = anyValue{kind: m.num, bits: m.bits}
			}
		case anyDouble:
			if m.is(protowire.Fixed64Type) {
				v = anyValue{kind: m.num, bits: m.bits}
			}
		case anyIndex:
			if m.is(protowire.VarintType) {
				v = anyValue{}
			}
		}
	}
	return v, m.err
}

// number is false for values that are no number. Text that looks like one is
// no number either: the conventions give every attribute one type.
func (v anyValue) number() (float64, bool) {
	switch v.kind {
	case anyInt:
		return float64(int64(v.bits)), true
	case anyDouble:
		return math.Float64frombits(v.bits), true
	default:
		return 0, false
	}
}

// word is the string, or the first string of an array: finish reasons come as
// one for each choice, and nearly every call asks for one choice.
func (v anyValue) word() ([]byte, error) {
	switch v.kind {
	case anyString:
		return v.text.b, nil
	case anyArray:
		m := message{b: v.text.b}
		for m.next() {
			if m.num != 1 || !m.is(protowire.BytesType) {
				continue
			}
			if v, err := parseAny(m.val); err != nil || v.kind == anyString {
				return v.text.b, err
			}
		}
		return nil, m.err
	default:
		return nil, nil
	}
}

// keyValue reads opentelemetry.proto.common.v1.KeyValue. The value is left
// encoded: most attributes are skipped by their key.
func keyValue(b []byte) (key, value []byte, err error) {
	m, v := message{b: b}, merged{}
	for m.next() {
		switch m.num {
		case 1:
			if m.is(protowire.BytesType) {
				key = m.val
			}
		case 2:
			if m.is(protowire.BytesType) {
				v.add(m.val)
			}
		}
	}
	return key, v.b, m.err
}

// attr is an attribute as a label.
type attr struct{ key, value string }

// attributes appends the attributes that are encoded in raw as the repeated
// field field. Empty values are left out, as Prometheus takes them for absent.
func (w *words) attributes(dst []attr, raw []byte, field int32) ([]attr, error) {
	m := message{b: raw}
	for i := 0; m.next(); {
		if m.num != field || !m.is(protowire.BytesType) {
			continue
		}
		key, value, err := keyValue(m.val)
		if err != nil {
			return dst, at("attributes", i, err)
		}
		if i++; dropped[string(key)] {
			continue
		}
		text, err := w.text(value)
		if err != nil {
			return dst, at("attributes", i-1, in("value", err))
		}
		if len(key) > 0 && text != "" {
			dst = append(dst, attr{w.of(key), text})
		}
	}
	return dst, m.err
}
