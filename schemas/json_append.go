package schemas

import (
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the event in its JSON form: the fast way for producers of
// many events. It means the same as json.Marshal, but never fails: a score or
// latency that JSON cannot hold (NaN, infinities) is left out, and a time that
// RFC 3339 cannot write is given in unix milliseconds.
func (e *Event) AppendJSON(b []byte) []byte {
	b = appendQuoted(append(b, `{"model":`...), e.Model)
	b = appendTime(append(b, `,"timestamp":`...), e.Time)
	b = appendText(b, `,"tenant":`, e.Tenant)
	b = appendText(b, `,"version":`, e.Version)
	b = appendText(b, `,"segment":`, e.Segment)
	b = appendText(b, `,"request_id":`, e.RequestID)
	b = appendText(b, `,"deployment":`, e.Deployment)
	b = appendText(b, `,"pod":`, e.Pod)
	b = appendText(b, `,"node":`, e.Node)
	b = appendText(b, `,"gpu":`, e.GPU)
	b = appendText(b, `,"prediction":`, e.Prediction)
	b = appendNumber(b, `,"score":`, e.Score)
	b = appendNumber(b, `,"latency_ms":`, e.LatencyMS)
	if len(e.Features.Numeric)+len(e.Features.Categorical) > 0 {
		b = e.Features.appendJSON(append(b, `,"features":`...))
	}
	return append(b, '}')
}

func (f *Features) appendJSON(b []byte) []byte {
	var room [64]string // enough for most models without an allocation
	names := room[:0]
	for name, v := range f.Numeric {
		if _, both := f.Categorical[name]; !both && finite(v) {
			names = append(names, name)
		}
	}
	for name := range f.Categorical {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
		if s, ok := f.Categorical[name]; ok {
			b = appendQuoted(b, s)
		} else {
			b = strconv.AppendFloat(b, f.Numeric[name], 'g', -1, 64)
		}
	}
	return append(b, '}')
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func appendText(b []byte, member, s string) []byte {
	if s == "" {
		return b
	}
	return appendQuoted(append(b, member...), s)
}

func appendNumber(b []byte, member string, v *float64) []byte {
	if v == nil || !finite(*v) {
		return b
	}
	return strconv.AppendFloat(append(b, member...), *v, 'g', -1, 64)
}

func appendTime(b []byte, t time.Time) []byte {
	start := len(b)
	out, err := t.AppendText(append(b, '"'))
	if err != nil {
		return strconv.AppendInt(b[:start], t.UnixMilli(), 10)
	}
	return append(out, '"')
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes a JSON string (RFC 8259 §7). Bytes that are not UTF-8
// become U+FFFD, as encoding/json has it.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0 // of the run that needs no escape
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = appendEscape(append(b, s[start:i]...), c)
		i += size
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch {
	case c >= utf8.RuneSelf:
		return append(b, `\ufffd`...)
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}
