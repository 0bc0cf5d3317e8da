package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// SchemaLog is the log of feature names from which every instance derives the
// same feature schemas: a name's first record gives it the next position of
// its model version and kind, later ones of the same name change nothing.
//
// The topic has one partition, so all instances see one order. It is compacted
// only to keep it for ever: every record has a key of its own, since
// compaction that dropped an earlier record of a name would move positions.
type SchemaLog struct {
	topic   string
	cl      *kgo.Client
	writer  string // with seq, makes every key unique
	seq     atomic.Uint64
	persist func(context.Context, []schemas.SchemaEntry) error

	state struct {
		sync.RWMutex // never held while waiting for Kafka
		by           map[schemas.SchemaKey]*schemas.FeatureSchema
		versions     map[string]int // model versions by tenant
		next         int64          // offset that is applied next
		changed      chan struct{}  // closed and replaced when next moves
		err          error          // of the tail, final
	}
}

// OpenSchemaLog replays the log to its end. persist, called before a name may
// be used and for everything replayed, stores entries where readers of the
// arrays find them; it must be idempotent. Run keeps the log up to date.
func OpenSchemaLog(ctx context.Context, cfg Config, persist func(context.Context, []schemas.SchemaEntry) error) (*SchemaLog, error) {
	topic := cfg.Topics.Schemas
	cl, err := cfg.Dial(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.RequiredAcks(kgo.AllISRAcks()),
	)
	if err != nil {
		return nil, err
	}
	l := &SchemaLog{topic: topic, cl: cl, writer: uuid.NewString(), persist: persist}
	l.state.by, l.state.versions, l.state.changed = map[schemas.SchemaKey]*schemas.FeatureSchema{}, map[string]int{}, make(chan struct{})
	if err := l.replay(ctx); err != nil {
		cl.Close()
		return nil, fmt.Errorf("replay topic %s: %w", topic, err)
	}
	return l, nil
}

// replay applies everything up to the log's end as of now and persists it.
func (l *SchemaLog) replay(ctx context.Context) error {
	end, err := l.end(ctx)
	if err != nil {
		return err
	}
	for l.applied() < end {
		if err := l.poll(ctx); err != nil {
			return err
		}
	}
	var all []schemas.SchemaEntry
	l.state.RLock()
	for _, s := range l.state.by {
		all = append(all, s.Entries()...)
	}
	l.state.RUnlock()
	if len(all) == 0 {
		return nil
	}
	return l.persist(ctx, all)
}

// end asks for the log's end. A topic that was made a moment ago is not known
// to every broker yet, and has no leader during a change of leaders.
func (l *SchemaLog) end(ctx context.Context) (int64, error) {
	return backoff.Retry(ctx, func() (int64, error) {
		ends, err := kadm.NewClient(l.cl).ListEndOffsets(ctx, l.topic)
		if err == nil {
			err = ends.Error() // also of a topic that is unknown
		}
		if err != nil {
			return 0, classify(err)
		}
		end, _ := ends.Lookup(l.topic, 0)
		return end.Offset, nil
	}, backoff.WithMaxElapsedTime(30*time.Second))
}

// Run applies what other instances append until ctx ends.
func (l *SchemaLog) Run(ctx context.Context) error {
	var err error
	for err == nil {
		err = l.poll(ctx)
	}
	l.state.Lock()
	l.state.err = err
	close(l.state.changed)
	l.state.changed = make(chan struct{})
	l.state.Unlock()
	if ctx.Err() == nil {
		return fmt.Errorf("tail topic %s: %w", l.topic, err)
	}
	return nil
}

// Close ends the connection, after Run.
func (l *SchemaLog) Close() { l.cl.Close() }

func (l *SchemaLog) applied() int64 {
	l.state.RLock()
	defer l.state.RUnlock()
	return l.state.next
}

func (l *SchemaLog) poll(ctx context.Context) error {
	fetches := l.cl.PollFetches(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if fetches.IsClientClosed() {
		return kgo.ErrClientClosed
	}
	for _, e := range fetches.Errors() { // what may pass, the client retries by itself
		if !errors.As(e.Err, new(*kgo.ErrDataLoss)) {
			return fmt.Errorf("read %s: %w", e.Topic, e.Err)
		}
	}
	l.state.Lock()
	defer l.state.Unlock()
	fetches.EachRecord(l.apply)
	close(l.state.changed)
	l.state.changed = make(chan struct{})
	return nil
}

// apply adds one record; the caller holds the state.
func (l *SchemaLog) apply(r *kgo.Record) {
	l.state.next = r.Offset + 1
	var e schemas.SchemaEntry
	if json.Unmarshal(r.Value, &e) != nil || e.Name == "" {
		return // not ours; every instance skips it alike
	}
	s := l.state.by[e.SchemaKey]
	if s == nil {
		s = l.unnamed(e.SchemaKey)
		l.state.versions[e.Tenant]++
	}
	l.state.by[e.SchemaKey] = s.Extended(e.Kind, e.Name)
}

// Schema is the current schema of a model version; one with only the reserved
// positions when nothing was agreed yet.
func (l *SchemaLog) Schema(key schemas.SchemaKey) *schemas.FeatureSchema {
	l.state.RLock()
	defer l.state.RUnlock()
	if s := l.state.by[key]; s != nil {
		return s
	}
	return l.unnamed(key)
}

// unnamed is the schema of a model version that the log does not name yet; the
// caller holds the state.
func (l *SchemaLog) unnamed(key schemas.SchemaKey) *schemas.FeatureSchema {
	s := schemas.NewFeatureSchema(key)
	s.Rank = l.state.versions[key.Tenant]
	return s
}

// Extend agrees with all other instances on positions for features that the
// schema lacks, and returns a schema that has them.
func (l *SchemaLog) Extend(ctx context.Context, key schemas.SchemaKey, missing []schemas.SchemaEntry) (*schemas.FeatureSchema, error) {
	var records []*kgo.Record
	for _, m := range missing {
		value, err := json.Marshal(schemas.SchemaEntry{SchemaKey: key, Kind: m.Kind, Name: m.Name})
		if err != nil {
			return nil, err
		}
		records = append(records, &kgo.Record{Topic: l.topic, Partition: 0, Value: value, Key: []byte(l.writer + "/" + strconv.FormatUint(l.seq.Add(1), 10))})
	}
	results := l.cl.ProduceSync(ctx, records...)
	if err := results.FirstErr(); err != nil {
		return nil, fmt.Errorf("append %d features of %s/%s to %s: %w", len(missing), key.Model, key.Version, l.topic, err)
	}
	last := int64(0)
	for _, r := range results {
		last = max(last, r.Record.Offset)
	}
	if err := l.wait(ctx, last); err != nil {
		return nil, fmt.Errorf("wait for own features in %s: %w", l.topic, err)
	}
	s := l.Schema(key)
	if err := l.persist(ctx, s.Entries()); err != nil {
		return nil, fmt.Errorf("store feature schema: %w", err)
	}
	return s, nil
}

// wait until the record at offset is applied.
func (l *SchemaLog) wait(ctx context.Context, offset int64) error {
	for {
		l.state.RLock()
		next, changed, err := l.state.next, l.state.changed, l.state.err
		l.state.RUnlock()
		if next > offset || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
