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
	ingest.HeaderSize, ingest.HeaderRedacted, ingest.HeaderEncryption, ingest.HeaderDigest,
}

// Origin is where the original record of a dead letter lies or lay.
type Origin struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// String is topic/partition/offset.
func (o Origin) String() string { return ingest.OriginOf(o.Topic, o.Partition, o.Offset) }

// The forms of a letter that does not hold the record as it came.
const (
	FormShortened = "shortened" // only the beginning of the value: the rest did not fit
	FormRedacted  = "redacted"  // nothing of the record: the original lies at its origin, for as long as the topic keeps it
	FormEncrypted = "encrypted"
)

// Letter is a dead letter: the original record, and why it lies here.
type Letter struct {
	Origin
	Timestamp time.Time // of the original record; zero when the letter does not say
	Reason    string    // short and stable, such as bad_json
	Error     string    // what exactly
	ReplayOf  string    // origin of the dead letter that the record was replayed from, if it was
	Form      string    // empty when it holds the record as it came
	Size      int       // bytes of the original value
	Key       []byte
	Value     []byte
	Headers   []kgo.RecordHeader // of the original record, in its order

	encryption string // how Value is encrypted
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
		Key: r.Key, Value: r.Value, Headers: original(r.Headers), Size: len(r.Value),
	}
	l.readForm(r.Headers)
	if t, err := time.Parse(time.RFC3339Nano, h[ingest.HeaderTimestamp]); err == nil {
		l.Timestamp = t.UTC()
	}
	return l, nil
}

// readForm reads what ingest says of the contents. Only headers after its own
// reason count: all before are the record's, and may say anything.
func (l *Letter) readForm(headers []kgo.RecordHeader) {
	from := 0
	for i, h := range headers {
		if h.Key == ingest.HeaderReason {
			from = i
		}
	}
	for _, h := range headers[from:] {
		switch h.Key {
		case ingest.HeaderRedacted:
			l.Form = FormRedacted
		case ingest.HeaderEncryption:
			l.Form, l.encryption = FormEncrypted, string(h.Value)
		case ingest.HeaderSize:
			if n, err := strconv.Atoi(string(h.Value)); err == nil {
				l.Size = n
			}
		}
	}
	if l.Form == "" && l.Size != len(l.Value) {
		l.Form = FormShortened
	}
}

// open decrypts the contents if they are encrypted.
func (l *Letter) open(keys []ingest.LetterKey) error {
	if l.Form != FormEncrypted {
		return nil
	}
	c, err := ingest.OpenLetter(keys, l.encryption, l.String(), l.Value)
	if err != nil {
		return err
	}
	l.Key, l.Value, l.Headers, l.Form = c.Key, c.Value, original(c.Headers), ""
	if c.Error != "" {
		l.Error = c.Error
	}
	return nil
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
