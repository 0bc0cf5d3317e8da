package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
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
}

// poison says why a record cannot be stored.
type poison struct {
	reason string // short and stable: a label of counters
	detail string
}

func (p *poison) Error() string { return p.reason + ": " + p.detail }

func poisonf(reason, format string, args ...any) error {
	return &poison{reason, fmt.Sprintf(format, args...)}
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
	bytes   int
	dead    []*kgo.Record
	arrival arrivals
}

func newBatch(in *Ingester, t Topic, a assignment) *batch {
	b := &batch{
		cols: newColumns(in, t), assignment: a, in: in, name: []byte(a.topic),
	}
	b.all = append(b.cols.input(),
		proto.InputColumn{Name: "_topic", Data: &b.topic},
		proto.InputColumn{Name: "_partition", Data: &b.partition},
		proto.InputColumn{Name: "_offset", Data: &b.offset},
	)
	return b
}

func newColumns(in *Ingester, t Topic) columns {
	switch t.Kind {
	case Labels:
		return newLabelColumns(t)
	case Telemetry:
		return newSampleColumns(t)
	case Jobs:
		return newJobColumns(t)
	case Changes:
		return newChangeColumns(t)
	default:
		return newEventColumns(in, t)
	}
}

// add takes a record in: as rows, or as a dead letter when it can never be
// stored. Any other error is the caller's.
func (b *batch) add(ctx context.Context, r *kgo.Record) error {
	before := b.arrival.rows
	err := b.cols.add(ctx, r, &b.arrival)
	var bad *poison
	switch {
	case errors.As(err, &bad):
		b.bury(r, bad)
	case err != nil:
		return fmt.Errorf("decode %s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	for range b.arrival.rows - before {
		b.topic.append(b.name)
		b.partition.Append(b.assignment.partition)
		b.offset.Append(r.Offset)
	}
	b.bytes += len(r.Value)
	return nil
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
	b.bytes, b.dead = 0, nil
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
	return &kgo.Record{
		Topic: r.Topic, Key: r.Key, Value: r.Value[:shortened],
		Headers: append(r.Headers, kgo.RecordHeader{Key: HeaderSize, Value: strconv.AppendInt(nil, int64(len(r.Value)), 10)}),
	}
}

// bury makes the dead letter of a record: its key, bytes and headers as they
// came, and where it came from and why it lies here.
func (b *batch) bury(r *kgo.Record, bad *poison) {
	b.in.dropped(r.Topic, bad)
	headers := append(slices.Clip(r.Headers),
		kgo.RecordHeader{Key: HeaderReason, Value: []byte(bad.reason)},
		kgo.RecordHeader{Key: HeaderError, Value: []byte(bad.detail)},
		kgo.RecordHeader{Key: HeaderTopic, Value: []byte(r.Topic)},
		kgo.RecordHeader{Key: HeaderPartition, Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
		kgo.RecordHeader{Key: HeaderOffset, Value: strconv.AppendInt(nil, r.Offset, 10)},
		kgo.RecordHeader{Key: HeaderTimestamp, Value: []byte(r.Timestamp.UTC().Format(time.RFC3339Nano))},
	)
	b.dead = append(b.dead, &kgo.Record{Topic: kafka.DLQ(r.Topic), Key: r.Key, Value: r.Value, Headers: headers})
}

func (b *batch) deadLetters() []*kgo.Record { return b.dead }

func (b *batch) touches(topic string) []*kgo.Record { return b.arrival.announce(topic) }

func (in *Ingester) dropped(topic string, bad *poison) {
	in.set.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_undecodable_total{topic=%q,reason=%q}`, topic, bad.reason)).Inc()
	in.warn.Warn("undecodable record", "topic", topic, "reason", bad.reason, "err", bad.detail)
}

// spanOf is the minute that t lies in.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func spanOf(from, to int64) schemas.Span {
	return schemas.Span{Start: time.Unix(from*60, 0).UTC(), End: time.Unix(to*60, 0).UTC()}
}
