package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/schemas"
)

// grace is the time that the journal has after ctx ended, to note what was
// delivered; it is part of an orderly shutdown.
const grace = 5 * time.Second

// graceful outlives ctx by the grace at most.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(out, func() { timer.Stop() })
	})
	return out, func() { stop(); cancel(context.Canceled) }
}

// settled tells whether the receiver has this revision or a newer one.
func (r *receiver) settled(ctx context.Context, inc *schemas.Incident) (bool, error) {
	revision, err := insist(ctx, r.log, r.pause, "read journal", func() (uint64, error) {
		return r.journal.Delivered(ctx, inc.ID, r.name)
	})
	return err == nil && revision >= inc.Revision, err
}

// append writes rows to the journal.
func (r *receiver) append(ctx context.Context, rows ...schemas.Notification) error {
	rows = slices.Clone(rows)
	_, err := insist(ctx, r.log, r.pause, "append to journal", func() (struct{}, error) {
		return struct{}{}, r.journal.Append(ctx, rows...)
	})
	return err
}

// insist repeats an operation of the journal until it succeeds or ctx ends:
// without the journal nothing can be promised, so nothing is sent or dropped.
func insist[T any](ctx context.Context, log *slog.Logger, pause time.Duration, what string, f func() (T, error)) (T, error) {
	out, err := backoff.Retry(ctx, f, backoff.WithBackOff(pauses(pause)), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			log.Warn("journal is away", "operation", what, "err", err, "retry_in", pause)
		}))
	if err != nil {
		err = fmt.Errorf("%s: %w", what, errors.Join(errJournal, err))
	}
	return out, err
}

// turns lets one goroutine at a time speak about an incident.
type turns struct {
	sync.Mutex // guards busy
	busy       map[string]chan struct{}
}

// wait for the turn of an incident; done ends it.
func (t *turns) wait(ctx context.Context, id string) (done func(), err error) {
	for {
		t.Lock()
		taken, mine := t.busy[id], make(chan struct{})
		if taken == nil {
			t.busy[id] = mine
			t.Unlock()
			return func() { t.end(id, mine) }, nil
		}
		t.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (t *turns) end(id string, mine chan struct{}) {
	t.Lock()
	delete(t.busy, id)
	t.Unlock()
	close(mine)
}
