// Package app is the whole program as a value: it wires the parts, starts the
// chosen roles and stops everything in reverse order. The command line is a
// thin layer above it, and tests start it for real.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/selfmetrics"
)

// Role is a part of the pipeline that can run as a process of its own.
type Role string

// The roles, in the order in which records pass them.
const (
	Ingest    Role = "ingest"
	Detect    Role = "detect"
	Correlate Role = "correlate"
	Alert     Role = "alert"
	API       Role = "api"
)

// Roles are all of them.
var Roles = []Role{Ingest, Detect, Correlate, Alert, API}

// ParseRoles reads a comma-separated list; empty means all.
func ParseRoles(list string) ([]Role, error) {
	if list == "" {
		return Roles, nil
	}
	var out []Role
	for name := range strings.SplitSeq(list, ",") {
		r := Role(strings.TrimSpace(name))
		if !slices.Contains(Roles, r) {
			return nil, fmt.Errorf("unsupported role %q; supported: ingest, detect, correlate, alert, api", r)
		}
		out = append(out, r)
	}
	return out, nil
}

// App is a running Driftline.
type App struct {
	cfg   Config
	roles []Role
	log   *slog.Logger
	set   *metrics.Set
	admin *selfmetrics.Server
	db    *clickhouse.DB
	out   *kgo.Client // produces to own topics
	audit *audit.Log
	api   *api.Server // nil when it is off

	reload func() error // asks for the configuration to be read again; nil: it cannot be

	cancel context.CancelCauseFunc
	failed chan error    // of a role; the first one counts
	drain  []func()      // tells a consumer to finish
	stop   []teardown    // run last-in first-out
	cut    chan struct{} // closed when a shutdown has no time left
}

// Start brings up the engines, the connections and the roles. The caller ends
// it with Stop.
func Start(ctx context.Context, cfg Config, roles []Role, log *slog.Logger) (*App, error) {
	return start(ctx, cfg, roles, log, nil)
}

func start(ctx context.Context, cfg Config, roles []Role, log *slog.Logger, reload func() error) (*App, error) {
	a := &App{cfg: cfg, reload: reload, roles: roles, log: log, set: metrics.NewSet(), failed: make(chan error, len(Roles)+3), cut: make(chan struct{})}
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	a.cancel = cancel
	if err := a.start(ctx, run); err != nil {
		a.Stop()
		return nil, err
	}
	return a, nil
}

// start brings everything up in order; what it has brought up when it fails is
// left to Stop.
func (a *App) start(ctx, run context.Context) error {
	if err := a.startAdmin(); err != nil {
		return err
	}
	if err := a.startEngines(); err != nil {
		return err
	}
	if err := a.connect(ctx); err != nil {
		return err
	}
	for _, start := range []struct {
		role Role
		as   func(start, run context.Context) error
	}{
		{Alert, a.startAlert}, {Correlate, a.startCorrelate}, {Detect, a.startDetect}, {Ingest, a.startIngest}, {API, a.startAPI},
	} {
		if !slices.Contains(a.roles, start.role) {
			continue
		}
		if err := start.as(ctx, run); err != nil {
			return fmt.Errorf("start role %s: %w", start.role, err)
		}
		a.log.Info("started", "role", start.role)
	}
	a.noteConfig(ctx)
	a.admin.Ready.Register("start", func() error { return nil })
	return nil
}

// Wait returns nil when ctx ends, or the error of the role that failed first.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	}
}

// Config as it is in force: with the addresses of embedded engines.
func (a *App) Config() Config { return a.cfg }

// DB is the store.
func (a *App) DB() *clickhouse.DB { return a.db }

// Metrics are the process's own.
func (a *App) Metrics() *metrics.Set { return a.set }

// AdminAddr is where metrics and health are served.
func (a *App) AdminAddr() string { return a.admin.Addr() }

// connect opens the connections that all roles share, waits until both
// engines answer, and makes sure that tables and topics are there.
func (a *App) connect(ctx context.Context) error {
	db, err := clickhouse.Open(a.cfg.ClickHouse)
	if err != nil {
		return err
	}
	a.db = db
	a.audit = audit.New(db)
	a.onStop("store", func() { _ = db.Close() })
	if a.cfg.Embedded.ClickHouse.Enabled {
		if err := db.Migrate(ctx, io.Discard); err != nil {
			return err
		}
	}
	if err := await(ctx, a.log, "clickhouse", db.CheckSchema); err != nil {
		return err
	}
	a.admin.Ready.Register("clickhouse", func() error { return within(db.Ping) })

	if a.out, err = a.cfg.Kafka.Dial(kgo.RequiredAcks(kgo.AllISRAcks())); err != nil {
		return err
	}
	a.onStop("producer", a.out.Close)
	if err := await(ctx, a.log, "kafka", a.out.Ping); err != nil {
		return err
	}
	a.admin.Ready.Register("kafka", func() error { return within(a.out.Ping) })
	if e := a.cfg.Embedded.Kafka; e.Enabled {
		if err := kafka.CreateTopics(ctx, a.out, e.Partitions, a.inputs()...); err != nil {
			return err
		}
	}
	return kafka.EnsureTopics(ctx, a.out, a.cfg.Kafka.Topics, a.inputs()...)
}

func (a *App) inputs() []string {
	var out []string
	for _, t := range a.cfg.Ingest.Topics {
		out = append(out, t.Topic)
	}
	return out
}

func within(ping func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return ping(ctx)
}

// await retries until an engine answers, or gives up after a minute: a
// supervisor starts the process again.
func await(ctx context.Context, log *slog.Logger, what string, ready func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := ready(ctx)
		if errors.Is(err, clickhouse.ErrSchema) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(time.Minute), backoff.WithNotify(func(err error, next time.Duration) {
		log.Warn("not ready", "what", what, "err", err, "next_try_in", next.Round(time.Millisecond))
	}))
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

// consume runs a consumer group as part of the app. Stopping it lets handlers
// finish, for as long as there is time.
func (a *App) consume(start, run context.Context, cfg kafka.GroupConfig) error {
	cfg.Kafka, cfg.Log, cfg.Metrics, cfg.Cut = a.cfg.Kafka, a.log.With("role", cfg.Role), a.set, a.cut
	g, err := kafka.NewGroup(start, cfg)
	if err != nil {
		return err
	}
	a.drain = append(a.drain, a.background(run, "consumer of role "+cfg.Role, g.Run))
	return nil
}

// background runs f until Stop, and reports its failure to Wait. The function
// that it returns tells f to end, and does not wait for it.
func (a *App) background(run context.Context, what string, f func(context.Context) error) (end func()) {
	ctx, cancel := context.WithCancel(run)
	done := make(chan struct{})
	a.onStop(what, func() { cancel(); <-done })
	go func() {
		defer close(done)
		if err := f(ctx); err != nil {
			select {
			case a.failed <- err:
			default: // an earlier failure is being reported
			}
		}
	}()
	return cancel
}
