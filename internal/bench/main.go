// Command bench measures the ingest path against the storage's own limit, in
// one run on one machine: native blocks into the same tables first, alone and
// with what is summed up of them, then events of each format from Kafka to
// counted rows and states, then two peers. Figures of such machines scatter;
// the ratios are what to look at.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas/ddl"
)

func main() {
	rows := flag.Int("events", 600_000, "events of a measurement")
	rounds := flag.Int("rounds", 3, "measurements of each kind; the median counts")
	only := flag.String("only", "", "measure only what has this in its name, and the limits")
	bin := flag.String("driftline", "bin/driftline", "binary to measure")
	costs := flag.Bool("costs", false, "print processor time and bytes of an event instead, which internal/capacity reckons with")
	flag.Parse()
	if err := run(context.Background(), *rows, *rounds, *bin, *only, *costs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is the engines, in this process, and what is measured against them.
type bench struct {
	kafka   kafka.Config
	store   clickhouse.Config
	bin     string
	rows    int
	made    int              // databases
	blocks  []*ingest.Blocks // of the limits
	dir     string
	cleanup []func()
}

// result of one measurement.
type result struct {
	perSecond float64
	rss       float64       // MiB, of the measured process; 0 when it is this one
	cpu       time.Duration // of the measured process
}

func run(ctx context.Context, rows, rounds int, bin, only string, costs bool) error {
	b := &bench{rows: rows, bin: bin}
	defer func() {
		for _, f := range slices.Backward(b.cleanup) {
			f()
		}
	}()
	if err := b.start(ctx); err != nil {
		return err
	}
	fmt.Printf("%s/%s, %d cores, %s, embedded engines in a process of their own; %d events of 20 numeric and 5 categorical features\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rows)
	if costs {
		return b.costs(ctx, rounds)
	}
	fmt.Printf("%-34s %12s %10s %9s %9s %12s\n", "", "events/s", "spread", "of rows", "of limit", "memory MiB")
	t := table{rounds: rounds}
	measurements := []measurement{
		{"rows alone (native blocks)", func(ctx context.Context) (result, error) { return b.limit(ctx, nowhere) }},
		{"limit: rows and states made in Go", func(ctx context.Context) (result, error) { return b.limit(ctx, inGo) }},
		{"rows and states made by views", func(ctx context.Context) (result, error) { return b.limit(ctx, inViews) }},
	}
	for _, f := range forms {
		measurements = append(measurements, measurement{f.name, func(ctx context.Context) (result, error) { return b.path(ctx, f) }})
	}
	measurements = append(measurements, measurement{"peer: Kafka engine, JSON", b.kafkaEngine}, measurement{"peer: naive Go, JSON", b.naive})
	for _, m := range measurements {
		if only != "" && !strings.Contains(m.name, only) && len(t.medians) > 1 {
			continue
		}
		if err := t.line(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	fmt.Println("\nFrom Kafka to counted rows and states. Memory is the peak of the driftline process, engines not included. The limit is the median of native inserts over as many connections as the path uses, states made on the way.")
	return nil
}

// measurement is one line of the table.
type measurement struct {
	name    string
	measure func(context.Context) (result, error)
}

// table prints medians. The first two are what the others are held against.
type table struct {
	rounds  int
	medians []float64
}

func (t *table) line(ctx context.Context, m measurement) error {
	var all []float64
	rss := 0.
	for range t.rounds {
		r, err := m.measure(ctx)
		if err != nil {
			return err
		}
		all, rss = append(all, r.perSecond), max(r.rss, rss)
	}
	slices.Sort(all)
	median := all[len(all)/2]
	t.medians = append(t.medians, median)
	memory, limit := "-", t.medians[min(1, len(t.medians)-1)]
	if rss > 0 {
		memory = fmt.Sprintf("%.0f", rss)
	}
	fmt.Printf("%-34s %12.0f %9.0f%% %9.2f %9.2f %12s\n", m.name, median, 100*(all[len(all)-1]-all[0])/median, median/t.medians[0], median/limit, memory)
	return nil
}

func (b *bench) start(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "driftline-bench-"); err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, func() { _ = os.RemoveAll(b.dir) })
	quiet := slog.New(slog.DiscardHandler)
	broker, err := embedded.OpenKafka(embedded.KafkaConfig{DataDir: filepath.Join(b.dir, "kafka"), Log: quiet})
	if err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, func() { _ = broker.Close() })
	store, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: filepath.Join(b.dir, "clickhouse"), Log: quiet})
	if err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, func() { _ = store.Close() })
	b.kafka, b.store = kafka.DefaultConfig(), clickhouse.DefaultConfig()
	b.kafka.Brokers, b.store.Addr = broker.Addrs(), []string{store.Addr()}
	b.store.Retention = clickhouse.Retention{}
	return nil
}

// fresh makes an empty database, so that no measurement pays for the merges of
// another.
func (b *bench) fresh(ctx context.Context, sums summing) (clickhouse.Config, *clickhouse.DB, error) {
	b.made++
	cfg := b.store
	cfg.Database = fmt.Sprintf("bench_%d", b.made)
	db, err := clickhouse.Open(cfg)
	if err != nil {
		return cfg, nil, err
	}
	if err := db.Migrate(ctx, &strings.Builder{}); err != nil || sums != inViews {
		return cfg, db, err
	}
	for i, sql := range ddl.Rebuild(ddl.Form{}, "1") {
		into, query, _ := strings.Cut(strings.TrimPrefix(sql, "INSERT INTO "), "\n")
		if err := db.Conn().Exec(ctx, fmt.Sprintf("CREATE MATERIALIZED VIEW view_%d TO %s AS %s", i, into, query)); err != nil {
			return cfg, db, err
		}
	}
	return cfg, db, nil
}

// summing tells who makes states and counts of the rows.
type summing int

const (
	nowhere summing = iota
	inGo
	inViews
)

// done checks the count and drops the database.
func (b *bench) done(ctx context.Context, db *clickhouse.DB, cfg clickhouse.Config, sums summing) error {
	defer func() { _ = db.Close() }()
	var raw, states uint64
	row := db.Conn().QueryRow(ctx, "SELECT (SELECT count() FROM inference_events), (SELECT sum(rows) FROM feature_sketches_1m)")
	if err := row.Scan(&raw, &states); err != nil {
		return err
	}
	if raw != uint64(b.rows) || sums != nowhere && states != uint64(b.rows) {
		return fmt.Errorf("%d rows and %d in states, want %d", raw, states, b.rows)
	}
	return db.Conn().Exec(ctx, "DROP DATABASE "+cfg.Database)
}

// process runs the measured binary.
func (b *bench) process(conf string) (*exec.Cmd, error) {
	cmd := exec.Command(b.bin, "run", "-config", conf, "--roles", "ingest")
	cmd.Stderr = nil
	if os.Getenv("BENCH_LOG") != "" {
		cmd.Stderr = os.Stderr
	}
	return cmd, cmd.Start()
}

// peak memory of a process, MiB.
func peak(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}

// await polls until a query's number reaches a goal.
func await(ctx context.Context, db *clickhouse.DB, sql string, goal uint64) error {
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var n uint64
		if err := db.Conn().QueryRow(ctx, sql).Scan(&n); err != nil {
			return err
		}
		if n >= goal {
			return nil
		}
	}
	return fmt.Errorf("%s never reached %d", sql, goal)
}
