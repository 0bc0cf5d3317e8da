package loadtest

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Kind of a record, named as ingest names the kinds of topics.
type Kind string

// The kinds of record.
const (
	Events    Kind = "events"
	Labels    Kind = "labels"
	Telemetry Kind = "telemetry"
	Jobs      Kind = "jobs"
	Changes   Kind = "changes"
)

// Kinds are all of them.
var Kinds = []Kind{Events, Labels, Telemetry, Jobs, Changes}

// Record is something to be sent: events in protobuf, all else in JSON.
type Record struct {
	Kind  Kind
	Time  time.Time // event time at which it becomes known
	Key   string
	Value []byte // the receiver's to keep
}

// Records is the whole run in the order of event time. It can be ranged over
// again and gives the same.
func (f *Fleet) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		s := stream{fleet: f, yield: yield, jobs: f.job(), changes: []schemas.Change{f.change()}}
		var e schemas.Event
		for i := range f.Events {
			truth, told := f.Event(i, &e)
			if !s.until(e.Time) || !yield(Record{Events, e.Time, e.RequestID, e.AppendProto(make([]byte, 0, 512))}) {
				return
			}
			f.base.Seed(^f.Seed, streamEvents, i)
			s.labels.expect(f.base, &e, truth, told)
		}
		s.until(f.End())
	}
}

// stream merges the other kinds into the events.
type stream struct {
	fleet   *Fleet
	yield   func(Record) bool
	labels  truths
	scrapes uint64
	jobs    []schemas.JobEvent
	changes []schemas.Change
}

// until yields everything known before a time, kind by kind; false to stop.
func (s *stream) until(at time.Time) bool {
	for l, ok := s.labels.due(at); ok; l, ok = s.labels.due(at) {
		if !s.send(Labels, l.Time, l.RequestID, l) {
			return false
		}
	}
	for s.fleet.Start.Add(time.Duration(s.scrapes) * scrape).Before(at) {
		for _, sample := range s.fleet.samples(s.scrapes) {
			if !s.send(Telemetry, sample.Time, sample.GPU, sample) {
				return false
			}
		}
		s.scrapes++
	}
	for ; len(s.jobs) > 0 && s.jobs[0].Time.Before(at); s.jobs = s.jobs[1:] {
		if !s.send(Jobs, s.jobs[0].Time, s.jobs[0].Job, s.jobs[0]) {
			return false
		}
	}
	for ; len(s.changes) > 0 && s.changes[0].Time.Before(at); s.changes = s.changes[1:] {
		if !s.send(Changes, s.changes[0].Time, s.changes[0].Entity, s.changes[0]) {
			return false
		}
	}
	return true
}

func (s *stream) send(kind Kind, at time.Time, key string, v any) bool {
	value, err := json.Marshal(v)
	if err != nil { // finite numbers and strings always marshal
		panic("loadtest: " + err.Error())
	}
	return s.yield(Record{kind, at, key, value})
}
