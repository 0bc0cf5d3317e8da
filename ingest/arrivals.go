package ingest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// arrivals keeps what a batch touches: days, which are partitions of the
// table, and minutes by model, which are announced to detection. And it tells
// which rows the batch takes.
type arrivals struct {
	clock  clock
	offset int64                       // of the record that is being taken
	stored map[schemas.Origin]struct{} // rows of the batch that are in the store already
	rows   int                         // to be stored
	labels bool                        // the rows are labels
	events extent                      // times of the rows
	kafka  extent                      // times that Kafka has for the records
	days   map[int64]struct{}
	models map[schemas.ModelKey]*arrival

	lastDay   int64 // memo: events come mostly in order
	lastModel *arrival
}

type arrival struct {
	key        schemas.ModelKey
	rows       uint64
	newest     time.Time
	minutes    map[int64]struct{}
	lastMinute int64
}

// row counts a row of a table whose windows nobody watches, and tells whether
// it is still to be stored.
func (a *arrivals) row(t time.Time) bool {
	day := schemas.Day(t)
	if _, ok := a.stored[schemas.Origin{Offset: a.offset, Day: day}]; ok {
		return false
	}
	a.rows++
	a.events.add(t)
	if len(a.days) == 0 || day != a.lastDay {
		if a.days == nil {
			a.days = map[int64]struct{}{}
		}
		a.days[day] = struct{}{}
		a.lastDay = day
	}
	return true
}

// label counts a label of a model as [arrivals.event] does an event.
func (a *arrivals) label(key schemas.ModelKey, t time.Time) bool {
	a.labels = true
	return a.event(key, t)
}

// event counts an event of a model, and tells whether it is still to be
// stored. Its window is announced in any case: who stored it may not have.
func (a *arrivals) event(key schemas.ModelKey, t time.Time) bool {
	m := a.lastModel
	if m == nil || m.key != key {
		if m = a.models[key]; m == nil {
			if a.models == nil {
				a.models = map[schemas.ModelKey]*arrival{}
			}
			m = &arrival{key: key, minutes: map[int64]struct{}{}, lastMinute: -1 << 62}
			a.models[key] = m
		}
		a.lastModel = m
	}
	m.rows++
	if t.After(m.newest) {
		m.newest = t
	}
	if minute := minuteOf(t); minute != m.lastMinute {
		m.minutes[minute] = struct{}{}
		m.lastMinute = minute
	}
	return a.row(t)
}

func (a *arrivals) reset() { *a = arrivals{} }

// announce makes a record for every model touched, keyed so that all windows
// of a model meet in one partition.
func (a *arrivals) announce(topic string) []*kgo.Record {
	var out []*kgo.Record
	for _, m := range a.models {
		value, err := json.Marshal(schemas.Touch{ModelKey: m.key, Labels: a.labels, Spans: m.spans(), Rows: m.rows, Watermark: m.newest})
		if err != nil {
			panic("encode announcement: " + err.Error()) // strings and times only
		}
		out = append(out, &kgo.Record{Topic: topic, Key: m.key.Bytes(), Value: value})
	}
	slices.SortFunc(out, func(x, y *kgo.Record) int { return slices.Compare(x.Key, y.Key) })
	return out
}

// maxSpans bounds an announcement: beyond it neighbours are joined over the
// gaps between them, which costs an evaluation and loses nothing.
const maxSpans = 512

func (m *arrival) spans() []schemas.Span {
	minutes := slices.Sorted(maps.Keys(m.minutes))
	for gap := int64(1); ; gap *= 2 {
		var out []schemas.Span
		from := 0
		for i := range minutes {
			if i+1 == len(minutes) || minutes[i+1]-minutes[i] > gap {
				out = append(out, spanOf(minutes[from], minutes[i]+1))
				from = i + 1
			}
		}
		if len(out) <= maxSpans {
			return out
		}
	}
}
