package kserve

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"
)

// advance makes the halves invisible that are so at the next record.
func (j *Joiner) advance(offset int64, recordTime time.Time) error {
	if offset <= j.last {
		return fmt.Errorf("join halves: offset %d comes after %d", offset, j.last)
	}
	j.last = offset
	j.reuse()
	for m := j.order.first; m != nil && offset-m.offset >= j.cfg.Window; m = j.order.first {
		j.forget(m)
		j.expire(m, Passed)
	}
	var aged []*mark
	for now := recordTime.UnixMilli(); len(j.ages) > 0 && j.ages[0].deadline <= now; {
		m := j.ages[0]
		j.forget(m)
		aged = append(aged, m)
	}
	slices.SortFunc(aged, func(a, b *mark) int { return cmp.Compare(a.offset, b.offset) })
	for _, m := range aged {
		j.expire(m, Aged)
	}
	return nil
}

// maxReused bounds the memory kept for events between records; a clock that
// jumps lets all go that wait.
const maxReused = 4096

func (j *Joiner) reuse() {
	if clear(j.out); cap(j.out) > maxReused {
		j.out = nil
	}
	j.out = j.out[:0]
}

func (j *Joiner) expire(m *mark, why Cause) {
	if m.half != nil {
		j.alone(m, why)
	}
}

// seen finds what is visible of an id.
func (j *Joiner) seen(of id) *visible {
	v := j.ids[of]
	if v == nil {
		v = &visible{id: of}
		j.ids[of] = v
	}
	return v
}

// see makes a half visible to later records.
func (j *Joiner) see(m *mark) {
	m.of.marks.push(inID, m)
	m.of.kinds[m.kind]++
	j.order.push(inOrder, m)
	if j.cfg.MaxAge > 0 {
		heap.Push(&j.ages, m)
	}
	j.counts.Visible++
}

// forget makes a half invisible.
func (j *Joiner) forget(m *mark) {
	m.of.marks.remove(inID, m)
	if m.of.kinds[m.kind]--; m.of.marks.first == nil {
		delete(j.ids, m.of.id)
	}
	j.order.remove(inOrder, m)
	if j.cfg.MaxAge > 0 {
		heap.Remove(&j.ages, m.age)
	}
	j.counts.Visible--
}

// deadline is the record time at which a half is too old.
func (j *Joiner) deadline(recordTime time.Time) int64 {
	ms := recordTime.UnixMilli()
	if ms > 1<<62 { // no clock; the window in offsets remains
		return ms
	}
	return ms + max(1, j.cfg.MaxAge.Milliseconds())
}
