package app

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// notifyAtOnce bounds the incidents of one partition that are told side by side.
const notifyAtOnce = 16

// commitGrace is how long a commit of what was told may go on after the
// partition is asked for: what is not committed is looked up in the journal.
const commitGrace = 10 * time.Second

// alert tells receivers of the revisions in one partition of incidents: those
// of one incident in order, incidents side by side, so that a receiver that
// hangs on one does not hold back the others. It commits what is settled, and
// its journal skips what a predecessor had settled.
type alert struct {
	a      *App
	p      *kafka.Partition
	notify func(context.Context, schemas.Incident) error
}

// Handle returns when every revision is delivered or given up.
func (h *alert) Handle(ctx context.Context, records []*kgo.Record) error {
	var order []string
	byID := map[string][]schemas.Incident{}
	collect := decode(h.a, string(Alert), func(_ context.Context, inc schemas.Incident) error {
		if byID[inc.ID] == nil {
			order = append(order, inc.ID)
		}
		byID[inc.ID] = append(byID[inc.ID], inc)
		return nil
	})
	for _, r := range records {
		if err := collect(ctx, r); err != nil {
			return err
		}
	}
	g, telling := errgroup.WithContext(ctx)
	g.SetLimit(notifyAtOnce)
	for _, id := range order {
		g.Go(func() error {
			for _, inc := range byID[id] {
				if err := retry(telling, func() error { return h.notify(telling, inc) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitGrace)
	defer cancel()
	return h.p.Commit(ctx, records[len(records)-1].Offset+1, "")
}

// Tick has nothing to do.
func (h *alert) Tick(context.Context, time.Time) error { return nil }

// Close has nothing to finish: Handle commits.
func (h *alert) Close(context.Context) error { return nil }
