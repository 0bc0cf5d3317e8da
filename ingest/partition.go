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
	in     *Ingester
	commit committer
	assignment

	from, next int64 // the open batch is [from, next); -1 before the first record of an uncommitted partition
	pend       int64 // a predecessor's batch [from, pend) is to be repeated first; 0 when none
	intent     bool  // the newest commit carries an intent
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
		if p.pend > 0 && r.Offset >= p.pend { // the tail of the range is gone: compacted or a transaction's marker
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
		if p.next == p.from {
			p.opened = time.Now()
		}
		if err := p.batch.add(ctx, r); err != nil {
			return err
		}
		p.next = r.Offset + 1
		p.counters.records.Inc()
		if p.full() {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return p.Tick(ctx, time.Now())
}

// full tells whether the batch must be written now. A repeated range ends
// where it ended before, whatever the limits say today.
func (p *partition) full() bool {
	if p.pend > 0 {
		return p.next >= p.pend
	}
	cfg := &p.in.cfg
	return p.batch.rows() >= cfg.BatchRows || p.batch.bytes >= int(cfg.BatchBytes) || p.batch.days() >= cfg.MaxDays
}

// Tick writes a batch that is old enough, and on idle commits that nothing is
// pending: an intent left behind would be repeated long after the store has
// forgotten its token.
func (p *partition) Tick(ctx context.Context, now time.Time) error {
	if p.next > p.from {
		if p.pend == 0 && now.Sub(p.opened) >= p.in.cfg.FlushInterval {
			return p.flush(ctx)
		}
		return nil
	}
	if p.intent && p.pend == 0 && now.Sub(p.lastWork) >= p.in.cfg.IdleCommit {
		return p.complete(ctx)
	}
	return nil
}

// Close writes the open batch and commits it. A range that is being repeated
// and is not whole yet stays pending for the next owner.
func (p *partition) Close(ctx context.Context) error {
	if p.pend > 0 {
		return nil
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	return p.complete(ctx)
}

// flush writes the open batch: intent, rows, dead letters and announcements.
func (p *partition) flush(ctx context.Context) error {
	end := max(p.next, p.pend)
	if end == p.from || p.from < 0 {
		return nil
	}
	if p.pend == 0 {
		if err := p.commit.Commit(ctx, p.from, intentOf(end)); err != nil {
			return err
		}
		p.intent = true
	} else {
		p.counters.replays.Inc()
	}
	start := time.Now()
	if rows := p.batch.rows(); rows > 0 {
		table := p.batch.table()
		token := fmt.Sprintf("%s/%d/%d/%s/v%d", p.token, p.from, end, table, decoderVersion)
		if err := p.in.sink.Insert(ctx, table, token, p.batch.input()); err != nil {
			return err
		}
		p.counters.stored.Add(rows)
		p.counters.batchRows.Update(float64(rows))
	}
	if err := p.publish(ctx); err != nil {
		return err
	}
	p.counters.flush.UpdateDuration(start)
	p.from, p.next, p.pend = end, end, 0
	p.lastWork = time.Now()
	p.batch.reset()
	return nil
}

// publish sends dead letters and announcements. Both may come twice after a
// crash: dead letters carry their origin, and announcements are idempotent.
func (p *partition) publish(ctx context.Context) error {
	out := append(p.batch.deadLetters(), p.batch.touches(p.in.windows)...)
	if len(out) == 0 {
		return nil
	}
	var again []*kgo.Record
	for _, r := range p.in.produce.ProduceSync(ctx, out...) {
		switch {
		case errors.Is(r.Err, kerr.MessageTooLarge) && len(r.Record.Value) > shortened:
			again = append(again, shorten(r.Record))
		case r.Err != nil:
			return fmt.Errorf("publish %d dead letters and announcements: %w", len(out), r.Err)
		}
	}
	if len(again) > 0 {
		if err := p.in.produce.ProduceSync(ctx, again...).FirstErr(); err != nil {
			return fmt.Errorf("publish %d shortened dead letters: %w", len(again), err)
		}
	}
	p.counters.dead.Add(len(p.batch.dead))
	return nil
}

// complete commits the end of the last batch with nothing pending.
func (p *partition) complete(ctx context.Context) error {
	if !p.intent {
		return nil
	}
	if err := p.commit.Commit(ctx, p.from, ""); err != nil {
		return err
	}
	p.intent = false
	return nil
}
