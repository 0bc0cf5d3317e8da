package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// refused tells whether the store will never take a block, by the fault of a
// row in it: its error has a method Refused that says so.
func refused(err error) bool {
	var r interface{ Refused() bool }
	return errors.As(err, &r) && r.Refused()
}

// isolate stores the range [p.from, end) in ever smaller blocks, until the
// records that the store refuses stand alone: those are dead letters. That it
// does so is part of the intent, since the parts have tokens of their own and
// the whole block must not be tried again beside them. Ranges are cut in the
// middle of their offsets, never by how many records they hold, so that whoever
// repeats this makes the same parts.
//
// It returns the batch of what is stored.
func (p *partition) isolate(ctx context.Context, end int64) (*batch, error) {
	p.counters.isolated.Inc()
	if p.batch.cols.looksBack() != nil {
		return nil, errors.New("records of this format cannot be stored one without the other")
	}
	if !p.pending.parts {
		if err := p.announceParts(ctx, end); err != nil {
			return nil, err
		}
	}
	records, err := p.log.Read(ctx, p.from, end)
	if err != nil {
		return nil, err
	}
	p.forgo(records)
	kept := p.another()
	return kept, p.part(ctx, kept, p.tokenOf(end), p.from, end, records)
}

// announceParts makes it known that the range is written in parts.
func (p *partition) announceParts(ctx context.Context, end int64) error {
	i := intent{end: end, clock: p.opened, rules: p.rules}
	if p.pending.end > 0 {
		i = p.pending
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	if err := p.log.Commit(ctx, p.from, i.String()); err != nil { // a new owner may have parts in the table by now
		return err
	}
	stored, err := p.in.Store.Stored(ctx, p.batch.table(), p.topic, p.partition, p.from, end)
	if err != nil {
		return err
	}
	if len(stored) > 0 && p.rest == nil {
		return errors.New("its rows are in the table, so it is a view that refuses them: mend or drop the view")
	}
	i.parts = true
	return p.log.Commit(ctx, p.from, i.String())
}

// another makes an empty batch like the open one.
func (p *partition) another() *batch {
	b := newBatch(p.in, p.in.topics[p.topic], p.assignment)
	b.arrival.clock = p.batch.arrival.clock
	return b
}

// halve stores both halves of [from, to), which the store refused as a whole.
func (p *partition) halve(ctx context.Context, kept *batch, token string, from, to int64, records []*kgo.Record, cause error) error {
	if to-from == 1 {
		for _, r := range records {
			p.batch.bury(r, &poison{reason: "refused", detail: clip(cause.Error())})
		}
		return nil
	}
	middle := from + (to-from)/2
	at := 0
	for at < len(records) && records[at].Offset < middle {
		at++
	}
	if err := p.part(ctx, kept, token, from, middle, records[:at]); err != nil {
		return err
	}
	return p.part(ctx, kept, token, middle, to, records[at:])
}

// part stores the records of [from, to) as a block of their own, and adds them
// to what is kept.
func (p *partition) part(ctx context.Context, kept *batch, token string, from, to int64, records []*kgo.Record) error {
	b := p.another()
	b.arrival.stored = p.stored
	if err := b.takeGood(ctx, records...); err != nil {
		return err
	}
	if b.rows() > 0 {
		switch err := p.in.Store.Insert(ctx, b.table(), fmt.Sprintf("%s/%d-%d", token, from, to), b.input()); {
		case refused(err):
			return p.halve(ctx, kept, token, from, to, records, err)
		case err != nil:
			return err
		}
	}
	return kept.takeGood(ctx, records...)
}
