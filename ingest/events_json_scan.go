package ingest

import (
	"bytes"
	"time"
	"unsafe"

	"github.com/valyala/fastjson/fastfloat"
)

// scan reads one event of the plain form that producers nearly always send: an
// object of texts without escapes and numbers, with an object of such features
// in it. It gives up, with false, at anything else, such as escapes, arrays or
// mistakes: the parser then reads the record again and says what is wrong.
type scan struct {
	b []byte
	i int
}

func (s *scan) event(e *rawEvent) bool {
	return s.object(func(key []byte) bool {
		switch string(key) {
		case "tenant":
			return s.text(&e.tenant)
		case "model":
			return s.text(&e.model)
		case "version":
			return s.text(&e.version)
		case "segment":
			return s.text(&e.segment)
		case "request_id":
			return s.text(&e.requestID)
		case "timestamp":
			return s.time(&e.millis)
		case "deployment":
			return s.text(&e.deployment)
		case "pod":
			return s.text(&e.pod)
		case "node":
			return s.text(&e.node)
		case "gpu":
			return s.text(&e.gpu)
		case "prediction":
			return s.text(&e.prediction)
		case "score":
			return s.number(&e.score)
		case "latency_ms":
			return s.number(&e.latency)
		case "features":
			return s.object(func(name []byte) bool { return s.feature(name, e) })
		default: // unknown, and passed over
			return s.pass()
		}
	}) && s.next() == 0 && s.i == len(s.b)
}

func (s *scan) feature(name []byte, e *rawEvent) (ok bool) {
	var text []byte
	var number float64
	switch s.next() {
	case '"':
		ok = s.text(&text)
		e.category(name, text)
		return ok
	case 'n':
		return s.word("null")
	case 't':
		number, ok = 1, s.word("true")
	case 'f':
		number, ok = 0, s.word("false")
	default:
		ok = s.number(&number)
	}
	e.number(name, number)
	return ok
}

// next is the next byte that is no white space, 0 at the end.
func (s *scan) next() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// take goes on behind the next byte if it is c.
func (s *scan) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.i++
	return true
}

// pass goes on behind a text or a number.
func (s *scan) pass() bool {
	if s.next() == '"' {
		return s.text(new([]byte))
	}
	return s.number(new(float64))
}

func (s *scan) word(w string) bool {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		return false
	}
	s.i += len(w)
	return true
}

// object calls member at the value of each key.
func (s *scan) object(member func(key []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		var key []byte
		if !s.text(&key) || !s.take(':') || !member(key) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// text is a string without escapes.
func (s *scan) text(into *[]byte) bool {
	if !s.take('"') {
		return false
	}
	n := bytes.IndexByte(s.b[s.i:], '"')
	if n < 0 {
		return false
	}
	text := s.b[s.i : s.i+n : s.i+n]
	*into = text
	s.i += n + 1
	return bytes.IndexByte(text, '\\') < 0
}

// digits are the characters of a number, which begins with a digit or a minus
// sign.
func (s *scan) digits() string {
	c := s.next()
	if c != '-' && (c < '0' || c > '9') {
		return ""
	}
	from := s.i
	for s.i++; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			break
		}
	}
	return unsafe.String(&s.b[from], s.i-from)
}

func (s *scan) number(into *float64) (ok bool) {
	v, err := fastfloat.Parse(s.digits())
	*into = v
	return err == nil
}

func (s *scan) time(into *int64) bool {
	if s.next() != '"' {
		v, err := fastfloat.ParseInt64(s.digits())
		*into = v
		return err == nil
	}
	var text []byte
	if !s.text(&text) {
		return false
	}
	t, err := time.Parse(time.RFC3339Nano, unsafe.String(unsafe.SliceData(text), len(text)))
	*into = t.UnixMilli()
	return err == nil
}
