package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// eventsInterval is how often servers are asked for their own counts.
const eventsInterval = 30 * time.Second

// WatchEvents shows what servers count themselves, until ctx ends. A server that
// does not answer keeps its last figures.
func (db *DB) WatchEvents(ctx context.Context, set *metrics.Set, log *slog.Logger) error {
	tick := time.NewTicker(eventsInterval)
	defer tick.Stop()
	for {
		if err := db.showEvents(ctx, set); err != nil && ctx.Err() == nil {
			log.Debug("ask the store for its counts", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (db *DB) showEvents(ctx context.Context, set *metrics.Set) error {
	ctx, cancel := context.WithTimeout(ctx, eventsInterval)
	defer cancel()
	blocks, err := db.DeduplicatedBlocks(ctx)
	if err != nil {
		return err
	}
	for server, n := range blocks {
		set.GetOrCreateCounter(fmt.Sprintf(`driftline_clickhouse_deduplicated_blocks_total{server=%q}`, server)).Set(n)
	}
	return nil
}

// DeduplicatedBlocks tells, by server, what it counts of blocks left out since it
// started because a table knew their token: all clients' and tables', each
// partition of a table by itself. ClickHouse 26.7 counts each of them twice in a
// table that is not replicated.
func (db *DB) DeduplicatedBlocks(ctx context.Context) (map[string]uint64, error) {
	from := "system.events"
	if db.cfg.Cluster != "" {
		from = "clusterAllReplicas(" + quote(db.cfg.Cluster) + ", system, events)"
	}
	// An event that has not happened has no row.
	rows, err := db.conn.Query(ctx, "SELECT hostName() AS server, sumIf(value, event = 'DuplicatedInsertedBlocks') FROM "+from+" GROUP BY server")
	if err != nil {
		return nil, fmt.Errorf("ask for deduplicated blocks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]uint64{}
	for rows.Next() {
		var server string
		var n uint64
		if err := rows.Scan(&server, &n); err != nil {
			return nil, fmt.Errorf("ask for deduplicated blocks: %w", err)
		}
		out[server] = n
	}
	return out, rows.Err()
}
