package otlp

import (
	"math"

	"github.com/valyala/fastjson"
	"google.golang.org/protobuf/encoding/protowire"
)

// maxWord is the longest category in bytes. Longer ones are left out: they are
// text, which does not belong into features, and of which no two are alike.
const maxWord = 128

// span is what is read of one opentelemetry.proto.trace.v1.Span. Its strings
// are views into the record.
type span struct {
	trace, id  []byte
	start, end uint64 // nanoseconds since 1970
	failed     bool   // by the status

	words       [wordSlots][]byte
	wordRanks   [wordSlots]uint8 // rank + 1; 0 is missing
	numbers     [numbers]float64
	numberRanks [numbers]uint8 // as wordRanks
}

func (s *span) word(w word) []byte { return s.words[w] }

func (s *span) number(n number) (float64, bool) { return s.numbers[n], s.numberRanks[n] > 0 }

// set takes numbers that are finite: others are missing.
func (s *span) set(n number, rank uint8, v float64) {
	if r := s.numberRanks[n]; (r == 0 || rank+1 <= r) && !math.IsNaN(v) && !math.IsInf(v, 0) {
		s.numbers[n], s.numberRanks[n] = v, rank+1
	}
}

// attribute reads a KeyValue if its key is one of spanAttributes.
func (s *span) attribute(b []byte) error {
	key, value, err := keyValue(b)
	if err != nil {
		return err
	}
	t, ok := spanAttributes[string(key)]
	if !ok {
		return nil
	}
	v, err := parseAny(value)
	if err != nil {
		return in(string(key), err)
	}
	if t.scale != 0 {
		if f, ok := v.number(); ok {
			s.set(number(t.slot), t.rank, f*t.scale)
		}
		return nil
	}
	text, err := v.word()
	if err != nil {
		return in(string(key), err)
	}
	if r := s.wordRanks[t.slot]; len(text) > 0 && (r == 0 || t.rank+1 <= r) {
		s.words[t.slot], s.wordRanks[t.slot] = text, t.rank+1
	}
	return nil
}

// parse reads an encoded span. Its events are left for exception.
func (s *span) parse(b []byte) error {
	*s = span{}
	m := message{b: b}
	for i := 0; m.next(); {
		switch m.num {
		case 1, 2:
			if !m.is(protowire.BytesType) {
				break
			}
			if m.num == 1 {
				s.trace = m.val
			} else {
				s.id = m.val
			}
		case 7:
			m.fixed(&s.start)
		case 8:
			m.fixed(&s.end)
		case 9:
			if !m.is(protowire.BytesType) {
				break
			}
			if err := s.attribute(m.val); err != nil {
				return at("attributes", i, err)
			}
			i++
		case 15:
			if !m.is(protowire.BytesType) {
				break
			}
			if err := s.status(m.val); err != nil {
				return in("status", err)
			}
		}
	}
	return m.err
}

func (s *span) status(b []byte) error {
	m := message{b: b}
	for m.next() {
		if m.num == 3 && m.is(protowire.VarintType) {
			s.failed = int32(m.bits) == 2 // STATUS_CODE_ERROR
		}
	}
	return m.err
}

// exception finds the type of the exception that the span recorded last, in
// its events: error.type is newer than most instrumentations. The exception's
// message is not read, as it may quote the prompt.
func (s *span) exception(b []byte) error {
	return each(b, 11, "events", func(b []byte) error {
		var name, typ []byte
		i, m := 0, message{b: b}
		for m.next() {
			switch m.num {
			case 2:
				if m.is(protowire.BytesType) {
					name = m.val
				}
			case 3:
				if !m.is(protowire.BytesType) {
					break
				}
				if err := exceptionType(m.val, &typ); err != nil {
					return at("attributes", i, err)
				}
				i++
			}
		}
		if m.err == nil && string(name) == "exception" && len(typ) > 0 {
			s.words[errorWord] = typ
		}
		return m.err
	})
}

func exceptionType(b []byte, into *[]byte) error {
	key, value, err := keyValue(b)
	if err != nil || string(key) != "exception.type" {
		return err
	}
	v, err := parseAny(value)
	if err != nil {
		return in("exception.type", err)
	}
	if v.kind == anyString {
		*into = v.text.b
	}
	return nil
}

// isModelCall: no convention says otherwise, and there is a name of a model.
func (s *span) isModelCall() bool {
	if kind := s.word(kindWord); len(kind) > 0 && kindOperations[string(kind)] == "" {
		return false
	}
	return !noModelCall[string(s.word(operationWord))] && len(s.model()) > 0
}

func (s *span) model() []byte {
	if m := s.word(modelWord); len(m) > 0 {
		return m
	}
	return s.word(responseModelWord)
}

// invocation reads numbers from the JSON of llm.invocation_parameters, where
// no attribute gave them. What is no JSON object tells nothing: OpenInference
// does not promise one.
func (s *span) invocation(p *fastjson.Parser) {
	text := s.word(invocationWord)
	if len(text) == 0 {
		return
	}
	v, err := p.ParseBytes(text)
	if err != nil || v.Type() != fastjson.TypeObject {
		return
	}
	for i, param := range invocationParameters {
		value := v.Get(param.name)
		if value == nil || value.Type() != fastjson.TypeNumber {
			continue
		}
		if f, err := value.Float64(); err == nil {
			s.set(param.into, uint8(100+i), f)
		}
	}
}
