package clickhouse

import (
	"context"
	"fmt"

	"github.com/driftline/driftline/schemas"
)

// Store takes blocks by one connection and answers by another.
type Store struct {
	*Inserter
	*DB
}

// Stored tells which rows of the offsets [from, to) of a partition are in a
// table. It cannot tell rows of a topic from those of one by the same name that
// was deleted before.
func (db *DB) Stored(ctx context.Context, table, topic string, partition int32, from, to int64) (map[schemas.Origin]struct{}, error) {
	rows, err := db.conn.Query(ctx, "SELECT DISTINCT _offset, toInt64(toUnixTimestamp(toStartOfDay(timestamp))) FROM "+quote(table)+
		" WHERE _topic = ? AND _partition = ? AND _offset >= ? AND _offset < ?", topic, partition, from, to)
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s/%d in %s: %w", topic, partition, table, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[schemas.Origin]struct{}{}
	for rows.Next() {
		var o schemas.Origin
		if err := rows.Scan(&o.Offset, &o.Day); err != nil {
			return nil, fmt.Errorf("look for rows of %s/%d in %s: %w", topic, partition, table, err)
		}
		o.Day /= 24 * 60 * 60
		out[o] = struct{}{}
	}
	return out, rows.Err()
}
