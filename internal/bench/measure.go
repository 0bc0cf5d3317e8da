package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// partitions of the measured topic, and inserts under way at the limit.
const partitions = 4

const blockRows = 50_000 // as ingest.batch_rows

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// shape is what the events of a stream are like.
type shape struct {
	numeric, categorical int
	segments             int           // of each of four models
	step                 time.Duration // of event time between events
	random               bool          // categories without an order that compresses away
}

// usual is the shape of all measurements that do not say otherwise: a thousand
// events a second of event time.
var usual = shape{numeric: 20, categorical: 5, segments: 3, step: time.Millisecond}

func (s shape) event(i int) schemas.Event {
	h := uint64(i) * 0x9E3779B97F4A7C15
	score, latency := float64(h%1000)/1000, float64(h%300)
	e := schemas.Event{
		Tenant: "default", Model: fmt.Sprint("m", i%4), Version: "v1", Segment: fmt.Sprint("s", i/4%s.segments),
		RequestID: fmt.Sprintf("%016x", h), Time: start.Add(time.Duration(i) * s.step),
		Deployment: "d", Pod: fmt.Sprint("p", i%8), Node: fmt.Sprint("n", i%2), GPU: fmt.Sprint("g", i%4),
		Prediction: []string{"yes", "no"}[i%2], Score: &score, LatencyMS: &latency,
		Features: schemas.Features{Numeric: make(map[string]float64, s.numeric), Categorical: make(map[string]string, s.categorical)},
	}
	for j := range s.numeric {
		e.Features.Numeric[fmt.Sprintf("num_%02d", j)] = float64(j) + float64((h>>(j%44))%100_000)/1000
	}
	for j := range s.categorical {
		c := uint64(i*31 + j*17)
		if s.random {
			c = (h ^ h>>29) * uint64(2*j+1) >> 33
		}
		e.Features.Categorical[fmt.Sprintf("cat_%d", j)] = fmt.Sprint("c", c%50)
	}
	return e
}

// limit inserts the same rows as finished blocks: what remains when consuming,
// decoding and agreeing cost nothing. Whoever sums up decides what else there
// is to do.
func (b *bench) limit(ctx context.Context, sums summing) (result, error) {
	cfg, db, err := b.fresh(ctx, sums)
	if err != nil {
		return result{}, err
	}
	cfg.InsertConnections = partitions
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	if err != nil {
		return result{}, err
	}
	defer ins.Close()
	if b.blocks == nil {
		for p := range partitions {
			blocks, err := encode(usual, p, b.rows, partitions)
			if err != nil {
				return result{}, err
			}
			b.blocks = append(b.blocks, blocks...)
		}
	}
	var group errgroup.Group
	group.SetLimit(partitions)
	begin := startWatch()
	for i, block := range b.blocks {
		group.Go(func() error {
			all := []ingest.Block{block.Rows()}
			if sums == inGo {
				all = append(all, block.States())
			}
			for _, part := range all {
				if err := ins.Insert(ctx, part.Table, fmt.Sprint("limit-", i), part.Input); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return result{}, err
	}
	r, err := b.rates(ctx, db, begin)
	return r, errors.Join(err, b.done(ctx, db, cfg, sums))
}

// encode fills the blocks of every step-th event of a shape.
func encode(s shape, from, to, step int) (out []*ingest.Blocks, _ error) {
	for events := range s.chunks(from, to, step, blockRows) {
		block, err := ingest.NewBlocks(events)
		if err != nil {
			return nil, err
		}
		out = append(out, block)
	}
	return out, nil
}

// chunks of every step-th event, each of at most size.
func (s shape) chunks(from, to, step, size int) iter.Seq[[]schemas.Event] {
	return func(yield func([]schemas.Event) bool) {
		for from < to {
			events := make([]schemas.Event, 0, size)
			for ; from < to && len(events) < size; from += step {
				events = append(events, s.event(from))
			}
			if !yield(events) {
				return
			}
		}
	}
}

// path measures a driftline process over a topic that is full already: from
// the start of its ingest role to the last counted row.
func (b *bench) path(ctx context.Context, f form) (result, error) {
	cfg, db, err := b.fresh(ctx, inGo)
	if err != nil {
		return result{}, err
	}
	topic := fmt.Sprintf("events-%d", b.made)
	if err := b.fill(ctx, topic, f); err != nil {
		return result{}, err
	}
	conf := filepath.Join(b.dir, topic+".yaml")
	text := fmt.Sprintf(`
log: {level: info, format: text}
admin: {listen: ""}
kafka: {brokers: [%q], group: %s, topics: {schemas: schemas-%d}}
clickhouse: {addr: [%q], database: %s, retention: {raw: 0s, summaries: 0s, findings: 0s}}
ingest: {topics: [{topic: %s, kind: events, format: %s}]}
`, b.kafka.Brokers[0], topic, b.made, b.store.Addr[0], cfg.Database, topic, f.format)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return result{}, err
	}
	begin := startWatch()
	cmd, err := b.process(conf)
	if err != nil {
		return result{}, fmt.Errorf("start %s: %w (make build makes it)", b.bin, err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	for _, table := range []string{"count() FROM inference_events", "sum(rows) FROM feature_sketches_1m", "sumIf(rows, position = 0) FROM category_counts_1m"} {
		if err := await(ctx, db, "SELECT "+table, uint64(b.rows)); err != nil {
			return result{}, err
		}
	}
	r, err := b.rates(ctx, db, begin)
	if err != nil {
		return result{}, err
	}
	r.rss = peak(cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return result{}, err
	}
	if err := cmd.Wait(); err != nil {
		return result{}, fmt.Errorf("driftline: %w", err)
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r, b.done(ctx, db, cfg, inGo)
}

// fill produces the stream in a format, each model into a partition of its
// own, as a topic keyed by model has it.
func (b *bench) fill(ctx context.Context, topic string, f form) error {
	cl, err := b.kafka.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := kafka.CreateTopics(ctx, cl, partitions, topic); err != nil {
		return err
	}
	var failed error
	for p := range partitions {
		for events := range f.shape.chunks(p, b.rows, partitions, f.perRecord) {
			value, err := f.encode(events)
			if err != nil {
				return err
			}
			cl.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(p), Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed = err
				}
			})
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	return failed
}
