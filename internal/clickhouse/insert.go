package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/driftline/driftline/schemas/ddl"
)

// Inserter writes native blocks over a few connections. It is safe for
// concurrent use; a block belongs to its caller again when Insert returns.
type Inserter struct {
	cfg     Config
	form    ddl.Form
	options ch.Options
	breaker *gobreaker.CircuitBreaker[struct{}]
	slots   chan *ch.Client // nil: a free slot that is not connected
	set     *metrics.Set
	retries atomic.Uint64
	crowded atomic.Int64 // unix nanoseconds of the newest error of too many parts
}

// NewInserter dials with the first block.
func NewInserter(cfg Config, set *metrics.Set) (*Inserter, error) {
	tc, err := cfg.TLS.config()
	if err != nil {
		return nil, err
	}
	ins := &Inserter{
		cfg: cfg, form: ddl.Form{Cluster: cfg.Cluster}, set: set,
		slots: make(chan *ch.Client, cfg.InsertConnections),
		options: ch.Options{
			Database: cfg.Database, User: cfg.Username, Password: cfg.Password.Value(),
			TLS: tc, DialTimeout: 5 * time.Second, ClientName: "driftline",
		},
	}
	for range cfg.InsertConnections {
		ins.slots <- nil
	}
	ins.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:    "clickhouse",
		Timeout: 2 * time.Second, // then one block asks whether the store is back
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= uint32(2*cfg.InsertConnections)
		},
		// A refused block says nothing about the store's health.
		IsSuccessful: func(err error) bool { return err == nil || errors.As(err, new(*backoff.PermanentError)) },
	})
	set.GetOrCreateGauge("driftline_clickhouse_breaker_state", func() float64 { return float64(ins.breaker.State()) })
	return ins, nil
}

// Close ends the connections; no Insert may be under way.
func (ins *Inserter) Close() {
	for range ins.cfg.InsertConnections {
		if c := <-ins.slots; c != nil {
			_ = c.Close()
		}
	}
}

// Insert writes one block under a deduplication token and retries the same
// block until the server acknowledges it, refuses it for good, or ctx ends.
// Retrying is part of the promise: a server killed in the middle may hold the
// rows but not yet what the views make of them, and the same token repairs
// exactly that.
func (ins *Inserter) Insert(ctx context.Context, table, token string, block proto.Input) error {
	tries := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if tries++; tries > 1 {
			ins.retries.Add(1)
			ins.set.GetOrCreateCounter(fmt.Sprintf(`driftline_clickhouse_insert_retries_total{table=%q}`, table)).Inc()
		}
		return ins.breaker.Execute(func() (struct{}, error) { return struct{}{}, ins.try(ctx, table, token, block) })
	}, untilDone()...)
	if err != nil {
		return fmt.Errorf("insert %d rows into %s after %d tries: %w", block[0].Data.Rows(), table, tries, err)
	}
	return nil
}

// untilDone retries for as long as the context lasts.
func untilDone() []backoff.RetryOption {
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = 50*time.Millisecond, 5*time.Second
	return []backoff.RetryOption{backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(0)}
}

// Retries counts the blocks that were sent again.
func (ins *Inserter) Retries() uint64 { return ins.retries.Load() }

// Atomic tells whether the server commits a token together with its rows:
// replicated tables do so, in Keeper. There a question after the rows would
// rather err, as it may meet a replica that is behind.
func (ins *Inserter) Atomic() bool { return ins.form.Cluster != "" }

// crowdedFor is how long blocks stay large after the server had too many parts:
// a few rounds of its merges.
const crowdedFor = time.Minute

// Crowded tells whether the server had too many parts a short time ago, so that
// fewer and larger blocks are in order.
func (ins *Inserter) Crowded() bool {
	return time.Since(time.Unix(0, ins.crowded.Load())) < crowdedFor
}

func (ins *Inserter) try(ctx context.Context, table, token string, block proto.Input) error {
	var c *ch.Client
	select {
	case c = <-ins.slots:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, ins.cfg.InsertTimeout)
	defer cancel()
	start := time.Now()
	c, err := ins.send(ctx, c, table, token, block)
	ins.slots <- c
	ins.set.GetOrCreateHistogram(fmt.Sprintf(`driftline_clickhouse_insert_seconds{table=%q}`, table)).UpdateDuration(start)
	if err != nil {
		ins.set.GetOrCreateCounter(fmt.Sprintf(`driftline_clickhouse_insert_errors_total{table=%q}`, table)).Inc()
	}
	if isCrowded(err) {
		ins.crowded.Store(time.Now().UnixNano())
		ins.set.GetOrCreateCounter(fmt.Sprintf(`driftline_clickhouse_crowded_total{table=%q}`, table)).Inc()
	}
	return classify(err)
}

// send writes the block over c, dialling when c is nil, and returns the
// connection to keep: nil after an error that leaves it in doubt.
func (ins *Inserter) send(ctx context.Context, c *ch.Client, table, token string, block proto.Input) (*ch.Client, error) {
	if c == nil {
		var err error
		if c, err = ins.dial(ctx); err != nil {
			return nil, err
		}
	}
	err := c.Do(ctx, ch.Query{
		Body:     block.Into(ins.form.Local(table)),
		Input:    block,
		Settings: dedupSettings(token),
	})
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// dial tries the servers in turn.
func (ins *Inserter) dial(ctx context.Context) (*ch.Client, error) {
	var errs []error
	for _, addr := range ins.cfg.Addr {
		o := ins.options
		o.Address = addr
		if c, err := ch.Dial(ctx, o); err == nil {
			return c, nil
		} else {
			errs = append(errs, fmt.Errorf("dial %s: %w", addr, err))
		}
	}
	return nil, errors.Join(errs...)
}

// dedupSettings are sent with every block, since their defaults differ between
// versions of ClickHouse: without them a retry would count twice in the views
// (before 26.2), or be buffered with other inserts (after).
func dedupSettings(token string) []ch.Setting {
	return []ch.Setting{
		{Key: "async_insert", Value: "0", Important: true},
		{Key: "insert_deduplicate", Value: "1", Important: true},
		{Key: "deduplicate_blocks_in_dependent_materialized_views", Value: "1", Important: true},
		{Key: "insert_deduplication_token", Value: token, Important: true},
		{Key: "deduplicate_insert", Value: "enable"}, // since 26.2; older servers pass over it
	}
}
