package world

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/loadtest/wire"
	"github.com/driftline/driftline/schemas"
)

// Records is the whole run in the order of event time. Counters of telemetry go
// on, so that it can be ranged over once.
func (w *World) Records() iter.Seq[loadtest.Record] {
	return func(yield func(loadtest.Record) bool) {
		s := stream{w: w, out: wire.NewWriter(w.Wire, yield), changes: w.changes()}
		slices.SortStableFunc(s.changes, func(a, b schemas.Change) int { return a.Time.Compare(b.Time) })
		for _, j := range w.jobs {
			s.steps = append(s.steps, w.run(j))
		}
		s.run()
	}
}

// Events gives every inference event and its truth, in the order of event time,
// without anything else. The event is reused.
func (w *World) Events() iter.Seq2[*schemas.Event, schemas.Label] {
	return func(yield func(*schemas.Event, schemas.Label) bool) {
		var e schemas.Event
		for a := range w.arrivals() {
			got := w.event(a.model, a.n, a.at, &e)
			if !yield(&e, got.truth) {
				return
			}
		}
	}
}

// next request of a model.
type next struct {
	model *model
	n     uint64
	at    float64 // Unix milliseconds
}

// queue of requests, the earliest first.
type queue []next

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].model.index < q[j].model.index
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *queue) Push(x any) { *q = append(*q, x.(next)) }

// Pop is for container/heap.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// arrivals of requests of all models.
func (w *World) arrivals() iter.Seq[next] {
	return func(yield func(next) bool) {
		q := make(queue, 0, len(w.models))
		for _, m := range w.models {
			q = append(q, next{m, 0, w.arrival(m, 0, float64(w.from))})
		}
		heap.Init(&q)
		for q[0].at < float64(w.until) {
			a := q[0]
			if !yield(a) {
				return
			}
			q[0] = next{a.model, a.n + 1, w.arrival(a.model, a.n+1, a.at)}
			heap.Fix(&q, 0)
		}
	}
}

// stream merges all kinds of record.
type stream struct {
	w       *World
	out     *wire.Writer
	labels  truths
	scrapes uint64
	steps   [][]schemas.JobEvent // of the run of each job that is under way
	changes []schemas.Change
}

func (s *stream) run() {
	w := s.w
	var e schemas.Event
	for a := range w.arrivals() {
		at := time.UnixMilli(int64(a.at)).UTC()
		if !s.until(at) {
			return
		}
		got := w.event(a.model, a.n, a.at, &e)
		s.count(&got)
		if !s.out.Event(&e) {
			return
		}
		s.expect(a.model, a.n, at, got.truth)
	}
	_ = s.until(time.UnixMilli(w.until).UTC())
}

// count adds a request to what telemetry shows.
func (s *stream) count(a *answered) {
	a.pod.serve(a)
	for _, st := range s.w.stages[3*a.pod.deployment.model.index:][:3] {
		if !st.labels {
			st.recent++
		}
	}
}

// expect adds the labels of an event: none, one, or the same one twice; in the
// time of a backlog at its end, and none of what falls into a feed that stopped.
func (s *stream) expect(m *model, n uint64, at time.Time, l schemas.Label) {
	d, c := s.w.base, &s.w.Labels
	d.Seed(s.w.Seed, streamLabels+uint64(m.index), n)
	if d.Float64() >= c.Share {
		return
	}
	l.Time = at.Add(time.Duration(d.Exponential(float64(c.Delay)))).Truncate(time.Millisecond)
	twice, later := d.Float64() < c.Doubled, l.Time.Add(time.Minute)
	s.push(m, l)
	if twice {
		l.Time = later
		s.push(m, l)
	}
}

func (s *stream) push(m *model, l schemas.Label) {
	ms := l.Time.UnixMilli()
	if stopped, _ := m.faults.of(LabelFeedStopped, ms); stopped > 0 {
		return
	}
	if _, f := m.faults.of(LabelBacklog, ms); f != nil {
		l.Time = time.UnixMilli(f.end).UTC()
	}
	if l.Time.UnixMilli() < s.w.until {
		heap.Push(&s.labels, l)
	}
}

// until sends everything known before a time, kind by kind; false to stop.
func (s *stream) until(at time.Time) bool {
	for len(s.labels) > 0 && s.labels[0].Time.Before(at) {
		l := heap.Pop(&s.labels).(schemas.Label)
		s.w.join(&l)
		if !s.out.Label(&l) {
			return false
		}
	}
	for ; s.w.Start.Add(time.Duration(s.scrapes) * s.w.Scrape).Before(at); s.scrapes++ {
		got := s.w.scrape(s.scrapes)
		if !s.out.Samples(got.at, got.list) {
			return false
		}
	}
	for i, j := range s.w.jobs {
		for len(s.steps[i]) > 0 && s.steps[i][0].Time.Before(at) {
			if !s.out.Job(&s.steps[i][0]) {
				return false
			}
			if s.steps[i] = s.steps[i][1:]; len(s.steps[i]) == 0 {
				s.steps[i] = s.w.run(j)
			}
		}
		for len(s.steps[i]) == 0 && s.w.Start.Add(time.Duration(j.next)*jobEvery).Before(at) { // runs that never began
			s.steps[i] = s.w.run(j)
		}
	}
	for ; len(s.changes) > 0 && s.changes[0].Time.Before(at); s.changes = s.changes[1:] {
		if !s.out.Change(&s.changes[0]) {
			return false
		}
	}
	return true
}

// join counts a label in the pipeline that makes labels.
func (w *World) join(l *schemas.Label) {
	for _, st := range w.stages {
		if st.labels && st.model.name == l.Model {
			st.recent++
		}
	}
}

// truths are labels that are not known yet, the next one first.
type truths []schemas.Label

func (t truths) Len() int { return len(t) }
func (t truths) Less(i, j int) bool {
	return cmp.Or(t[i].Time.Compare(t[j].Time), cmp.Compare(t[i].RequestID, t[j].RequestID)) < 0
}
func (t truths) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push is for container/heap.
func (t *truths) Push(x any) { *t = append(*t, x.(schemas.Label)) }

// Pop is for container/heap.
func (t *truths) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
