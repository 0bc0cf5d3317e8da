package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// partition is the state machine of one partition: its open batch and what is
// committed of it. Its goroutine is the only one that touches it.
type partition struct {
	in  *Ingester
	log source
	assignment

	from, next int64  // the open batch is [from, next); -1 before the first record of an uncommitted partition
	pending    intent // of a predecessor, whose batch [from, pending.end) is to be repeated first
	looked     bool   // the decoder has what it needs of the records before
	reconcile  bool   // hold that batch against the store instead of trusting in its token
	committed  bool   // the newest commit carries an intent
	rules      string
	taken      time.Time
	opened     time.Time
	lastWork   time.Time
	batch      *batch
	rest       *batch                      // in a reconciliation: what of the batch is not stored yet
	stored     map[schemas.Origin]struct{} // in a reconciliation: what is
	kept       *batch                      // while the batch is written: what of it is in the table
	open       int                         // records taken into the open batch
	apart      time.Duration               // spent in stages that have a measure of their own
	counters   counters
}

// Handle adds records to the open batch and writes what is full.
func (p *partition) Handle(ctx context.Context, records []*kgo.Record) error {
	start, apart := time.Now(), p.apart
	err := p.takeAll(ctx, records)
	now := time.Now()
	p.counters.stages.decode.Update((now.Sub(start) - (p.apart - apart)).Seconds())
	p.counters.books.open.Set(float64(p.open))
	if err != nil {
		return err
	}
	return p.Tick(ctx, now)
}

// timed measures a stage.
func (p *partition) timed(stage *metrics.Histogram, do func() error) error {
	start := time.Now()
	err := do()
	took := time.Since(start)
	p.apart += took
	stage.Update(took.Seconds())
	return err
}

func (p *partition) takeAll(ctx context.Context, records []*kgo.Record) error {
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
	return nil
}

// take adds the next record to the open batch.
func (p *partition) take(ctx context.Context, r *kgo.Record) error {
	if err := p.batch.bill.wait(); err != nil { // before anything is counted: the record comes again
		return err
	}
	if r.Offset > p.next {
		if err := p.skip(ctx, r.Offset); err != nil {
			return err
		}
	}
	if p.next == p.from {
		if err := p.begin(ctx); err != nil {
			return err
		}
	}
	if !p.looked {
		if err := p.lookBack(ctx, p.batch, p.next); err != nil {
			return err
		}
		p.looked = true
	}
	if !r.Attrs.IsControl() { // a transaction's marker only moves on
		if err := p.batch.add(ctx, r); err != nil {
			return err
		}
		if p.rest != nil {
			if err := p.rest.takeGood(ctx, r); err != nil {
				return err
			}
		}
		p.counters.records.Inc()
		p.open++
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

// begin opens a batch. One that is repeated goes by the clock of the first try.
func (p *partition) begin(ctx context.Context) error {
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
	stored, err := p.in.Store.Stored(ctx, p.batch.table(), p.topic, p.partition, p.from, p.pending.end)
	if err != nil {
		return fmt.Errorf("ask which rows of offsets %d to %d are stored: %w", p.from, p.pending.end, err)
	}
	p.stored, p.rest = stored, p.another()
	p.rest.arrival.stored = stored
	p.counters.reconciled.Inc()
	p.in.Log.Warn("an unfinished batch is held against the store: it is older than ingest.replay_within, or was written in parts",
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
		metadata := intent{end: end, clock: p.opened, rules: p.rules}.String()
		if err := p.timed(p.counters.stages.intent, func() error { return p.log.Commit(ctx, p.from, metadata) }); err != nil {
			return err
		}
		p.committed = true
	} else {
		p.counters.replays.Inc()
	}
	start := time.Now()
	if err := p.timed(p.counters.stages.insert, func() error { return p.insert(ctx, end) }); err != nil {
		return err
	}
	stored := time.Now()
	if err := p.timed(p.counters.stages.publish, func() error { return p.publish(ctx) }); err != nil {
		return err
	}
	p.counters.flush.UpdateDuration(start)
	p.counters.events.observe(p.batch.arrival.events, stored)
	p.counters.arrivals.observe(p.batch.arrival.kafka, stored)
	p.balance()
	p.from, p.next, p.pending, p.reconcile, p.rest, p.stored, p.kept = end, end, intent{}, false, nil, nil, nil
	p.lastWork = time.Now()
	p.batch.reset()
	return nil
}

// insert stores the rows of the batch, and then what follows from them: only
// rows that are in the table are summed up. What may have been sent twice is
// held against the store.
func (p *partition) insert(ctx context.Context, end int64) error {
	if p.batch.rows() == 0 {
		return nil
	}
	retries := p.in.Store.Retries()
	inDoubt := func() bool {
		return !p.in.Store.Atomic() && (p.pending.end > 0 || p.in.Store.Retries() != retries)
	}
	stored, err := p.insertRows(ctx, end)
	if err != nil {
		return err
	}
	if inDoubt() || p.pending.end > 0 && p.pending.rules != p.rules {
		if err := p.verifyRows(ctx, stored, end); err != nil {
			return fmt.Errorf("look whether offsets %d to %d are stored: %w", p.from, end, err)
		}
	}
	p.kept = stored
	p.counters.stored.Add(stored.rows())
	p.counters.batchRows.Update(float64(stored.rows()))
	p.counters.batchBytes.Update(float64(p.batch.bytes))
	if _, err := p.derive(ctx, stored, p.tokenOf(end), p.lacks(ctx)); err != nil {
		return err
	}
	if inDoubt() {
		if err := p.verifySummaries(ctx, stored, end); err != nil {
			return fmt.Errorf("look whether offsets %d to %d are summed up: %w", p.from, end, err)
		}
	}
	return nil
}

// lacks picks, in a reconciliation, the minutes that lack rows: there the token
// alone does not tell what is summed up.
func (p *partition) lacks(ctx context.Context) owed {
	if !p.reconcile {
		return nil
	}
	return func(g *groups) ([]bool, error) {
		owes, err := p.in.Store.Owed(ctx, g.minutes())
		out := make([]bool, len(owes))
		for i, n := range owes {
			out[i] = n > 0
		}
		return out, err
	}
}

// insertRows stores the rows and returns the batch of all that is in the table.
func (p *partition) insertRows(ctx context.Context, end int64) (*batch, error) {
	b := p.batch
	switch {
	case p.pending.parts: // as the predecessor had begun to
		return p.isolate(ctx, end)
	case p.rest != nil:
		b = p.rest
	}
	if b.rows() == 0 {
		return p.batch, nil
	}
	err := p.in.Store.Insert(ctx, b.table(), p.tokenOf(end), b.input())
	if !refused(err) {
		return p.batch, err
	}
	p.in.warn.Warn("the store refuses a block; looking for the record", "topic", p.topic, "partition", p.partition, "from", p.from, "to", end, "err", err)
	kept, next := p.isolate(ctx, end)
	if next != nil {
		return nil, fmt.Errorf("isolate what the store refuses in offsets %d to %d (%w): %w", p.from, end, err, next)
	}
	return kept, nil
}

// derive stores what follows from rows: all of it, or the minutes that are
// owed. It tells how many rows of summaries it sent.
func (p *partition) derive(ctx context.Context, b *batch, token string, owed owed) (int, error) {
	d, done, err := b.cols.derive(owed)
	if err != nil {
		return 0, fmt.Errorf("ask which minutes are summed up: %w", err)
	}
	defer done()
	if d.block == nil || d.block[0].Data.Rows() == 0 {
		return 0, nil
	}
	return d.block[0].Data.Rows(), p.in.Store.Insert(ctx, d.table, token, d.block)
}

// tokenOf names the block of [from, end).
func (p *partition) tokenOf(end int64) string {
	return fmt.Sprintf("%s/%d/%d/%s/v%d", p.token, p.from, end, p.batch.table(), decoderVersion)
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
	if err := p.timed(p.counters.stages.commit, func() error { return p.log.Commit(ctx, p.from, "") }); err != nil {
		return err
	}
	p.committed = false
	return nil
}
