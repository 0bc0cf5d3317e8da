package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// partitions of the measured topic, and inserts under way at the limit.
const partitions = 4

const blockRows = 50_000 // as ingest.batch_rows

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// event is the i-th of the measured stream: four models, three segments, a
// thousand events a second of event time.
func event(i int) schemas.Event {
	h := uint64(i) * 0x9E3779B97F4A7C15
	score, latency := float64(h%1000)/1000, float64(h%300)
	e := schemas.Event{
		Tenant: "default", Model: fmt.Sprint("m", i%4), Version: "v1", Segment: fmt.Sprint("s", i%3),
		RequestID: fmt.Sprintf("%016x", h), Time: start.Add(time.Duration(i) * time.Millisecond),
		Deployment: "d", Pod: fmt.Sprint("p", i%8), Node: fmt.Sprint("n", i%2), GPU: fmt.Sprint("g", i%4),
		Prediction: []string{"yes", "no"}[i%2], Score: &score, LatencyMS: &latency,
		Features: schemas.Features{Numeric: make(map[string]float64, 20), Categorical: make(map[string]string, 5)},
	}
	for j := range 20 {
		e.Features.Numeric[fmt.Sprintf("num_%02d", j)] = float64(j) + float64((h>>j)%100_000)/1000
	}
	for j := range 5 {
		e.Features.Categorical[fmt.Sprintf("cat_%d", j)] = fmt.Sprint("c", (i*31+j*17)%50)
	}
	return e
}

// limit inserts the same rows as finished blocks: what remains when consuming,
// decoding and agreeing cost nothing.
func (b *bench) limit(ctx context.Context) (result, error) {
	cfg, db, err := b.fresh(ctx)
	if err != nil {
		return result{}, err
	}
	cfg.InsertConnections = partitions
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	if err != nil {
		return result{}, err
	}
	defer ins.Close()
	var blocks []proto.Input
	for at := 0; at < b.rows; at += blockRows {
		blocks = append(blocks, block(at, min(at+blockRows, b.rows)))
	}
	var group errgroup.Group
	group.SetLimit(partitions)
	t0 := time.Now()
	for i, in := range blocks {
		group.Go(func() error { return ins.Insert(ctx, "inference_events", fmt.Sprint("limit-", i), in) })
	}
	if err := group.Wait(); err != nil {
		return result{}, err
	}
	took := time.Since(t0)
	return result{perSecond: float64(b.rows) / took.Seconds()}, b.done(ctx, db, cfg)
}

// block of the columns that ingest fills.
func block(from, to int) proto.Input {
	words := func(f func(*schemas.Event) string, in []schemas.Event) *proto.ColLowCardinality[string] {
		c := proto.NewLowCardinality(new(proto.ColStr))
		for i := range in {
			c.Append(f(&in[i]))
		}
		return c
	}
	var all []schemas.Event
	ts, request, offset, partition := new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli), new(proto.ColStr), new(proto.ColInt64), new(proto.ColInt32)
	num, cat := proto.NewArray(new(proto.ColFloat32)), proto.NewArray(proto.NewLowCardinality(new(proto.ColStr)))
	for i := from; i < to; i++ {
		e := event(i)
		all = append(all, e)
		ts.Append(e.Time)
		request.Append(e.RequestID)
		offset.Append(int64(i))
		partition.Append(int32(i % partitions))
		n, c := []float32{float32(*e.Score), float32(*e.LatencyMS)}, []string{e.Prediction}
		for j := range 20 {
			n = append(n, float32(e.Features.Numeric[fmt.Sprintf("num_%02d", j)]))
		}
		for j := range 5 {
			c = append(c, e.Features.Categorical[fmt.Sprintf("cat_%d", j)])
		}
		num.Append(n)
		cat.Append(c)
	}
	return proto.Input{
		{Name: "tenant", Data: words(func(e *schemas.Event) string { return e.Tenant }, all)},
		{Name: "model", Data: words(func(e *schemas.Event) string { return e.Model }, all)},
		{Name: "version", Data: words(func(e *schemas.Event) string { return e.Version }, all)},
		{Name: "segment", Data: words(func(e *schemas.Event) string { return e.Segment }, all)},
		{Name: "timestamp", Data: ts},
		{Name: "request_id", Data: request},
		{Name: "deployment", Data: words(func(e *schemas.Event) string { return e.Deployment }, all)},
		{Name: "pod", Data: words(func(e *schemas.Event) string { return e.Pod }, all)},
		{Name: "node", Data: words(func(e *schemas.Event) string { return e.Node }, all)},
		{Name: "gpu", Data: words(func(e *schemas.Event) string { return e.GPU }, all)},
		{Name: "num", Data: num},
		{Name: "cat", Data: cat},
		{Name: "_topic", Data: words(func(*schemas.Event) string { return "events" }, all)},
		{Name: "_partition", Data: partition},
		{Name: "_offset", Data: offset},
	}
}

// path measures a driftline process over a topic that is full already: from
// the start of its ingest role to the last counted row.
func (b *bench) path(ctx context.Context, format string) (result, error) {
	cfg, db, err := b.fresh(ctx)
	if err != nil {
		return result{}, err
	}
	topic := fmt.Sprintf("events-%d", b.made)
	if err := b.fill(ctx, topic, format); err != nil {
		return result{}, err
	}
	conf := filepath.Join(b.dir, topic+".yaml")
	text := fmt.Sprintf(`
log: {level: info, format: text}
admin: {listen: ""}
kafka: {brokers: [%q], group: %s, topics: {schemas: schemas-%d}}
clickhouse: {addr: [%q], database: %s, retention: {raw: 0s, summaries: 0s, findings: 0s}}
ingest: {topics: [{topic: %s, kind: events, format: %s}]}
`, b.kafka.Brokers[0], topic, b.made, b.store.Addr[0], cfg.Database, topic, format)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return result{}, err
	}
	t0 := time.Now()
	cmd, err := b.process(conf)
	if err != nil {
		return result{}, fmt.Errorf("start %s: %w (make build makes it)", b.bin, err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	if err := await(ctx, db, "SELECT count() FROM inference_events", uint64(b.rows)); err != nil {
		return result{}, err
	}
	took := time.Since(t0)
	memory := peak(cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return result{}, err
	}
	if err := cmd.Wait(); err != nil {
		return result{}, fmt.Errorf("driftline: %w", err)
	}
	return result{float64(b.rows) / took.Seconds(), memory}, b.done(ctx, db, cfg)
}

// fill produces the stream in a format.
func (b *bench) fill(ctx context.Context, topic, format string) error {
	cl, err := b.kafka.Dial(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := kafka.CreateTopics(ctx, cl, partitions, topic); err != nil {
		return err
	}
	var failed error
	for i := range b.rows {
		e := event(i)
		value := []byte(nil)
		if format == "json" {
			if value, err = json.Marshal(&e); err != nil {
				return err
			}
		} else {
			value = e.AppendProto(nil)
		}
		cl.Produce(ctx, &kgo.Record{Topic: topic, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	return failed
}
