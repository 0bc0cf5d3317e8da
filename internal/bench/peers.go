package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// The peers read the JSON stream into the same tables, with the sums made by
// views: what one would build without Driftline. Neither counts once after a
// crash.

// kafkaEngine is ClickHouse reading Kafka itself.
func (b *bench) kafkaEngine(ctx context.Context) (result, error) {
	cfg, db, err := b.fresh(ctx, inViews)
	if err != nil {
		return result{}, err
	}
	topic := fmt.Sprintf("peer-%d", b.made)
	if err := b.fill(ctx, topic, forms[2]); err != nil {
		return result{}, err
	}
	var features, num, cat []string
	for j := range 20 {
		features, num = append(features, fmt.Sprintf("num_%02d Float32", j)), append(num, fmt.Sprintf("features.num_%02d", j))
	}
	for j := range 5 {
		features, cat = append(features, fmt.Sprintf("cat_%d String", j)), append(cat, fmt.Sprintf("features.cat_%d", j))
	}
	table := fmt.Sprintf(`CREATE TABLE kafka_in (tenant String, model String, version String, segment String, request_id String, timestamp String,
		deployment String, pod String, node String, gpu String, prediction String, score Float32, latency_ms Float32, features Tuple(%s))
		ENGINE = Kafka SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s', kafka_group_name = '%s', kafka_format = 'JSONEachRow', kafka_max_block_size = %d`,
		strings.Join(features, ", "), b.kafka.Brokers[0], topic, topic, blockRows)
	view := fmt.Sprintf(`CREATE MATERIALIZED VIEW kafka_view TO inference_events AS SELECT tenant, model, version, segment, request_id,
		parseDateTime64BestEffort(timestamp, 3, 'UTC') AS timestamp, deployment, pod, node, gpu, [score, latency_ms, %s] AS num, [prediction, %s] AS cat,
		_topic, toInt32(_partition) AS _partition, toInt64(_offset) AS _offset FROM kafka_in`, strings.Join(num, ", "), strings.Join(cat, ", "))
	begin := startWatch()
	for _, sql := range []string{table, view} {
		if err := db.Conn().Exec(ctx, sql); err != nil {
			return result{}, err
		}
	}
	if err := await(ctx, db, "SELECT count() FROM inference_events", uint64(b.rows)); err != nil {
		return result{}, err
	}
	r, err := b.rates(ctx, db, begin)
	if err != nil {
		return result{}, err
	}
	for _, table := range []string{"kafka_view", "kafka_in"} {
		if err := db.Conn().Exec(ctx, "DROP TABLE "+table); err != nil {
			return result{}, err
		}
	}
	return r, b.done(ctx, db, cfg, inViews)
}

// naive is the ingester that one writes in an afternoon: encoding/json into a
// struct, rows appended one by one, offsets committed by the client.
func (b *bench) naive(ctx context.Context) (result, error) {
	cfg, db, err := b.fresh(ctx, inViews)
	if err != nil {
		return result{}, err
	}
	topic := fmt.Sprintf("peer-%d", b.made)
	if err := b.fill(ctx, topic, forms[2]); err != nil {
		return result{}, err
	}
	cl, err := b.kafka.Dial(kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return result{}, err
	}
	defer cl.Close()
	begin := startWatch()
	var waiting []*kgo.Record
	for stored := 0; stored < b.rows; {
		waiting = append(waiting, cl.PollFetches(ctx).Records()...)
		if len(waiting) < min(blockRows, b.rows-stored) {
			continue
		}
		if err := appendRows(ctx, db, waiting); err != nil {
			return result{}, err
		}
		stored += len(waiting)
		waiting = waiting[:0]
	}
	r, err := b.rates(ctx, db, begin)
	return r, errors.Join(err, b.done(ctx, db, cfg, inViews))
}

func appendRows(ctx context.Context, db *clickhouse.DB, records []*kgo.Record) error {
	batch, err := db.Conn().PrepareBatch(ctx, "INSERT INTO inference_events (tenant, model, version, segment, timestamp, request_id, deployment, pod, node, gpu, num, cat, _topic, _partition, _offset)")
	if err != nil {
		return err
	}
	for _, r := range records {
		var e schemas.Event
		if err := json.Unmarshal(r.Value, &e); err != nil {
			return err
		}
		num, cat := []float32{float32(*e.Score), float32(*e.LatencyMS)}, []string{e.Prediction}
		for j := range 20 {
			num = append(num, float32(e.Features.Numeric[fmt.Sprintf("num_%02d", j)]))
		}
		for j := range 5 {
			cat = append(cat, e.Features.Categorical[fmt.Sprintf("cat_%d", j)])
		}
		if err := batch.Append(e.Tenant, e.Model, e.Version, e.Segment, e.Time, e.RequestID, e.Deployment, e.Pod, e.Node, e.GPU, num, cat, r.Topic, r.Partition, r.Offset); err != nil {
			return err
		}
	}
	return batch.Send()
}
