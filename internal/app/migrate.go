package app

import (
	"context"
	"io"
	"log/slog"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/clickhouse"
)

// Migrate brings the database to the newest schema and writes what it did.
func Migrate(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) error {
	a := &App{cfg: cfg, log: log, set: metrics.NewSet(), cancel: func(error) {}}
	a.cfg.Embedded.Kafka.Enabled = false
	defer a.Stop()
	if err := a.startEngines(); err != nil {
		return err
	}
	db, err := clickhouse.Open(a.cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Migrate(ctx, out)
}
