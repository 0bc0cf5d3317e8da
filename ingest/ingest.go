// Package ingest moves records from Kafka into ClickHouse, each one exactly
// once in effect.
//
// One goroutine owns a partition and its open batch, the range of offsets
// [a,b). A batch is written in four steps: the intent to write it is committed
// (offset a, metadata naming b); its rows go in as one native block under a
// token made of the range; its undecodable records go to the dead-letter topic
// and the windows that it touched are announced; then offset b is committed,
// as part of the next batch's intent or, on idle, alone. Whoever takes the
// partition over finds the intent and repeats exactly [a,b) first, under the
// same token, so that whatever of it had been written counts once.
package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/selfmetrics"
	"github.com/driftline/driftline/schemas"
)

// Sink stores blocks.
type Sink interface {
	// Insert writes one block and returns when it is stored with all that
	// views make of it. Inserting a block again under the same token changes
	// nothing. The block is the caller's again afterwards.
	Insert(ctx context.Context, table, token string, block proto.Input) error
}

// Schemas agrees on the positions of features. It is safe for concurrent use.
type Schemas interface {
	// Schema as known here; never nil.
	Schema(key schemas.SchemaKey) *schemas.FeatureSchema
	// Extend returns a schema that has the missing features, agreed with all
	// other instances and readable for those who read the arrays.
	Extend(ctx context.Context, key schemas.SchemaKey, missing []schemas.SchemaEntry) (*schemas.FeatureSchema, error)
}

// Producer sends records and waits until all brokers that must have them do.
type Producer interface {
	ProduceSync(ctx context.Context, records ...*kgo.Record) kgo.ProduceResults
}

// Ingester makes the handlers of partitions.
type Ingester struct {
	cfg     Config
	topics  map[string]Topic
	windows string // topic of announcements
	sink    Sink
	schemas Schemas
	produce Producer
	warn    *slog.Logger // at most one line in ten seconds a place
	set     *metrics.Set
}

// New makes an Ingester that announces touched windows on a topic.
func New(cfg Config, windows string, sink Sink, s Schemas, p Producer, log *slog.Logger, set *metrics.Set) *Ingester {
	in := &Ingester{cfg: cfg, topics: map[string]Topic{}, windows: windows, sink: sink, schemas: s, produce: p, warn: selfmetrics.Every(log, 10*time.Second), set: set}
	for _, t := range cfg.Topics {
		in.topics[t.Topic] = t
	}
	return in
}

// Handler takes a newly assigned partition over: with the range that was
// pending first, when its former owner left one.
func (in *Ingester) Handler(p *kafka.Partition) (kafka.Handler, error) {
	return in.handler(p, p.Start, p.Metadata, assignment{
		topic: p.Topic, partition: p.Number,
		token: fmt.Sprintf("%s/%s/%d", p.Cluster, p.TopicID, p.Number),
	})
}

// committer stores an offset with metadata, fenced by the consumer group.
type committer interface {
	Commit(ctx context.Context, offset int64, metadata string) error
}

type assignment struct {
	topic     string
	partition int32
	token     string // prefix of deduplication tokens
}

func (in *Ingester) handler(c committer, start int64, metadata string, a assignment) (*partition, error) {
	t, ok := in.topics[a.topic]
	if !ok {
		return nil, fmt.Errorf("topic %s is not configured under ingest.topics", a.topic)
	}
	pend, err := parseIntent(metadata)
	if err != nil {
		return nil, fmt.Errorf("read intent of %s/%d at offset %d: %w", a.topic, a.partition, start, err)
	}
	if pend <= start { // nothing lies in the range: whoever wrote it had nothing under way
		pend = 0
	}
	p := &partition{
		in: in, commit: c, assignment: a, from: start, next: start, pend: pend,
		batch: newBatch(in, t, a), counters: newCounters(in.set, a), lastWork: time.Now(),
	}
	p.intent = pend > 0
	return p, nil
}
