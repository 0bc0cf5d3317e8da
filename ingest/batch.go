package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// columns of one table under construction. add appends all rows of a record
// or none: an error leaves the columns as they were. A *poison error means
// that this record can never be stored.
type columns interface {
	table() string
	add(ctx context.Context, r *kgo.Record, at *arrivals) error
	input() proto.Input // all but the Kafka coordinates
	reset()
	// derive makes the blocks that follow from the rows: they hold until the
	// function is called that is returned with them. owed, when given, picks
	// for a table the minutes that it still lacks.
	derive(owed) (derived, func(), error)
	// looksBack is the decoder if the rows of a record depend on records
	// before it; nil otherwise.
	looksBack() looksBack
}

// poison says why a record cannot be stored.
type poison struct {
	reason   string // short and stable: a label of counters
	detail   string
	discreet string // detail without anything of the record; empty when nothing is left
}

func (p *poison) Error() string { return p.reason + ": " + p.detail }

// poisonf makes a *poison. Where policies hold, only arguments of type plain
// and counts of type int are told.
func poisonf(reason, format string, args ...any) error {
	return &poison{reason, fmt.Sprintf(format, args...), discreetly(format, args)}
}

// batch is the open batch of a partition: rows for the table, dead letters,
// and the windows that it touches.
type batch struct {
	cols       columns
	assignment assignment
	in         *Ingester

	topic     words
	partition proto.ColInt32
	offset    proto.ColInt64
	all       proto.Input // of the table

	name    []byte // of the topic
	letters *letters
	bill    *bill // nil without quotas
	maxAge  time.Duration
	bytes   int
	empty   int // records that hold no row
	dead    []*kgo.Record
	buried  []int64 // offsets of the dead
	arrival arrivals
}

func newBatch(in *Ingester, t Topic, a assignment) *batch {
	b := &batch{
		letters: in.lettersOf(t), bill: in.quotas.bill(t), assignment: a, in: in, name: []byte(a.topic), maxAge: in.cfg.MaxAge,
	}
	if t.Kind == Changes { // few, kept for long, and of interest when an old model is looked at
		b.maxAge = 0
	}
	b.cols = newColumns(in, t, b.bill)
	b.all = append(b.cols.input(),
		proto.InputColumn{Name: "_topic", Data: &b.topic},
		proto.InputColumn{Name: "_partition", Data: &b.partition},
		proto.InputColumn{Name: "_offset", Data: &b.offset},
	)
	return b
}

func newColumns(in *Ingester, t Topic, b *bill) columns {
	switch t.Kind {
	case Labels:
		return guarded(newLabelColumns(t), newGate(in, t, b, labelShape))
	case Telemetry:
		return guarded(newSampleColumns(in, t), newGate(in, t, b, sampleShape))
	case Jobs:
		return guarded(newJobColumns(t), newGate(in, t, b, jobShape))
	case Changes:
		return guarded(newChangeColumns(t), newGate(in, t, b, changeShape))
	default:
		c := newEventColumns(in, t)
		c.gate = newGate(in, t, b, eventShape)
		return c
	}
}

// add takes a record in: as rows, or as a dead letter when it can never be
// stored. Any other error is the caller's.
func (b *batch) add(ctx context.Context, r *kgo.Record) error {
	rows := b.arrival.rows
	err := b.take(ctx, r)
	if err == nil && b.arrival.rows == rows {
		b.empty++
	}
	b.bill.settle(len(r.Value))
	if bad := (*poison)(nil); errors.As(err, &bad) {
		b.bury(r, bad)
		return nil
	}
	return err
}

// take takes a record in as rows, or returns a *poison.
func (b *batch) take(ctx context.Context, r *kgo.Record) error {
	before := b.arrival.rows
	b.arrival.offset = r.Offset
	b.arrival.kafka.add(r.Timestamp)
	b.bytes += len(r.Value)
	if err := b.cols.add(ctx, r, &b.arrival); err != nil {
		return fmt.Errorf("decode %s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	for range b.arrival.rows - before {
		b.topic.append(b.name)
		b.partition.Append(b.assignment.partition)
		b.offset.Append(r.Offset)
	}
	return nil
}

// takeGood takes records in as rows and passes over those that can never be
// stored: another batch has their dead letters.
func (b *batch) takeGood(ctx context.Context, records ...*kgo.Record) error {
	for _, r := range records {
		if err := b.take(ctx, r); err != nil && !errors.As(err, new(*poison)) {
			return err
		}
	}
	return nil
}

// open begins an empty batch at a time that goes with its intent.
func (b *batch) open(now time.Time) {
	b.arrival.clock = clockAt(now, b.maxAge, b.in.cfg.MaxAhead)
}

func (b *batch) rows() int          { return b.arrival.rows }
func (b *batch) days() int          { return len(b.arrival.days) }
func (b *batch) table() string      { return b.cols.table() }
func (b *batch) input() proto.Input { return b.all }

func (b *batch) reset() {
	b.cols.reset()
	b.topic.Reset()
	b.partition.Reset()
	b.offset.Reset()
	b.bytes, b.empty, b.dead, b.buried = 0, 0, nil, nil
	b.arrival.reset()
}

// Headers of a dead letter.
const (
	HeaderReason    = "driftline-reason"    // short and stable, such as bad_json
	HeaderError     = "driftline-error"     // what exactly
	HeaderTopic     = "driftline-topic"     // origin
	HeaderPartition = "driftline-partition" // origin
	HeaderOffset    = "driftline-offset"    // origin
	HeaderTimestamp = "driftline-timestamp" // of the original record, RFC 3339
	HeaderSize      = "driftline-size"      // bytes of the original value, when the letter keeps only its beginning
)

// shortened is how much of a value stays in a dead letter that is too large
// for its topic: the headers that say why it is there come on top of a record
// that may have filled its topic's limit. The origin says where the rest is.
const shortened = 64 << 10

func shorten(r *kgo.Record) *kgo.Record {
	if encrypted(r) { // a part of it could not be decrypted
		return redacted(r)
	}
	return &kgo.Record{
		Topic: r.Topic, Key: r.Key, Value: r.Value[:shortened],
		Headers: append(r.Headers, kgo.RecordHeader{Key: HeaderSize, Value: strconv.AppendInt(nil, int64(len(r.Value)), 10)}),
	}
}

// bury makes the dead letter of a record.
func (b *batch) bury(r *kgo.Record, bad *poison) {
	b.buried = append(b.buried, r.Offset)
	b.in.dropped(r.Topic, bad.reason, b.letters.detail(bad))
	b.dead = append(b.dead, b.letters.of(r, bad))
}

func (b *batch) deadLetters() []*kgo.Record { return b.dead }

func (b *batch) touches(topic string) []*kgo.Record { return b.arrival.announce(topic) }

// eventDropped counts an event that is left out of a record whose other events
// are stored.
func (in *Ingester) eventDropped(topic string, bad *poison) {
	in.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_events_dropped_total{topic=%q,reason=%q}`, topic, bad.reason)).Inc()
	in.warn.Warn("an event is left out", "topic", topic, "reason", bad.reason)
}

// crowded says that a feature has more categories than are counted one by one.
func (in *Ingester) crowded(topic string, s *schemas.FeatureSchema, position, n int) {
	in.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_categories_bounded_total{topic=%q}`, topic)).Inc()
	in.warn.Warn("a feature has more categories than ingest.max_categories: the rest is counted as one", "topic", topic,
		"model", s.Key.Model, "version", s.Key.Version, "feature", s.Categorical[position], "categories", n)
}

func (in *Ingester) dropped(topic, reason, detail string) {
	in.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_undecodable_total{topic=%q,reason=%q}`, topic, reason)).Inc()
	in.warn.Warn("undecodable record", "topic", topic, "reason", reason, "err", detail)
}

// spanOf is the minute that t lies in.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func spanOf(from, to int64) schemas.Span {
	return schemas.Span{Start: time.Unix(from*60, 0).UTC(), End: time.Unix(to*60, 0).UTC()}
}
