package kserve

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// entry is a record of a log: a half, or none.
type entry struct {
	offset int64
	ms     int64 // timestamp
	none   bool
	id     string
	kind   Kind
	rows   int
	serial int // tells halves apart
}

func (e *entry) time() time.Time { return time.UnixMilli(e.ms).UTC() }

// half is made anew each time, since joiners keep what they are given.
func (e *entry) half() Half {
	h := Half{
		ID: e.id, Kind: e.kind, Time: e.time(),
		Target: Target{Namespace: "space", Service: "model", Component: predictor, Endpoint: "default"},
	}
	name := "request"
	if e.kind == Response {
		name = "response"
	}
	for range e.rows {
		h.Rows = append(h.Rows, Row{Features: schemas.Features{Numeric: map[string]float64{name: float64(e.serial)}}})
	}
	return h
}

// feed gives a record to a joiner and copies what comes of it.
func feed(tb testing.TB, j *Joiner, e *entry) []schemas.Event {
	tb.Helper()
	var events []schemas.Event
	var err error
	if e.none {
		events, err = j.Skip(e.offset, e.time())
	} else {
		events, err = j.Add(e.offset, e.time(), e.half())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return slices.Clone(events)
}

// run gives the records from an offset on to a new joiner.
func run(tb testing.TB, c Config, log []entry, from int64) map[int64][]schemas.Event {
	tb.Helper()
	j := newJoiner(tb, c)
	out := map[int64][]schemas.Event{}
	for i := range log {
		if log[i].offset >= from {
			out[log[i].offset] = feed(tb, j, &log[i])
		}
	}
	return out
}

// randomLog has few ids, so that halves repeat, come late and in any order; its
// clock jumps, and its offsets have gaps.
func randomLog(r *rand.Rand, n int) []entry {
	log := make([]entry, n)
	offset, ms, ids := int64(0), int64(1_000_000), 1+r.IntN(12)
	for i := range log {
		offset += 1 + int64(max(0, r.IntN(8)-6))
		if r.IntN(60) == 0 {
			offset += int64(r.IntN(60))
		}
		ms += int64(r.IntN(20) - 5)
		if r.IntN(30) == 0 {
			ms += int64(r.IntN(2000) - 1000)
		}
		log[i] = entry{
			offset: offset, ms: ms, none: r.IntN(10) == 0, id: fmt.Sprint(r.IntN(ids)),
			kind: Kind(r.IntN(2)), rows: 1 + r.IntN(4)/3, serial: i,
		}
	}
	return log
}

func randomConfig(r *rand.Rand) Config {
	c := Config{Window: 1 + int64(r.IntN(20)), MaxAge: -1, MaxRows: 1000, MaxBytes: 1 << 30}
	if r.IntN(3) > 0 {
		c.MaxAge = time.Duration(1+r.IntN(200)) * time.Millisecond
	}
	switch r.IntN(4) {
	case 0:
		c.MaxRows = 1 + r.IntN(6)
	case 1:
		c.MaxBytes = int64(1 + r.IntN(5000))
	}
	return c
}

// definition makes the events of a log as the package's comment defines them,
// looking through the whole log for every record.
func definition(c Config, log []entry) map[int64][]schemas.Event {
	visible := func(p, x int) bool {
		if log[x].offset-log[p].offset >= c.Window {
			return false
		}
		for y := p + 1; y <= x && c.MaxAge > 0; y++ {
			if log[y].ms >= log[p].ms+c.MaxAge.Milliseconds() {
				return false
			}
		}
		return true
	}
	opened, held := map[int]bool{}, []int{}
	out := map[int64][]schemas.Event{}
	for x := range log {
		e := &log[x]
		var events []schemas.Event
		alone := func(p int) { h := log[p].half(); events = single(events, &h) }

		gone := func(p int) bool { return !visible(p, x) }
		passed := func(p int) bool { return e.offset-log[p].offset >= c.Window }
		lost := slices.DeleteFunc(slices.Clone(held), func(p int) bool { return !gone(p) })
		slices.SortStableFunc(lost, func(a, b int) int { return cmp.Compare(btoi(!passed(a)), btoi(!passed(b))) })
		for _, p := range lost {
			alone(p)
		}
		held = slices.DeleteFunc(held, gone)

		if !e.none {
			first, repeat, since := -1, false, false
			for p := range x {
				if log[p].none || log[p].id != e.id {
					continue
				}
				if visible(p, x) {
					repeat = repeat || log[p].kind == e.kind
					if first < 0 {
						first = p
					}
				}
				since = since || first >= 0 && log[p].kind == e.kind
			}
			switch {
			case first < 0:
				opened[x] = true
				held = append(held, x)
			case repeat || opened[first] && since:
			case opened[first] && slices.Contains(held, first):
				held = slices.DeleteFunc(held, func(p int) bool { return p == first })
				request, response := log[first].half(), e.half()
				if e.kind == Request {
					request, response = response, request
				}
				events = join(events, &request, &response)
			default:
				alone(x)
			}
		}
		for len(held) > 0 && tooMany(c, log, held) {
			alone(held[0])
			held = held[1:]
		}
		out[e.offset] = events
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func tooMany(c Config, log []entry, held []int) bool {
	rows, bytes := 0, int64(0)
	for _, p := range held {
		h := log[p].half()
		rows, bytes = rows+len(h.Rows), bytes+sizeOf(&h)
	}
	return rows > c.MaxRows || bytes > c.MaxBytes
}
