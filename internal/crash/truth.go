package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/driftline/driftline/schemas"
)

// The stream: events over a few days of event time, so that a batch touches
// several partitions of the tables, and a new model version now and then, so
// that positions of features are agreed on while things break.
const (
	days            = 4
	eventsAVersion  = 15_000
	brokenOneIn     = 97
	minutesADay     = 90 // event times lie in so many minutes of a day: states that merge
	feature         = "a"
	featurePosition = 2 // after score and latency
	topValue        = 1 << 20
)

var firstDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// record is one of the stream.
type record struct {
	value  []byte
	broken bool
	a      float64
}

// stream makes records: the same seed makes the same ones.
type stream struct {
	rng *rand.Rand
	n   int
}

func newStream(seed uint64) *stream { return &stream{rng: rand.New(rand.NewPCG(seed, 2))} }

func (s *stream) next() record {
	n := s.n
	s.n++
	a, score := float64(s.rng.IntN(topValue)), float64(s.rng.IntN(1000))/1000
	e := schemas.Event{
		Model: fmt.Sprint("m", s.rng.IntN(2)), Version: fmt.Sprint("v", n/eventsAVersion), Segment: fmt.Sprint("s", s.rng.IntN(2)),
		RequestID: fmt.Sprintf("%08d", n), Score: &score, Prediction: []string{"yes", "no"}[s.rng.IntN(2)],
		Time: firstDay.AddDate(0, 0, s.rng.IntN(days)).Add(time.Duration(s.rng.IntN(minutesADay*60_000)) * time.Millisecond),
		Features: schemas.Features{
			Numeric:     map[string]float64{feature: a},
			Categorical: map[string]string{"c": []string{"x", "y", "z"}[s.rng.IntN(3)]},
		},
	}
	if n%3 == 0 {
		e.Features.Numeric["b"] = -a
	}
	if s.rng.IntN(brokenOneIn) == 0 {
		return record{value: breakUp(&e, s.rng.IntN(4)), broken: true}
	}
	return record{value: e.AppendProto(nil), a: a}
}

// breakUp makes a record that can never be stored, in one of several ways.
func breakUp(e *schemas.Event, way int) []byte {
	switch way {
	case 0:
		return []byte("no protobuf at all")
	case 1:
		e.Model = ""
	case 2:
		e.Time = time.Time{}
	default:
		e.Features.Numeric = map[string]float64{schemas.FeatureScore: 1} // a reserved name
	}
	return e.AppendProto(nil)
}

// origin of a record in Kafka.
type origin struct {
	partition int32
	offset    int64
}

// truth is what Kafka acknowledged. It is safe for concurrent use.
type truth struct {
	mu     sync.Mutex
	good   map[origin]float64 // the value of the feature
	broken map[origin]bool
	ends   map[int32]int64 // by partition
}

func newTruth() *truth {
	return &truth{good: map[origin]float64{}, broken: map[origin]bool{}, ends: map[int32]int64{}}
}

func (t *truth) add(at origin, r record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.broken {
		t.broken[at] = true
	} else {
		t.good[at] = r.a
	}
	t.ends[at.partition] = max(t.ends[at.partition], at.offset+1)
}

// end of every partition as acknowledged so far.
func (t *truth) end() map[int32]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.ends)
}
