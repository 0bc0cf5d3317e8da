package kserve

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// fuzzLimits are low, so that the fuzzer meets them.
var fuzzLimits = Limits{Rows: 20, Features: 30, Values: 200}

// FuzzDecode reads a body in every mode.
func FuzzDecode(f *testing.F) {
	for _, samples := range corpus(f) {
		for i, s := range samples {
			mode := byte(i % 2)
			if s.Headers["ce_id"] == "" {
				mode = 2
			}
			f.Add(mode, []byte(s.record(0).Value))
		}
	}
	for top := range byte(4) {
		f.Add(0x80|top&1, []byte{top, 1, 1, 2, 4, 0, 8, 16, 24})
		f.Add(0x80|top&1, []byte{top, 1, 2, 3, 4, 5, 6, 7, 14, 0, 8, 1, 15, 22, 2, 3})
	}
	used := NewDecoder(fuzzLimits)
	f.Fuzz(func(t *testing.T, mode byte, body []byte) {
		if mode&0x80 != 0 {
			body = grown(body)
		}
		r := fuzzRecord(mode, body)
		got, err := used.Decode(r)
		again, errAgain := NewDecoder(fuzzLimits).Decode(r)
		if !reflect.DeepEqual(got, again) || !reflect.DeepEqual(err, errAgain) {
			t.Fatalf("what was read before matters:\n%+v %v\n%+v %v", got, err, again, errAgain)
		}
		if err != nil {
			refused(t, err)
			return
		}
		within(t, got)
		emitted(t, got)
	})
}

// grown grows a body from a program: random bytes are seldom JSON.
func grown(program []byte) []byte {
	g := grower{program: program}
	top := []string{"instances", "predictions", "inputs", "outputs"}[g.next()%4]
	g.out = append(g.out, `{"`+top+`":[`...)
	for i := 0; len(g.program) > 0 && len(g.out) < 2000; i++ {
		g.comma(i)
		if top[1] != 'n' && top[0] != 'o' || g.next()%16 == 0 {
			g.value(4)
		} else {
			g.tensor()
		}
	}
	return append(g.out, `]}`...)
}

type grower struct{ program, out []byte }

func (g *grower) next() byte {
	if len(g.program) == 0 {
		return 0
	}
	b := g.program[0]
	g.program = g.program[1:]
	return b
}

func (g *grower) comma(i int) {
	if i > 0 {
		g.out = append(g.out, ',')
	}
}

func (g *grower) tensor() {
	g.out = fmt.Appendf(g.out, `{"name":"%c","shape":[%d,%d],"data":`, 'a'+g.next()%4, g.next()%4, g.next()%4)
	g.list('[', ']', int(g.next()%10), func() { g.value(2) })
	g.out = append(g.out, '}')
}

func (g *grower) list(open, shut byte, n int, one func()) {
	g.out = append(g.out, open)
	for i := range n {
		g.comma(i)
		one()
	}
	g.out = append(g.out, shut)
}

var grownWords = []string{"label", "score", "scores", "class", "prediction", "b64", "a", "", "a.b", "_score", "p"}

func (g *grower) value(depth int) {
	what := g.next()
	word := grownWords[int(what>>3)%len(grownWords)]
	switch {
	case what&7 < 2:
		g.out = append(g.out, []string{"0", "1", "0.5", "0.25", "-7", "1e3", "NaN", "9e999", "1.2.3", "3.75"}[int(what>>3)%10]...)
	case what&7 == 2:
		g.out = append(g.out, []string{"null", "true", "false"}[int(what>>3)%3]...)
	case what&7 == 3 || depth == 0:
		g.out = fmt.Appendf(g.out, "%q", word)
	case what&7 < 6:
		g.list('[', ']', int(what>>3)%5, func() { g.value(depth - 1) })
	default:
		g.list('{', '}', int(what>>3)%5, func() {
			g.out = fmt.Appendf(g.out, "%q:", grownWords[int(g.next())%len(grownWords)])
			g.value(depth - 1)
		})
	}
}

func fuzzRecord(mode byte, body []byte) *kgo.Record {
	r := &kgo.Record{Value: body, Timestamp: time.Unix(1_700_000_000, 0)}
	header := func(k, v string) { r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)}) }
	switch mode % 4 {
	case 0, 1:
		header("ce_id", "x")
		header("ce_type", "org.kubeflow.serving.inference."+Kind(mode%2).String())
		header("ce_inferenceservicename", "model")
	case 2:
		header("content-type", "application/cloudevents+json")
	}
	return r
}

func refused(t *testing.T, err error) {
	t.Helper()
	e := (*Error)(nil)
	if !errors.As(err, &e) || e.Reason == "" || len(e.Detail) > 1000 || !utf8.ValidString(e.Detail) {
		t.Fatalf("a poor error: %q", err)
	}
}

func within(t *testing.T, h Half) {
	t.Helper()
	if h.ID == "" || h.Target.Service == "" || len(h.Rows) == 0 || len(h.Rows) > fuzzLimits.Rows {
		t.Fatalf("%+v", h)
	}
	for _, r := range h.Rows {
		if n := len(r.Features.Numeric) + len(r.Features.Categorical); n > fuzzLimits.Features {
			t.Fatalf("%d features", n)
		}
	}
}

// emitted checks the events of a half without a partner.
func emitted(t *testing.T, h Half) {
	t.Helper()
	before, err := json.Marshal(h.Rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range single(nil, &h) {
		b, err := json.Marshal(e)
		if err != nil || !utf8.Valid(b) || strings.Contains(string(b), "\ufffd") && !strings.Contains(string(before), "\ufffd") {
			t.Fatalf("%s: %v", b, err)
		}
		var back schemas.Event
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
}

// FuzzJoin runs programs of four bytes a record, and holds the joiner against
// the definition, takeovers against uninterrupted runs, and all halves against
// what became of them.
func FuzzJoin(f *testing.F) {
	f.Add(byte(3), byte(0), byte(9), byte(2), []byte("\x00\x01\x01\x01\x04\x01\x01\x01\x00\x01\x01\x01"))
	f.Add(byte(5), byte(4), byte(2), byte(1), []byte("\x00\x01\x01\x01\x01\x01\x01\x02\x04\x02\x09\x01\x05\x01\x01\x01\x00\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, window, age, rows, cut byte, program []byte) {
		c := Config{Window: 1 + int64(window%16), MaxAge: time.Duration(age) * time.Millisecond, MaxRows: 1 + int(rows), MaxBytes: 1 << 20}
		if age == 0 {
			c.MaxAge = -1
		}
		log := fuzzLog(program)
		if len(log) == 0 {
			return
		}
		all := map[int64][]schemas.Event{}
		j, times, want := newJoiner(t, c), map[float64]int{}, definition(c, log)
		for i := range log {
			o := log[i].offset
			all[o] = feed(t, j, &log[i])
			balanced(t, c, j)
			for _, e := range all[o] {
				account(times, e)
			}
			if !same(all[o], want[o]) {
				t.Fatalf("offset %d\ngot  %+v\nwant %+v", o, all[o], want[o])
			}
		}
		once(t, j.Counts(), times)
		a := log[int(cut)%len(log)].offset + 1
		if !agree(t, c, log, all, c.From(a), a) {
			t.Fatalf("whoever takes over at offset %d makes other events", a)
		}
	})
}

// fuzzLog reads a program: what the record is, how far its offset is, its
// time, and how much later its clock runs.
func fuzzLog(program []byte) []entry {
	var log []entry
	offset, ms := int64(-1), int64(0)
	for ; len(program) >= 4 && len(log) < 120; program = program[4:] {
		what := program[0]
		offset += 1 + int64(program[1]%8)
		if program[1] > 250 {
			offset += 40
		}
		ms += int64(int8(program[2]))
		log = append(log, entry{
			offset: offset, ms: ms + int64(int8(program[3])), none: what&0xf0 == 0xf0, id: string('a' + rune(what&3)),
			kind: Kind(what >> 2 & 1), rows: 1 + int(what>>3&1), serial: len(log),
		})
	}
	return log
}
