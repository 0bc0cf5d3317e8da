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
	perSecond float64       // until all is stored
	lasting   float64       // a second, until the engine has merged it too
	rss       float64       // MiB, of the measured process; 0 when it is this one
	cpu       time.Duration // of the measured process
	engines   time.Duration // processor time of the engines, and of who fills them in this process
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
	t := table{rounds: rounds, rows: rows}
	t.header()
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
		if only != "" && !strings.Contains(m.name, only) && len(t.bases) == 3 {
			continue
		}
		if err := t.line(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	fmt.Println(`
From Kafka, or from finished native blocks, to counted rows and states. events/s runs until all is stored; lasting, and all
ratios, until the engine has merged it too: what can be kept up. The limit is native inserts over as many connections as
the path uses, states made on the way; rows is the same without states, views with states that views make. cpu is
what an event costs the engines and driftline until then, whatever else the machine does. Memory is the peak of the driftline process, engines not included.`)
	return nil
}

// measurement is one line of the table.
type measurement struct {
	name    string
	measure func(context.Context) (result, error)
}

// table prints medians. The first three are what the others are held against.
type table struct {
	rounds int
	rows   int
	bases  []float64
}

func (t *table) header() {
	fmt.Printf("%-34s %11s %11s %7s %8s %8s %8s %7s %11s\n", "", "events/s", "lasting", "spread", "of rows", "of limit", "of views", "cpu µs", "memory MiB")
}

func (t *table) line(ctx context.Context, m measurement) error {
	var soon, lasting []float64
	rss, cpu := 0., []time.Duration(nil)
	for range t.rounds {
		r, err := m.measure(ctx)
		if err != nil {
			return err
		}
		soon, lasting, rss = append(soon, r.perSecond), append(lasting, r.lasting), max(r.rss, rss)
		cpu = append(cpu, r.cpu+r.engines)
	}
	slices.Sort(soon)
	slices.Sort(lasting)
	slices.Sort(cpu)
	median := lasting[len(lasting)/2]
	if len(t.bases) < 3 {
		t.bases = append(t.bases, median)
	}
	fmt.Printf("%-34s %11.0f %11.0f %6.0f%%", m.name, soon[len(soon)/2], median, 100*(lasting[len(lasting)-1]-lasting[0])/median)
	for i := range 3 {
		of := "-"
		if i < len(t.bases) {
			of = fmt.Sprintf("%.2f", median/t.bases[i])
		}
		fmt.Printf(" %8s", of)
	}
	memory := "-"
	if rss > 0 {
		memory = fmt.Sprintf("%.0f", rss)
	}
	fmt.Printf(" %7.2f %11s\n", float64(cpu[len(cpu)/2].Nanoseconds())/1e3/float64(t.rows), memory)
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
	for _, sql := range views() {
		if err := db.Conn().Exec(ctx, sql); err != nil {
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

// rates of a measurement that began then and whose rows are all stored.
func (b *bench) rates(ctx context.Context, db *clickhouse.DB, begin watch) (result, error) {
	stored := time.Since(begin.at)
	merged := stored
	for quiet := 0; quiet < 10; time.Sleep(50 * time.Millisecond) {
		var merges uint64
		if err := db.Conn().QueryRow(ctx, "SELECT count() FROM system.merges WHERE database = currentDatabase()").Scan(&merges); err != nil {
			return result{}, err
		}
		if quiet++; merges > 0 {
			quiet, merged = 0, time.Since(begin.at)
		}
	}
	return result{perSecond: float64(b.rows) / stored.Seconds(), lasting: float64(b.rows) / merged.Seconds(), engines: processorTime() - begin.cpu}, nil
}

// watch is when a measurement began.
type watch struct {
	at  time.Time
	cpu time.Duration // that this process had used
}

func startWatch() watch { return watch{time.Now(), processorTime()} }

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
