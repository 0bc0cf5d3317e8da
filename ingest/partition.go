package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// partition is the state machine of one partition: its open batch and what is
// committed of it. Its goroutine is the only one that touches it.
type partition struct {
	in  *Ingester
	log source
	assignment

	from, next int64  // the open batch is [from, next); -1 before the first record of an uncommitted partition
	pending    intent // of a predecessor, whose batch [from, pending.end) is to be repeated first
	reconcile  bool   // hold that batch against the store instead of trusting in its token
	committed  bool   // the newest commit carries an intent
	rules      string
	taken      time.Time
	opened     time.Time
	lastWork   time.Time
	batch      *batch
	counters   counters
}

// Handle adds records to the open batch and writes what is full.
func (p *partition) Handle(ctx context.Context, records []*kgo.Record) error {
	for _, r := range records {
		if p.from < 0 {
			p.from, p.next = r.Offset, r.Offset
		}
		if r.Offset < p.next {
			continue // fetched again after a rebalance; already in
		}
		if err := p.take(ctx, r); err != nil {
			return err
		}
		if p.full() {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return p.Tick(ctx, time.Now())
}

// take adds the next record to the open batch.
func (p *partition) take(ctx context.Context, r *kgo.Record) error {
	if r.Offset > p.next {
		if err := p.skip(ctx, r.Offset); err != nil {
			return err
		}
	}
	if p.next == p.from {
		if err := p.open(ctx); err != nil {
			return err
		}
	}
	if !r.Attrs.IsControl() { // a transaction's marker only moves on
		if err := p.batch.add(ctx, r); err != nil {
			return err
		}
		p.counters.records.Inc()
	}
	p.next = r.Offset + 1
	return nil
}

// skip passes over offsets without records: compacted away, aborted, or, if
// the log begins later by now, lost.
func (p *partition) skip(ctx context.Context, to int64) error {
	start, err := p.log.LogStart(ctx)
	if err != nil {
		return fmt.Errorf("look for the records between offsets %d and %d: %w", p.next, to, err)
	}
	if lost := min(start, to) - p.next; lost > 0 {
		p.counters.lost.Add(int(lost))
		p.in.Log.Error("records are gone before they were read: the topic keeps them for too short a time",
			"topic", p.topic, "partition", p.partition, "from", p.next, "to", p.next+lost)
	}
	if p.pending.end > 0 && to >= p.pending.end { // the tail of the range is gone
		return p.flush(ctx)
	}
	return nil
}

// open begins a batch. One that is repeated goes by the clock of the first try.
func (p *partition) open(ctx context.Context) error {
	p.opened = time.Now()
	now := p.opened
	if p.pending.end > 0 && !p.pending.clock.IsZero() {
		now = p.pending.clock
	}
	p.batch.open(now)
	if p.pending.end == 0 || !p.reconcile {
		return nil
	}
	return p.recall(ctx)
}

// settle waits until an insert of the former owner must be over.
func (p *partition) settle(ctx context.Context) error {
	select {
	case <-time.After(time.Until(p.taken.Add(p.in.InsertTimeout))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recall asks the store which rows of the pending range it has.
func (p *partition) recall(ctx context.Context) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	if !p.pending.check { // whoever repeats this must not go by the token again: what is stored now may have another one
		p.pending.check = true
		if err := p.log.Commit(ctx, p.from, p.pending.String()); err != nil {
			return err
		}
	}
	stored, err := p.in.Store.Stored(ctx, p.batch.table(), p.topic, p.partition, p.from, p.pending.end)
	if err != nil {
		return fmt.Errorf("ask which rows of offsets %d to %d are stored: %w", p.from, p.pending.end, err)
	}
	p.batch.leaveOut(stored)
	p.counters.reconciled.Inc()
	p.in.Log.Warn("an unfinished batch is older than ingest.replay_within, or was begun under another configuration: rows that are stored are left out",
		"topic", p.topic, "partition", p.partition, "from", p.from, "to", p.pending.end, "stored", len(stored))
	return nil
}

// full tells whether the batch must be written now. A repeated range ends
// where it ended before, whatever the limits say today.
func (p *partition) full() bool {
	if p.pending.end > 0 {
		return p.next >= p.pending.end
	}
	cfg := &p.in.cfg
	return p.batch.rows() >= cfg.BatchRows || p.batch.bytes >= int(cfg.BatchBytes) || p.batch.days() >= cfg.MaxDays
}

// Tick writes a batch that is old enough, and on idle commits that nothing is
// pending: an intent left behind would be repeated long after the store has
// forgotten its token.
func (p *partition) Tick(ctx context.Context, now time.Time) error {
	if p.next > p.from {
		if p.pending.end == 0 && now.Sub(p.opened) >= p.interval() {
			return p.flush(ctx)
		}
		return nil
	}
	if p.committed && p.pending.end == 0 && now.Sub(p.lastWork) >= p.in.cfg.IdleCommit {
		return p.complete(ctx)
	}
	return nil
}

// crowdedFactor is how much longer a batch stays open when the store has too
// many parts.
const crowdedFactor = 8

func (p *partition) interval() time.Duration {
	if p.in.Store.Crowded() {
		return crowdedFactor * p.in.cfg.FlushInterval
	}
	return p.in.cfg.FlushInterval
}

// Close writes the open batch and commits it. A range that is being repeated
// and is not whole yet stays pending for the next owner.
func (p *partition) Close(ctx context.Context) error {
	if p.pending.end > 0 {
		return nil
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	return p.complete(ctx)
}

// flush writes the open batch: intent, rows, dead letters and announcements.
func (p *partition) flush(ctx context.Context) error {
	end := max(p.next, p.pending.end)
	if end == p.from || p.from < 0 {
		return nil
	}
	if p.pending.end == 0 {
		if err := p.log.Commit(ctx, p.from, intent{end: end, clock: p.opened, rules: p.rules}.String()); err != nil {
			return err
		}
		p.committed = true
	} else {
		p.counters.replays.Inc()
	}
	start := time.Now()
	if err := p.insert(ctx, end); err != nil {
		return err
	}
	if err := p.publish(ctx); err != nil {
		return err
	}
	p.counters.flush.UpdateDuration(start)
	p.from, p.next, p.pending, p.reconcile = end, end, intent{}, false
	p.lastWork = time.Now()
	p.batch.reset()
	return nil
}

// insert stores the rows of the batch.
func (p *partition) insert(ctx context.Context, end int64) error {
	rows := p.batch.rows()
	if rows == 0 {
		return nil
	}
	if p.pending.parts { // as the predecessor had begun to
		return p.isolate(ctx, end)
	}
	switch err := p.in.Store.Insert(ctx, p.batch.table(), p.tokenOf(end), p.batch.input()); {
	case refused(err):
		p.in.warn.Warn("the store refuses a block; looking for the record", "topic", p.topic, "partition", p.partition, "from", p.from, "to", end, "err", err)
		if next := p.isolate(ctx, end); next != nil {
			return fmt.Errorf("isolate what the store refuses in offsets %d to %d (%w): %w", p.from, end, err, next)
		}
		return nil
	case err != nil:
		return err
	}
	p.counters.stored.Add(rows)
	p.counters.batchRows.Update(float64(rows))
	return nil
}

// tokenOf names the block of [from, end). The store knows a block by its token
// and its day, so what a reconciliation leaves of one has the same name. Rows
// that were decoded by other rules are another block.
func (p *partition) tokenOf(end int64) string {
	token := fmt.Sprintf("%s/%d/%d/%s/v%d", p.token, p.from, end, p.batch.table(), decoderVersion)
	if p.pending.end > 0 && p.pending.rules != p.rules {
		token += "/" + p.rules
	}
	return token
}

// publish sends dead letters and announcements. Both may come twice after a
// crash: dead letters carry their origin, and announcements are idempotent.
func (p *partition) publish(ctx context.Context) error {
	out := append(p.batch.deadLetters(), p.batch.touches(p.in.Windows)...)
	if len(out) == 0 {
		return nil
	}
	var again []*kgo.Record
	for _, r := range p.in.Producer.ProduceSync(ctx, out...) {
		switch {
		case errors.Is(r.Err, kerr.MessageTooLarge) && len(r.Record.Value) > shortened:
			again = append(again, shorten(r.Record))
		case r.Err != nil:
			return fmt.Errorf("publish %d dead letters and announcements: %w", len(out), r.Err)
		}
	}
	if len(again) > 0 {
		if err := p.in.Producer.ProduceSync(ctx, again...).FirstErr(); err != nil {
			return fmt.Errorf("publish %d shortened dead letters: %w", len(again), err)
		}
	}
	p.counters.dead.Add(len(p.batch.dead))
	return nil
}

// complete commits the end of the last batch with nothing pending.
func (p *partition) complete(ctx context.Context) error {
	if !p.committed {
		return nil
	}
	if err := p.log.Commit(ctx, p.from, ""); err != nil {
		return err
	}
	p.committed = false
	return nil
}
