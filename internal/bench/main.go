// Command bench measures the ingest path against the storage's own limit, in
// one run on one machine: native blocks into the same tables with the same
// views first, then events of each format from Kafka to counted rows. Figures
// of such machines scatter; the ratios are what to look at.
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

	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/kafka"
)

func main() {
	rows := flag.Int("events", 600_000, "events of a measurement")
	rounds := flag.Int("rounds", 3, "measurements of each kind; the median counts")
	bin := flag.String("driftline", "bin/driftline", "binary to measure")
	flag.Parse()
	if err := run(context.Background(), *rows, *rounds, *bin); err != nil {
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
	made    int // databases
	dir     string
	cleanup []func()
}

// result of one measurement.
type result struct {
	perSecond float64
	rss       float64 // MiB, of the measured process; 0 when it is this one
}

func run(ctx context.Context, rows, rounds int, bin string) error {
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
	fmt.Printf("%-34s %12s %10s %9s %12s\n", "", "events/s", "spread", "of limit", "memory MiB")
	limit := 0.
	for _, m := range []struct {
		name    string
		measure func(context.Context) (result, error)
	}{
		{"storage limit (native blocks)", b.limit},
		{"protobuf, Kafka to counted rows", func(ctx context.Context) (result, error) { return b.path(ctx, "protobuf") }},
		{"JSON, Kafka to counted rows", func(ctx context.Context) (result, error) { return b.path(ctx, "json") }},
	} {
		var all []float64
		var last result
		for range rounds {
			r, err := m.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			all, last = append(all, r.perSecond), result{r.perSecond, max(r.rss, last.rss)}
		}
		slices.Sort(all)
		median := all[len(all)/2]
		if limit == 0 {
			limit = median
		}
		memory := "-"
		if last.rss > 0 {
			memory = fmt.Sprintf("%.0f", last.rss)
		}
		fmt.Printf("%-34s %12.0f %9.0f%% %9.2f %12s\n", m.name, median, 100*(all[len(all)-1]-all[0])/median, median/limit, memory)
	}
	fmt.Println("\nMemory is the peak of the driftline process, engines not included. The limit is the median of native inserts over as many connections as the path uses.")
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
func (b *bench) fresh(ctx context.Context) (clickhouse.Config, *clickhouse.DB, error) {
	b.made++
	cfg := b.store
	cfg.Database = fmt.Sprintf("bench_%d", b.made)
	db, err := clickhouse.Open(cfg)
	if err != nil {
		return cfg, nil, err
	}
	return cfg, db, db.Migrate(ctx, &strings.Builder{})
}

// done checks the count and drops the database.
func (b *bench) done(ctx context.Context, db *clickhouse.DB, cfg clickhouse.Config) error {
	defer func() { _ = db.Close() }()
	var raw, states uint64
	row := db.Conn().QueryRow(ctx, "SELECT (SELECT count() FROM inference_events), (SELECT sum(rows) FROM feature_sketches_1m)")
	if err := row.Scan(&raw, &states); err != nil {
		return err
	}
	if raw != uint64(b.rows) || states != uint64(b.rows) {
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
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
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
