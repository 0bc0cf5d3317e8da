package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Each makes a Handler that calls do for one record after the other and then
// commits: at-least-once, for work that repeats harmlessly. An error of do
// ends the group; the record comes again after a restart.
func Each(p *Partition, do func(ctx context.Context, r *kgo.Record) error) Handler {
	return &each{p: p, do: do}
}

type each struct {
	p         *Partition
	do        func(context.Context, *kgo.Record) error
	next      int64 // offset after the newest record done
	committed int64
}

func (e *each) Handle(ctx context.Context, records []*kgo.Record) error {
	for _, r := range records {
		if err := e.do(ctx, r); err != nil {
			return err
		}
		e.next = r.Offset + 1
	}
	return e.Tick(ctx, time.Time{})
}

func (e *each) Tick(ctx context.Context, _ time.Time) error {
	if e.next == e.committed {
		return nil
	}
	if err := e.p.Commit(ctx, e.next, ""); err != nil {
		return err
	}
	e.committed = e.next
	return nil
}

func (e *each) Close(ctx context.Context) error { return e.Tick(ctx, time.Time{}) }
