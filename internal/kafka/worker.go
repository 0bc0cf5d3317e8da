package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	errRevoked = errors.New("partition revoked")
	errCut     = errors.New("no time left")
)

// Later is the error by which Handle asks to be called again with the same
// records, of which it may have taken the first ones. Until then the partition
// goes on ticking, and it can be closed or taken away at once.
type Later struct{ After time.Duration }

func (l *Later) Error() string { return fmt.Sprintf("come again in %s", l.After) }

// worker owns one partition: its queue, its goroutine, its handler.
type worker struct {
	g *Group
	p *Partition
	h Handler

	lag    *lag
	ctx    context.Context
	cancel context.CancelCauseFunc
	close  chan struct{} // closed to ask for a clean end
	once   sync.Once
	done   chan struct{} // closed when the goroutine has ended
	wake   chan struct{}

	queue struct {
		sync.Mutex
		records [][]*kgo.Record
	}
	bytes  atomic.Int64 // waiting in the queue
	paused bool         // guarded by Group.workers
}

// startWorker tells whether it did: not in a shutdown.
func (g *Group) startWorker(p *Partition, h Handler) bool {
	w := &worker{g: g, p: p, h: h, lag: newLag(p.Start), close: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1)}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	p.worker = w
	g.workers.Lock()
	defer g.workers.Unlock()
	if g.workers.closed {
		return false
	}
	tp := topicPartition{p.Topic, p.Number}
	g.workers.by[tp] = w
	g.showLag(tp, w.lag)
	g.wg.Go(func() {
		defer close(w.done)
		if e, ok := h.(Ender); ok {
			defer e.End()
		}
		w.ended(w.run())
		w.drop()
	})
	return true
}

// ended looks after what a worker ended by.
func (w *worker) ended(err error) {
	switch {
	case err == nil:
	case errors.Is(context.Cause(w.ctx), errCut):
		w.g.cfg.Log.Warn("cut off by the shutdown; the next owner of the partition repeats what was in hand",
			"topic", w.p.Topic, "partition", w.p.Number, "err", err)
	case w.ctx.Err() != nil:
	case errors.Is(err, ErrFenced):
		w.fenced()
	default:
		w.g.fail(fmt.Errorf("%s/%d: %w", w.p.Topic, w.p.Number, err))
	}
}

func (w *worker) run() error {
	tick := time.NewTicker(w.g.cfg.Tick)
	defer tick.Stop()
	var (
		records []*kgo.Record // in hand
		size    int64
		later   <-chan time.Time // when they may be handled; nil when that is now
	)
	defer func() { w.g.handled(size) }()
	for {
		select {
		case <-w.ctx.Done():
			return w.ctx.Err()
		case <-w.close:
			return w.finish()
		case now := <-tick.C:
			if err := w.h.Tick(w.ctx, now); err != nil {
				return err
			}
		default:
		}
		if records == nil {
			records, size = w.pop()
		}
		if records == nil || later != nil {
			select {
			case <-w.ctx.Done():
			case <-w.close:
			case <-w.wake:
			case <-later:
				later = nil
			case now := <-tick.C:
				if err := w.h.Tick(w.ctx, now); err != nil {
					return err
				}
			}
			continue
		}
		err := w.h.Handle(w.ctx, records)
		if wait := (*Later)(nil); errors.As(err, &wait) {
			later = time.After(wait.After)
			continue
		}
		w.g.handled(size)
		records, size = nil, 0
		if err != nil {
			return err
		}
	}
}

// finish lets the handler commit, bounded by the time a rebalance allows.
func (w *worker) finish() error {
	ctx, cancel := context.WithTimeout(w.ctx, w.g.cfg.Kafka.RebalanceTimeout*3/4)
	defer cancel()
	return w.h.Close(ctx)
}

// stop ends the worker and waits for it. The work in hand may go on for the
// time that a rebalance allows, then it is cut off: its range is pending in
// the group's metadata and the next owner repeats it.
func (w *worker) stop(clean bool) {
	if !clean {
		w.cancel(errRevoked)
	}
	w.once.Do(func() { close(w.close) })
	select {
	case <-w.done:
	case <-w.g.cfg.Cut:
		w.cancel(errCut)
		<-w.done
	case <-time.After(w.g.cfg.Kafka.RebalanceTimeout * 3 / 4):
		w.cancel(errRevoked)
		<-w.done
	}
	w.cancel(nil)
}

func (w *worker) ending() bool {
	select {
	case <-w.close:
		return true
	case <-w.done:
		return true
	default:
		return false
	}
}

// fenced: another member may own the partition. The client learns of it by
// heartbeat and takes it away; if it does not, holding on to a partition that
// nobody works on would be a silent stop.
func (w *worker) fenced() {
	w.g.cfg.Log.Warn("fenced; waiting for a new assignment", "topic", w.p.Topic, "partition", w.p.Number)
	select {
	case <-w.close:
	case <-w.ctx.Done():
	case <-time.After(2 * w.g.cfg.Kafka.SessionTimeout):
		w.g.fail(fmt.Errorf("%s/%d: %w, and no rebalance followed", w.p.Topic, w.p.Number, ErrFenced))
	}
	w.drop()
}

// drop forgets what waits in the queue.
func (w *worker) drop() {
	for {
		records, size := w.pop()
		if records == nil {
			return
		}
		w.g.handled(size)
	}
}

func (w *worker) waiting() int64 { return w.bytes.Load() }

func (w *worker) push(records []*kgo.Record) int64 {
	size := sizeOf(records)
	w.bytes.Add(size)
	w.queue.Lock()
	w.queue.records = append(w.queue.records, records)
	w.queue.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return size
}

func (w *worker) pop() ([]*kgo.Record, int64) {
	w.queue.Lock()
	defer w.queue.Unlock()
	if len(w.queue.records) == 0 {
		return nil, 0
	}
	records := w.queue.records[0]
	w.queue.records[0] = nil
	w.queue.records = w.queue.records[1:]
	size := sizeOf(records)
	w.bytes.Add(-size)
	return records, size
}

// sizeOf counts what the records keep alive, roughly: their bytes and structs.
func sizeOf(records []*kgo.Record) (n int64) {
	for _, r := range records {
		n += int64(len(r.Value)+len(r.Key)) + 160
	}
	return n
}
