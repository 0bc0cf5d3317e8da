package ingest

import (
	"context"
	"log/slog"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

// Block goes into a table as one insert.
type Block struct {
	Table string
	Input proto.Input
}

// Blocks are events that did not come through Kafka, in the form in which
// ingest stores them: for tools, tests and measurements.
type Blocks struct {
	cols *eventColumns
	sum  *summarizer
}

// NewBlocks encodes events. Positions of features are in the order in which
// the features first come, those of one event by name; schemas are not agreed
// with anybody.
func NewBlocks(events []schemas.Event) (*Blocks, error) {
	in := New(DefaultConfig(), Options{Schemas: localSchemas{}, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	b := &Blocks{cols: newEventColumns(in, Topic{Tenant: schemas.DefaultTenant}), sum: newSummarizer()}
	var at arrivals
	for i := range events {
		b.cols.events.reset()
		b.cols.events.add(&events[i])
		e := &b.cols.events.list()[0]
		if err := b.cols.check(context.Background(), e, clock{}); err != nil {
			return nil, err
		}
		if err := b.cols.append(context.Background(), e, &at); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Rows is the block of the events themselves, without where they came from.
func (b *Blocks) Rows() Block { return Block{b.cols.table(), b.cols.input()} }

// States makes the block of states that follows from the rows. It holds until
// the next call.
func (b *Blocks) States() Block {
	d := b.sum.summarize(b.cols, nil)
	return Block{d.table, d.block}
}

// Schemas are the positions of features that the blocks use.
func (b *Blocks) Schemas() (out []*schemas.FeatureSchema) {
	for _, s := range b.cols.in.Schemas.(localSchemas) {
		out = append(out, s)
	}
	return out
}

// localSchemas agrees with nobody but itself.
type localSchemas map[schemas.SchemaKey]*schemas.FeatureSchema

func (l localSchemas) Schema(key schemas.SchemaKey) *schemas.FeatureSchema {
	if s := l[key]; s != nil {
		return s
	}
	return schemas.NewFeatureSchema(key)
}

func (l localSchemas) Extend(_ context.Context, key schemas.SchemaKey, missing []schemas.SchemaEntry) (*schemas.FeatureSchema, error) {
	s := l.Schema(key)
	for _, e := range missing {
		s = s.Extended(e.Kind, e.Name)
	}
	l[key] = s
	return s, nil
}
