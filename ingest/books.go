package ingest

import (
	"fmt"
	"slices"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// books tell what became of the records of a partition. They are kept in
// records, not rows, since a record may hold many rows or none:
//
//	taken = stored + empty + dead letters + open + returned
//
// Every batch is held against this when it is written. What was taken is
// counted as records come; what was stored is counted in the block that the
// store acknowledged, so that a record lost on the way between shows.
type books struct {
	stored      *metrics.Counter // with at least one row in the table
	empty       *metrics.Counter // that hold no row
	returned    *metrics.Counter // taken, and left to the next owner
	open        *metrics.Gauge   // in the open batch
	unaccounted *metrics.Gauge   // by which batches did not balance
	name        string           // of open
}

func newBooks(set *metrics.Set, label string) books {
	open := "driftline_ingest_open_records" + label
	return books{
		stored:      set.GetOrCreateCounter("driftline_ingest_records_stored_total" + label),
		empty:       set.GetOrCreateCounter("driftline_ingest_records_empty_total" + label),
		returned:    set.GetOrCreateCounter("driftline_ingest_records_returned_total" + label),
		open:        set.GetOrCreateGauge(open, nil),
		unaccounted: set.GetOrCreateGauge("driftline_ingest_unaccounted_records"+label, nil),
		name:        open,
	}
}

// balance settles the books of a batch that is written.
func (p *partition) balance() {
	stored := 0
	if p.kept != nil {
		stored = recordsWithRows(p.kept.offset, p.batch.buried)
	}
	b := &p.counters.books
	b.stored.Add(stored)
	b.empty.Add(p.batch.empty)
	if missing := p.open - stored - p.batch.empty - len(p.batch.dead); missing != 0 {
		b.unaccounted.Add(float64(max(missing, -missing)))
		p.in.Log.Error("the books of a batch do not balance: this is a fault of Driftline",
			"topic", p.topic, "partition", p.partition, "from", p.from, "to", p.next, "taken", p.open,
			"stored", stored, "empty", p.batch.empty, "dead_letters", len(p.batch.dead), "unaccounted", missing)
	}
	p.open = 0
	b.open.Set(0)
}

// recordsWithRows counts the offsets in the column of a block, which ascend, and
// leaves those out that are buried: a record whose rows the store had from an
// earlier try can be both.
func recordsWithRows(column, buried []int64) (n int) {
	buried = slices.Sorted(slices.Values(buried))
	last := int64(-1)
	for _, offset := range column {
		if offset == last {
			continue
		}
		last = offset
		if _, dead := slices.BinarySearch(buried, offset); !dead {
			n++
		}
	}
	return n
}

// forgo writes off the records of the batch that the log no longer has, when it
// must be read again: nobody can store them.
func (p *partition) forgo(records []*kgo.Record) {
	there := make(map[int64]struct{}, len(records))
	for _, r := range records {
		there[r.Offset] = struct{}{}
	}
	gone, last := 0, int64(-1)
	for _, offset := range p.batch.offset {
		if _, ok := there[offset]; !ok && offset != last {
			gone++
		}
		last = offset
	}
	if gone == 0 {
		return
	}
	p.open -= gone
	p.counters.lost.Add(gone)
	p.in.Log.Error("records are gone before they were stored, while the store refused their batch: compacted away, or the topic keeps them for too short a time",
		"topic", p.topic, "partition", p.partition, "from", p.from, "to", p.next, "records", gone)
}

// End gives the records of the open batch back: who owns the partition next
// takes them again.
func (p *partition) End() {
	b := &p.counters.books
	b.returned.Add(p.open)
	p.open = 0
	p.in.Metrics.UnregisterMetric(b.name)
}

// stages of a batch, and how long each took.
type stages struct{ decode, intent, insert, publish, commit *metrics.Histogram }

func newStages(set *metrics.Set, topic string) stages {
	of := func(stage string) *metrics.Histogram {
		return set.GetOrCreateHistogram(fmt.Sprintf(`driftline_ingest_stage_seconds{topic=%q,stage=%q}`, topic, stage))
	}
	return stages{decode: of("decode"), intent: of("intent"), insert: of("insert"), publish: of("publish"), commit: of("commit")}
}
