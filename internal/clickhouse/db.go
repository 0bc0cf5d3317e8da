package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas/ddl"
)

// DB asks questions and stores what is small; the hot path is Inserter. It is
// safe for concurrent use.
type DB struct {
	cfg  Config
	form ddl.Form
	conn driver.Conn
}

// Open connects lazily: the first question dials.
func Open(cfg Config) (*DB, error) {
	conn, err := dial(cfg, cfg.Database)
	if err != nil {
		return nil, err
	}
	return &DB{cfg: cfg, form: ddl.Form{Cluster: cfg.Cluster}, conn: conn}, nil
}

func dial(cfg Config, database string) (driver.Conn, error) {
	tc, err := cfg.TLS.config()
	if err != nil {
		return nil, err
	}
	conn, err := ch.Open(&ch.Options{
		Addr:            cfg.Addr,
		Auth:            ch.Auth{Database: database, Username: cfg.Username, Password: cfg.Password.Value()},
		TLS:             tc,
		DialTimeout:     5 * time.Second,
		ReadTimeout:     5 * time.Minute,
		MaxOpenConns:    8,
		MaxIdleConns:    4,
		ConnMaxLifetime: time.Hour,
		Settings:        ch.Settings{"max_execution_time": 300},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to clickhouse %v: %w", cfg.Addr, err)
	}
	return conn, nil
}

// Close ends all connections.
func (db *DB) Close() error { return db.conn.Close() }

// Ping asks the server for a sign of life.
func (db *DB) Ping(ctx context.Context) error { return db.conn.Ping(ctx) }

// Conn is the connection pool, for tests and tools that ask their own questions.
func (db *DB) Conn() driver.Conn { return db.conn }

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "\\`") + "`" }

// insert appends rows to a table through clickhouse-go, for small writes. The
// token, when given, makes a repeated write count once.
func (db *DB) insert(ctx context.Context, table, token string, columns string, rows func(driver.Batch) error) error {
	settings := ch.Settings{"async_insert": 0}
	if token != "" {
		settings["insert_deduplicate"] = 1
		settings["insert_deduplication_token"] = token
	}
	batch, err := db.conn.PrepareBatch(ch.Context(ctx, ch.WithSettings(settings)), "INSERT INTO "+quote(db.form.Local(table))+" ("+columns+")")
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	if err := rows(batch); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}
