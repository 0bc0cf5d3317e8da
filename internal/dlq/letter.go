package dlq

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
)

// HeaderReplayOf is the header of a replayed record that names the dead
// letter's origin: topic/partition/offset.
const HeaderReplayOf = "driftline-replay-of"

// ours are the headers that Driftline added and a replay takes away.
var ours = []string{
	ingest.HeaderReason, ingest.HeaderError, ingest.HeaderTopic, ingest.HeaderPartition,
	ingest.HeaderOffset, ingest.HeaderTimestamp, HeaderReplayOf,
}

// Origin is where the original record of a dead letter lies or lay.
type Origin struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// String is topic/partition/offset.
func (o Origin) String() string { return fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset) }

// Letter is a dead letter: the original record, and why it lies here.
type Letter struct {
	Origin
	Timestamp time.Time // of the original record; zero when the letter does not say
	Reason    string    // short and stable, such as bad_json
	Error     string    // what exactly
	ReplayOf  string    // origin of the dead letter that the record was replayed from, if it was
	Key       []byte
	Value     []byte
	Headers   []kgo.RecordHeader // of the original record, in its order
}

// id tells letters apart. The timestamp is part of it because a topic that is
// deleted and made anew starts at offset 0 again: the origin alone would take
// its letters for those of its predecessor.
func (l *Letter) id() string {
	if l.Timestamp.IsZero() {
		return l.String()
	}
	return l.String() + "@" + l.Timestamp.Format(time.RFC3339Nano)
}

// parse reads a record of a dead-letter topic. Of a header that is there twice
// the last counts: ingest puts its own after those of the record.
func parse(r *kgo.Record) (*Letter, error) {
	h := map[string]string{}
	for _, kv := range r.Headers {
		h[kv.Key] = string(kv.Value)
	}
	partition, err := strconv.ParseInt(h[ingest.HeaderPartition], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read header %s: %w", ingest.HeaderPartition, err)
	}
	offset, err := strconv.ParseInt(h[ingest.HeaderOffset], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read header %s: %w", ingest.HeaderOffset, err)
	}
	if h[ingest.HeaderTopic] == "" || partition < 0 || offset < 0 {
		return nil, fmt.Errorf("%s/%d/%d is no origin", h[ingest.HeaderTopic], partition, offset)
	}
	l := &Letter{
		Origin: Origin{h[ingest.HeaderTopic], int32(partition), offset},
		Reason: h[ingest.HeaderReason], Error: h[ingest.HeaderError], ReplayOf: h[HeaderReplayOf],
		Key: r.Key, Value: r.Value, Headers: original(r.Headers),
	}
	if t, err := time.Parse(time.RFC3339Nano, h[ingest.HeaderTimestamp]); err == nil {
		l.Timestamp = t.UTC()
	}
	return l, nil
}

// original are the headers that did not come from Driftline.
func original(headers []kgo.RecordHeader) (out []kgo.RecordHeader) {
	for _, h := range headers {
		if !slices.Contains(ours, h.Key) {
			out = append(out, h)
		}
	}
	return out
}

// record is the original again, for a topic. It goes to the partition that it
// came from, so that records of one partition keep their order; a topic with
// fewer partitions takes the remainder. Its timestamp is that of the replay:
// with the original's, retention could delete it before anybody reads it.
func (l *Letter) record(topic string) *kgo.Record {
	n := len(l.Headers)
	return &kgo.Record{
		Topic: topic, Partition: l.Partition, Key: l.Key, Value: l.Value,
		Headers: append(l.Headers[:n:n], kgo.RecordHeader{Key: HeaderReplayOf, Value: []byte(l.String())}),
	}
}

// size is about what a letter takes in memory and in a transaction.
func (l *Letter) size() int {
	n := len(l.Key) + len(l.Value) + 128
	for _, h := range l.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
