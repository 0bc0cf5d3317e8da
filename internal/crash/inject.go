package main

import (
	"context"
	"fmt"
	"time"

	"github.com/driftline/driftline/internal/kafka"
)

// apply injects one fault and returns when the world is whole again, though
// driftline may not be. It tells whether the fault met anything: some wait for
// traffic of their sort.
func (c *campaign) apply(ctx context.Context, f fault) (met bool, err error) {
	switch f.kind {
	case killIngest:
		return c.killIngest(f), nil
	case rebalance:
		return true, c.rebalance()
	case killStore:
		return true, c.store.outage(f.pause, 0)
	case storeRefuses:
		c.store.proxy.refuse()
		time.Sleep(f.pause)
		c.store.proxy.allow()
		return true, nil
	case storeCut:
		c.store.proxy.cut()
		return true, nil
	case answerLost:
		return c.store.proxy.traps.spring(ctx, dropInsertAnswer, patience), nil
	case answerLate:
		return c.store.proxy.traps.spring(ctx, holdInsertAnswer, patience), nil
	case blockLate:
		return c.store.proxy.traps.spring(ctx, holdInsertBlock, patience), nil
	case diskFull:
		return c.diskFull(ctx, f)
	case memoryFull:
		return c.memoryFull(ctx, f)
	default:
		return c.applyToBroker(ctx, f)
	}
}

func (c *campaign) applyToBroker(ctx context.Context, f fault) (met bool, err error) {
	switch f.kind {
	case produceLost:
		return c.proxies.traps.spring(ctx, dropProduceAnswer, patience), nil
	case commitLost:
		return c.proxies.traps.spring(ctx, dropCommitAnswer, patience), nil
	case brokerCut:
		c.proxies.each((*proxy).cut)
		return true, nil
	case brokerGone:
		c.proxies.each((*proxy).refuse)
		time.Sleep(f.pause)
		c.proxies.each((*proxy).allow)
		return true, nil
	case killBroker:
		return true, c.broker.outage(f.pick, f.pause)
	case produceFails:
		return c.broker.fail(ctx, produceFault([]string{kafka.DLQ(topic), kafka.DefaultConfig().Topics.Windows}, f.pick), patience), nil
	case commitFails:
		return c.broker.fail(ctx, commitFault(group, f.pick), patience), nil
	case commitTimes:
		return c.broker.fail(ctx, commitTimeout(group, f.pick), patience), nil
	default:
		return false, fmt.Errorf("no such fault")
	}
}

// killIngest kills one of the processes that run; a supervisor's pause later
// it is started again.
func (c *campaign) killIngest(f fault) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for i := range c.places {
			if c.places[(f.pick+i)%len(c.places)].kill(f.pause / 2) {
				return true
			}
		}
	}
	return false
}

// rebalance lets the second instance join, or leave when it runs.
func (c *campaign) rebalance() error {
	second := c.places[1]
	if !second.running() {
		second.start()
		return nil
	}
	if err := second.leave(30 * time.Second); err != nil { // what it left pending is repeated
		c.tally.note("unclean: %v", err)
	}
	return nil
}

// refused waits until the store has refused an insert.
func (c *campaign) refused(ctx context.Context, before int64) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if c.store.proxy.refusals.Load() > before {
			return true
		}
	}
	return false
}

// diskFull makes the engine refuse inserts into one of the tables for want of
// free space, by asking for more than any disk has. In a view's table that
// comes after the rows are stored.
//
// A disk that is really full would prove less: the engine reserves space
// before it writes, so that it refuses in the same place; and where a write
// fails in spite of it, this build of the engine does not notice (chdb breaks
// out of WriteBufferFromFileDescriptor::nextImpl where ClickHouse throws).
func (c *campaign) diskFull(ctx context.Context, f fault) (bool, error) {
	db, err := c.store.open()
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }()
	table := []string{"inference_events", "feature_sketches_1m"}[f.pick%2]
	before := c.store.proxy.refusals.Load()
	if err := db.Conn().Exec(ctx, "ALTER TABLE "+table+" MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000"); err != nil {
		return false, err
	}
	met := c.refused(ctx, before)
	time.Sleep(f.pause)
	return met, db.Conn().Exec(ctx, "ALTER TABLE "+table+" RESET SETTING min_free_disk_bytes_to_perform_insert")
}

// memoryFull restarts the store with too little memory for an insert, and
// again with enough.
func (c *campaign) memoryFull(ctx context.Context, f fault) (bool, error) {
	before := c.store.proxy.refusals.Load()
	if err := c.store.outage(0, (1+f.pick%4)<<20); err != nil {
		return false, err
	}
	met := c.refused(ctx, before)
	time.Sleep(f.pause / 2)
	return met, c.store.outage(0, 0)
}
