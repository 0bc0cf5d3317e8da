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
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/selfmetrics"
	"github.com/driftline/driftline/schemas"
)

// Store keeps blocks.
type Store interface {
	// Insert writes one block and returns when it is stored, with all that
	// views make of it. Inserting a block again under the same token changes
	// nothing, for as long as the store remembers the token. The block is the
	// caller's again afterwards. An error with a method Refused() bool that returns
	// true says that the store will never take this block, by the fault of a row in it.
	Insert(ctx context.Context, table, token string, block proto.Input) error
	// Stored tells which rows of a range of offsets are in a table.
	Stored(ctx context.Context, table, topic string, partition int32, from, to int64) (map[schemas.Origin]struct{}, error)
	// Owed tells for minutes of models how many of the rows that are stored the
	// states lack; fewer than 0 when they are ahead of them.
	Owed(ctx context.Context, minutes []schemas.Minute) ([]int64, error)
	// Retries counts the inserts that were sent again, of all callers.
	Retries() uint64
	// Atomic tells that the store knows a token only together with its rows.
	Atomic() bool
	// Crowded tells that the store suffers from too many blocks.
	Crowded() bool
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

// Options of an Ingester: what surrounds it.
type Options struct {
	Windows       string // topic of announcements
	Store         Store
	Schemas       Schemas
	Producer      Producer
	InsertTimeout time.Duration // after which an insert of a former owner is over
	Log           *slog.Logger
	Metrics       *metrics.Set
}

// Ingester makes the handlers of partitions.
type Ingester struct {
	Options
	cfg    Config
	topics map[string]Topic
	quotas *quotas      // nil when no rate is limited
	warn   *slog.Logger // at most one line in ten seconds a place

	summarizers sync.Pool     // of *summarizer
	lookEvery   time.Duration // between looks for lost summaries
}

// New makes an Ingester.
func New(cfg Config, o Options) *Ingester {
	in := &Ingester{Options: o, cfg: cfg, topics: map[string]Topic{}, quotas: newQuotas(cfg.Quotas, o.Metrics), warn: selfmetrics.Every(o.Log, 10*time.Second)}
	in.lookEvery = lookEvery
	in.summarizers.New = func() any { return newSummarizer() }
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

// source is the partition's log and its place in the consumer group.
type source interface {
	// Commit stores an offset with metadata, fenced by the consumer group.
	Commit(ctx context.Context, offset int64, metadata string) error
	// LogStart is the oldest offset that the log still has.
	LogStart(ctx context.Context) (int64, error)
	// Read returns the records of [from, to) once more.
	Read(ctx context.Context, from, to int64) ([]*kgo.Record, error)
}

type assignment struct {
	topic     string
	partition int32
	token     string // prefix of deduplication tokens
}

func (in *Ingester) handler(from source, start int64, metadata string, a assignment) (*partition, error) {
	t, ok := in.topics[a.topic]
	if !ok {
		return nil, fmt.Errorf("topic %s is not configured under ingest.topics", a.topic)
	}
	pending, err := parseIntent(metadata)
	if err != nil {
		return nil, fmt.Errorf("read intent of %s/%d at offset %d: %w", a.topic, a.partition, start, err)
	}
	if pending.end <= start { // nothing lies in the range: whoever wrote it had nothing under way
		pending = intent{}
	}
	p := &partition{
		in: in, log: from, assignment: a, from: start, next: start, pending: pending,
		batch: newBatch(in, t, a), counters: newCounters(in.Metrics, a), rules: in.rulesOf(t), lastWork: time.Now(), taken: time.Now(),
	}
	p.committed = pending.end > 0
	// Parts are cut by what the store refuses: a record that is compacted away since makes other ones.
	p.reconcile = p.committed && (pending.parts || time.Since(pending.clock) > in.cfg.ReplayWithin)
	// Rows that depend on records before cannot be decoded twice side by side: their token has to do.
	p.reconcile = p.reconcile && p.batch.cols.looksBack() == nil
	return p, nil
}
