package app

import (
	"context"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/tables"
	"github.com/driftline/driftline/internal/clickhouse"
)

// Graph is what a tenant's records of a time and the declared edges say of what
// depends on what, in the order of source and target. An empty model stands for
// all.
func Graph(ctx context.Context, cfg Config, tenant, model string, from, until time.Time) ([]graph.Edge, error) {
	db, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	registry, err := metric.New(cfg.Correlate.Causes.Metrics)
	if err != nil {
		return nil, err
	}
	return edges(ctx, tables.New(db.Conn()), cfg, tables.Question{
		Tenant: tenant, Model: model, From: from, Until: until, Registry: registry,
		MaxSeries: cfg.Correlate.Causes.MaxSeries, MaxEvents: cfg.Correlate.Causes.MaxEvents,
	})
}

func edges(ctx context.Context, store *tables.Store, cfg Config, q tables.Question) ([]graph.Edge, error) {
	known, err := store.Ask(ctx, q)
	if err != nil {
		return nil, err
	}
	cfg.Correlate.Causes.Declare(known.Graph)
	return known.Graph.Edges(), nil
}

// Graph of a running app's store, as the function of the same name.
func (a *App) Graph(ctx context.Context, tenant, model string, from, until time.Time) ([]graph.Edge, error) {
	return Graph(ctx, a.cfg, tenant, model, from, until)
}
