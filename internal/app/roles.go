package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// tick is how often idle handlers look around.
const tick = 100 * time.Millisecond

// putFeatureSchema waits for a store that is away, as inserts do.
func (a *App) putFeatureSchema(ctx context.Context, entries []schemas.SchemaEntry) error {
	return retry(ctx, func() error { return a.db.PutFeatureSchema(ctx, entries) })
}

// startIngest: input topics → rows and announcements of touched windows.
func (a *App) startIngest(start, run context.Context) error {
	if len(a.cfg.Ingest.Topics) == 0 {
		a.log.Warn("nothing to ingest: ingest.topics is empty")
		return nil
	}
	log, err := kafka.OpenSchemaLog(start, a.cfg.Kafka, a.putFeatureSchema)
	if err != nil {
		return err
	}
	a.onStop("schema log", log.Close)
	a.background(run, "schema log", log.Run)
	sink, err := clickhouse.NewInserter(a.cfg.ClickHouse, a.set)
	if err != nil {
		return err
	}
	a.onStop("inserts", sink.Close)
	a.background(run, "events of the store", func(ctx context.Context) error { return a.db.WatchEvents(ctx, a.set, a.log) })
	cfg := a.cfg.Ingest
	if cfg.MaxAge == 0 {
		cfg.MaxAge = a.cfg.ClickHouse.Retention.Raw
	}
	in := ingest.New(cfg, ingest.Options{
		Windows: a.cfg.Kafka.Topics.Windows, Store: clickhouse.Store{Inserter: sink, DB: a.db}, Schemas: log, Producer: a.out,
		InsertTimeout: a.cfg.ClickHouse.InsertTimeout, Log: a.log.With("role", Ingest), Metrics: a.set,
	})
	return a.consume(start, run, kafka.GroupConfig{Role: string(Ingest), Topics: a.inputs(), Markers: true, Tick: tick, New: in.Handler})
}

// startCorrelate: evaluations → incidents.
func (a *App) startCorrelate(start, run context.Context) error {
	return a.consume(start, run, kafka.GroupConfig{
		Role: string(Correlate), Topics: []string{a.cfg.Kafka.Topics.Signals}, Tick: tick,
		New: func(p *kafka.Partition) (kafka.Handler, error) { return a.newCorrelator(run, p) },
	})
}

// publishIncident hands a revision to alerting before it stores it: what is
// stored counts as known after a restart, and would never be told.
func (a *App) publishIncident(ctx context.Context, inc schemas.Incident) error {
	a.log.Info("incident", "id", inc.ID, "revision", inc.Revision, "state", inc.State, "severity", inc.Severity, "title", inc.Title)
	if err := a.publish(ctx, a.cfg.Kafka.Topics.Incidents, inc.ModelKey(), inc); err != nil {
		return err
	}
	return retry(ctx, func() error { return a.db.PutIncident(ctx, inc) })
}

// publish sends a value to one of the own topics, keyed by model.
func (a *App) publish(ctx context.Context, topic string, key schemas.ModelKey, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode record of %s: %w", topic, err)
	}
	if err := a.out.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: key.Bytes(), Value: value}).FirstErr(); err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}
