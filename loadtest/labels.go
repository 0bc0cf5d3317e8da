package loadtest

import (
	"container/heap"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// truths are labels that are not known yet, the next one first.
type truths []schemas.Label

func (t truths) Len() int           { return len(t) }
func (t truths) Less(i, j int) bool { return t[i].Time.Before(t[j].Time) }
func (t truths) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }

// Push is for container/heap.
func (t *truths) Push(x any) { *t = append(*t, x.(schemas.Label)) }

// Pop is for container/heap.
func (t *truths) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// expect adds the labels of an event: none, one, or the same one twice.
func (t *truths) expect(d *draw.Draws, e *schemas.Event, truth string, told labelling) {
	if d.Float64() >= told.share {
		return
	}
	after := time.Duration(d.Exponential(float64(told.delay)))
	l := schemas.Label{Model: e.Model, RequestID: e.RequestID, Time: e.Time.Add(after).Truncate(time.Millisecond), Label: truth}
	heap.Push(t, l)
	if d.Float64() < told.doubled {
		l.Time = l.Time.Add(time.Minute)
		heap.Push(t, l)
	}
}

// due takes out the next label if it is known before at.
func (t *truths) due(at time.Time) (schemas.Label, bool) {
	if len(*t) == 0 || !(*t)[0].Time.Before(at) {
		return schemas.Label{}, false
	}
	return heap.Pop(t).(schemas.Label), true
}
