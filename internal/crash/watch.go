package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// watch follows what the group has committed. It is safe for concurrent use.
type watch struct {
	adm   *kadm.Client
	truth *truth
	topic string
	group string

	mu        sync.Mutex
	committed map[int32]int64
	pending   bool // an intent is committed somewhere
	marks     []*mark
}

// mark is a fault whose recovery is waited for.
type mark struct {
	what kind
	at   time.Duration   // since the first fault
	ends map[int32]int64 // what must be committed
	from time.Time
	done chan struct{}
	took time.Duration // valid when done is closed
}

// run polls until ctx ends.
func (w *watch) run(ctx context.Context) {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		asked, cancel := context.WithTimeout(ctx, 2*time.Second)
		offsets, err := w.adm.FetchOffsets(asked, w.group)
		cancel()
		if err == nil && offsets.Error() == nil {
			w.see(offsets, time.Now())
		}
	}
}

// see takes note of committed offsets and settles the marks that they reach.
func (w *watch) see(offsets kadm.OffsetResponses, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.committed, w.pending = map[int32]int64{}, false
	for p, o := range offsets[w.topic] {
		w.committed[p] = o.At
		w.pending = w.pending || strings.Contains(o.Metadata, "pend=")
	}
	var open []*mark
	for _, m := range w.marks {
		if lag(m.ends, w.committed) > 0 {
			open = append(open, m)
			continue
		}
		m.took = now.Sub(m.from)
		close(m.done)
	}
	w.marks = open
}

// lag is how many records up to ends are not committed.
func lag(ends, committed map[int32]int64) (n int64) {
	for p, end := range ends {
		n += max(0, end-max(0, committed[p]))
	}
	return n
}

// underWay tells whether records are on their way through driftline.
func (w *watch) underWay() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending && lag(w.truth.end(), w.committed) > 0
}

// mark starts to wait until everything acknowledged up to now is committed.
func (w *watch) mark(what kind, at time.Duration) *mark {
	m := &mark{what: what, at: at, ends: w.truth.end(), from: time.Now(), done: make(chan struct{})}
	w.mu.Lock()
	w.marks = append(w.marks, m)
	w.mu.Unlock()
	return m
}

// drained waits until everything is committed and nothing is pending.
func (w *watch) drained(ctx context.Context) bool {
	for {
		w.mu.Lock()
		done := len(w.committed) > 0 && !w.pending && lag(w.truth.end(), w.committed) == 0
		w.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// String tells what is open, for a run that does not end.
func (w *watch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("produced up to %v, committed %v, an intent pending: %v", w.truth.end(), w.committed, w.pending)
}
