package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
)

// costShapes differ in one thing each from the first.
var costShapes = []shape{
	{numeric: 20, categorical: 5, segments: 3, step: time.Millisecond, random: true},
	{numeric: 2, categorical: 5, segments: 3, step: time.Millisecond, random: true},
	{numeric: 100, categorical: 5, segments: 3, step: time.Millisecond, random: true},
	{numeric: 20, categorical: 30, segments: 3, step: time.Millisecond, random: true},
	{numeric: 20, categorical: 5, segments: 300, step: time.Millisecond, random: true},
	{numeric: 20, categorical: 5, segments: 3, step: time.Millisecond / 10, random: true},
	{numeric: 20, categorical: 5, segments: 3, step: 10 * time.Millisecond, random: true},
	{numeric: 20, categorical: 5, segments: 3, step: 100 * time.Millisecond, random: true},
	{numeric: 20, categorical: 5, segments: 3, step: time.Second, random: true},
}

// costs prints what an event costs in processor time and in bytes, by the shape
// of events: the figures that internal/capacity reckons with. Processor time
// depends less than a rate on who else uses the machine.
func (b *bench) costs(ctx context.Context, rounds int) error {
	idle, err := b.idle(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("a process without work takes %s of processor time, which is left out\n", idle)
	fmt.Printf("%-44s|%9s %9s |%9s %9s %9s |%9s %9s |%9s %9s %9s\n", "microseconds an event", "own proto", "own JSON",
		"sum up", "insert", "states", "merge", "states", "states/ev", "B/event", "B/state")
	for _, s := range costShapes {
		if err := b.cost(ctx, s, idle, rounds); err != nil {
			return err
		}
	}
	each, err := b.overhead(ctx, 300)
	if err != nil {
		return err
	}
	fmt.Printf("an insert of a single event takes %s for its row and %s for its state\n", each[0], each[1])
	for _, blocks := range []int{30, 100, 300} {
		n, err := b.amplification(ctx, blocks, blockRows)
		if err != nil {
			return err
		}
		fmt.Printf("a row in %d blocks is merged %.2f times until merges rest\n", blocks, n)
	}
	return nil
}

// overhead is the processor time of an insert that holds next to nothing.
func (b *bench) overhead(ctx context.Context, n int) (each [2]time.Duration, err error) {
	blocks, err := encode(shape{numeric: 1, categorical: 1, segments: 1}, 0, 1, 1)
	if err != nil {
		return each, err
	}
	cfg, db, err := b.fresh(ctx, inGo)
	if err != nil {
		return each, err
	}
	defer func() { _ = db.Close() }()
	if err := stopMerges(ctx, db); err != nil {
		return each, err
	}
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	if err != nil {
		return each, err
	}
	defer ins.Close()
	for i, block := range []ingest.Block{blocks[0].Rows(), blocks[0].States()} {
		each[i] = used(func() {
			for k := range n {
				if err == nil {
					err = ins.Insert(ctx, block.Table, fmt.Sprint("one-", k), block.Input)
				}
			}
		}) / time.Duration(n)
	}
	return each, err
}

func stopMerges(ctx context.Context, db *clickhouse.DB) error {
	for _, table := range costTables {
		if err := db.Conn().Exec(ctx, "SYSTEM STOP MERGES "+table); err != nil {
			return err
		}
	}
	return nil
}

// idle is what the measured process takes for itself.
func (b *bench) idle(ctx context.Context) (time.Duration, error) {
	few := *b
	few.rows = 100
	r, err := few.path(ctx, forms[0])
	b.made = few.made
	return r.cpu, err
}

func (b *bench) cost(ctx context.Context, s shape, idle time.Duration, rounds int) error {
	c, err := b.storeCost(ctx, s)
	if err != nil {
		return err
	}
	var own [2]time.Duration
	for i, f := range []form{
		{"protobuf", "protobuf", 1, s, protobufEvent},
		{"JSON", "json", 1, s, jsonEvent},
	} {
		for range rounds { // the least is the least disturbed
			r, err := b.path(ctx, f)
			if err != nil {
				return err
			}
			if own[i] == 0 || r.cpu-idle < own[i] {
				own[i] = r.cpu - idle
			}
		}
	}
	fmt.Printf("%3d numeric, %2d categorical, %4d groups, %6s |%9.2f %9.2f |%9.2f %9.2f %9.2f |%9.2f %9.2f |%9.5f %9.1f %9.0f\n", s.numeric, s.categorical, 4*s.segments, s.step,
		b.perEvent(own[0]), b.perEvent(own[1]), b.perEvent(c.sum), b.perEvent(c.insert[0]), b.perEvent(c.insert[1]),
		b.perEvent(c.merge[0]), b.perEvent(c.merge[1]), c.states, c.bytes[0], c.bytes[1])
	return nil
}

// perEvent is in microseconds.
func (b *bench) perEvent(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(b.rows)
}

// storeCost is what the store has to do for events, and what is left of it when
// all is merged.
type storeCost struct {
	sum    time.Duration    // processor time: to make states
	insert [2]time.Duration // to insert rows, and their states
	merge  [2]time.Duration // to merge all parts of each table into one
	bytes  [2]float64       // on disk of a row of each table
	states float64          // rows of states inserted, by event
}

var costTables = []string{"inference_events", "feature_sketches_1m"}

func (b *bench) storeCost(ctx context.Context, s shape) (c storeCost, err error) {
	blocks, err := encode(s, 0, b.rows, 1)
	if err != nil {
		return c, err
	}
	cfg, db, err := b.fresh(ctx, inGo)
	if err != nil {
		return c, err
	}
	if err := stopMerges(ctx, db); err != nil {
		return c, err
	}
	cfg.InsertConnections = 1
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	if err != nil {
		return c, err
	}
	defer ins.Close()
	var all [2][]ingest.Block
	c.sum = used(func() {
		for _, block := range blocks {
			all[0] = append(all[0], block.Rows())
			all[1] = append(all[1], block.States())
		}
	})
	for _, block := range all[1] {
		c.states += float64(block.Input[0].Data.Rows()) / float64(b.rows)
	}
	for i := range all {
		c.insert[i] = used(func() {
			for k, block := range all[i] {
				if err == nil {
					err = ins.Insert(ctx, block.Table, fmt.Sprint("cost-", k), block.Input)
				}
			}
		})
	}
	for i, table := range costTables {
		if err != nil {
			return c, err
		}
		if err = db.Conn().Exec(ctx, "SYSTEM START MERGES "+table); err != nil {
			return c, err
		}
		c.merge[i] = used(func() { err = db.Conn().Exec(ctx, "OPTIMIZE TABLE "+table+" FINAL") })
		if err != nil {
			return c, err
		}
		row := db.Conn().QueryRow(ctx, "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = ? AND table = ?", cfg.Database, table)
		if err := row.Scan(&c.bytes[i]); err != nil {
			return c, err
		}
	}
	return c, b.done(ctx, db, cfg, inGo)
}

// amplification is how often a row is merged when blocks come one after the
// other, until nothing is left to merge.
func (b *bench) amplification(ctx context.Context, blocks, rows int) (float64, error) {
	all, err := encode(usual, 0, rows, 1)
	if err != nil {
		return 0, err
	}
	cfg, db, err := b.fresh(ctx, nowhere)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	if err != nil {
		return 0, err
	}
	defer ins.Close()
	mergedRows := func() (n float64, err error) {
		err = db.Conn().QueryRow(ctx, "SELECT toFloat64(sumIf(value, event = 'MergedRows')) FROM system.events").Scan(&n)
		return n, err
	}
	before, err := mergedRows()
	if err != nil {
		return 0, err
	}
	for i := range blocks {
		if err := ins.Insert(ctx, all[0].Rows().Table, fmt.Sprint("small-", i), all[0].Rows().Input); err != nil {
			return 0, err
		}
	}
	now := before
	for still := 0; still < 5; time.Sleep(time.Second) {
		last := now
		if now, err = mergedRows(); err != nil {
			return 0, err
		}
		if still++; now != last {
			still = 0
		}
	}
	return (now - before) / float64(blocks*rows), nil
}

// used is the processor time of this process, which the engines are in, while
// do runs.
func used(do func()) time.Duration {
	before := processorTime()
	do()
	return processorTime() - before
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("getrusage: " + err.Error()) // never, for the own process
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
