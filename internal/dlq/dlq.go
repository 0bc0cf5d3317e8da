// Package dlq reads the dead letters of a topic, and sends them back to where
// they came from once their cause is mended.
//
// A replay needs no store of its own: what was replayed is marked in the
// compacted topic <topic>.dlq.replayed, and a record and its marker are
// written in one Kafka transaction. A crash leaves both or neither, so a
// replay that is repeated goes on where it stopped. Consumers of the replayed
// records must read committed, as kafka.Group does: a transaction that was
// aborted half way has left its records in the log.
package dlq

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/kafka"
)

// Markers is the topic that remembers which dead letters of a topic were
// replayed.
func Markers(topic string) string { return kafka.DLQ(topic) + ".replayed" }

// Box holds the dead letters of one topic. It keeps no connection: every
// method makes its own, and they may be called at the same time.
type Box struct {
	cfg   kafka.Config
	topic string
	keys  []ingest.LetterKey
}

// New makes the box of a topic that Driftline consumes. The keys decrypt
// letters that are encrypted.
func New(cfg kafka.Config, topic string, keys ...ingest.LetterKey) *Box {
	return &Box{cfg: cfg, topic: topic, keys: keys}
}

// tally counts what a walk over a box passed over.
type tally struct {
	duplicates int // came again after a crash of ingest
	foreign    int // records that are no dead letters of this topic
}

// letters walks over the dead letters that match, each origin once, in the
// order of the log, from its start to its end as of now.
func (b *Box) letters(ctx context.Context, f Filter, n *tally) iter.Seq2[*Letter, error] {
	return func(yield func(*Letter, error) bool) {
		seen := map[string]struct{}{}
		for r, err := range scan(ctx, b.cfg, kafka.DLQ(b.topic)) {
			if err != nil {
				yield(nil, b.explain(err))
				return
			}
			l, err := parse(r)
			if err != nil || l.Topic != b.topic {
				n.foreign++
				continue
			}
			if !f.match(l) {
				continue
			}
			if _, twice := seen[l.id()]; twice {
				n.duplicates++
				continue
			}
			seen[l.id()] = struct{}{}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// explain says what a missing dead-letter topic means.
func (b *Box) explain(err error) error {
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("topic %s does not exist: nothing was ever ingested from %s; driftline run creates it", kafka.DLQ(b.topic), b.topic)
	}
	return fmt.Errorf("read dead letters of %s: %w", b.topic, err)
}
