package kserve

import (
	"time"

	"github.com/driftline/driftline/schemas"
)

// Joiner joins the halves of one partition. What it makes of a record is a
// function of the log, as the package's comment says. One goroutine at a time
// may use it.
type Joiner struct {
	cfg    Config
	last   int64 // offset of the newest record
	ids    map[id]*visible
	order  list // of all visible halves, by offset
	held   list // of those that wait, by offset
	ages   ages // of all visible halves, by the time at which they become invisible
	counts Counts
	out    []schemas.Event
}

// id of an inference.
type id struct {
	target Target
	id     string
}

// NewJoiner makes the joiner of a partition whose records have not been seen.
func NewJoiner(c Config) (*Joiner, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Joiner{cfg: c.orDefault(), last: -1, ids: map[id]*visible{}}, nil
}

// Add takes the half that the next record of the partition holds, and returns
// the events that are complete with it, which hold until the next call. The
// joiner keeps the half's rows, and events share their features. Offsets must
// grow; an error leaves all as it was.
func (j *Joiner) Add(offset int64, recordTime time.Time, h Half) ([]schemas.Event, error) {
	if err := j.advance(offset, recordTime); err != nil {
		return nil, err
	}
	j.counts.Halves++
	m := &mark{of: j.seen(id{h.Target, h.ID}), kind: h.Kind, offset: offset, deadline: j.deadline(recordTime)}
	j.take(m, h)
	j.see(m)
	for j.counts.HeldRows > j.cfg.MaxRows || j.counts.HeldBytes > j.cfg.MaxBytes {
		j.alone(j.held.first, Crowded)
	}
	return j.out, nil
}

// Skip takes the next record of the partition if it holds no half: one that
// cannot be read, or a transaction's marker. It ages those that wait.
func (j *Joiner) Skip(offset int64, recordTime time.Time) ([]schemas.Event, error) {
	if err := j.advance(offset, recordTime); err != nil {
		return nil, err
	}
	return j.out, nil
}

// take does what the half calls for, given what is visible at it.
func (j *Joiner) take(m *mark, h Half) {
	switch first := m.of.marks.first; {
	case first == nil:
		m.opened = true
		j.hold(m, h)
	case m.of.kinds[m.kind] > 0 || first.answered:
		j.counts.Repeats++
	case first.opened:
		j.answer(first, h)
	default:
		j.lonely(h, Stray)
	}
}

// answer joins the half to the one that opened, if that is still held.
func (j *Joiner) answer(first *mark, h Half) {
	first.answered = true
	if first.half == nil {
		j.lonely(h, Stray)
		return
	}
	request, response := j.release(first), &h
	if h.Kind == Request {
		request, response = response, request
	}
	j.counts.Joined++
	if len(request.Rows) != len(response.Rows) {
		j.counts.Unpaired++
	}
	j.out = join(j.out, request, response)
}

// alone makes events of a held half without its partner.
func (j *Joiner) alone(m *mark, why Cause) { j.lonely(*j.release(m), why) }

func (j *Joiner) lonely(h Half, why Cause) {
	if h.Kind == Request {
		j.counts.Unmatched[why]++
	} else {
		j.counts.Orphans[why]++
	}
	j.out = single(j.out, &h)
}

// hold keeps a half until it is answered or given up.
func (j *Joiner) hold(m *mark, h Half) {
	m.half, m.bytes = &h, sizeOf(&h)
	j.held.push(inHeld, m)
	j.counts.Held++
	j.counts.HeldRows += len(h.Rows)
	j.counts.HeldBytes += m.bytes
}

func (j *Joiner) release(m *mark) *Half {
	h := m.half
	m.half = nil
	j.held.remove(inHeld, m)
	j.counts.Held--
	j.counts.HeldRows -= len(h.Rows)
	j.counts.HeldBytes -= m.bytes
	return h
}
