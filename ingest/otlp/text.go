package otlp

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// text is a value as the text of a label. Lists are JSON, as the Prometheus
// compatibility specification asks.
func (w *words) text(b []byte) (string, error) {
	v, err := parseAny(b)
	if err != nil {
		return "", err
	}
	switch v.kind {
	case anyString:
		return w.of(v.text.b), nil
	case anyArray, anyPairs:
		text, err := appendJSON(nil, v, 0)
		return w.of(text), err
	default:
		return scalar(v), nil
	}
}

func scalar(v anyValue) string {
	switch v.kind {
	case anyBool:
		return strconv.FormatBool(v.bits != 0)
	case anyInt:
		return strconv.FormatInt(int64(v.bits), 10)
	case anyDouble:
		return decimal(math.Float64frombits(v.bits))
	case anyBytes:
		return base64.StdEncoding.EncodeToString(v.text.b)
	default:
		return ""
	}
}

// decimal writes a number as the Prometheus text format does: 0.5, 1, +Inf.
func decimal(f float64) string {
	if math.IsInf(f, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func appendJSON(dst []byte, v anyValue, depth int) ([]byte, error) {
	if depth == maxDepth {
		return dst, fmt.Errorf("%w: lists are nested deeper than %d", errLimit, maxDepth)
	}
	switch v.kind {
	case anyNone:
		return append(dst, "null"...), nil
	case anyBool, anyInt:
		return append(dst, scalar(v)...), nil
	case anyDouble:
		if f := math.Float64frombits(v.bits); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return append(dst, decimal(f)...), nil
		}
		return appendQuoted(dst, scalar(v)), nil
	case anyArray, anyPairs:
		return appendList(dst, v, depth)
	case anyString:
		return appendQuoted(dst, string(v.text.b)), nil
	default:
		return appendQuoted(dst, scalar(v)), nil
	}
}

// appendList keeps pairs in the order in which they were written.
func appendList(dst []byte, v anyValue, depth int) (_ []byte, err error) {
	brackets := "[]"
	if v.kind == anyPairs {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	m := message{b: v.text.b}
	for i := 0; m.next(); {
		if m.num != 1 || !m.is(protowire.BytesType) {
			continue
		}
		if i++; i > 1 {
			dst = append(dst, ',')
		}
		value := m.val
		if v.kind == anyPairs {
			var key []byte
			if key, value, err = keyValue(m.val); err != nil {
				return dst, err
			}
			dst = append(appendQuoted(dst, string(key)), ':')
		}
		inner, err := parseAny(value)
		if err != nil {
			return dst, err
		}
		if dst, err = appendJSON(dst, inner, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, brackets[1]), m.err
}

func appendQuoted(dst []byte, s string) []byte {
	text, err := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil { // a string has a JSON form, always
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
