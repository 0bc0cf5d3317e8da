package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// sort of traffic that a trap waits for, and what it does.
type sort int

const (
	dropInsertAnswer  sort = iota // of an insert that the store has applied; then the connection is cut
	holdInsertAnswer              // of an insert that the store has applied, until the client gives up
	holdInsertBlock               // until the client has given up; then the store gets it
	dropCommitAnswer              // of a commit that the broker has applied; then the connection is cut
	dropProduceAnswer             // of a produce request that the broker has applied; then the connection is cut
)

// trap waits for traffic of a sort, once, and does something to it.
type trap struct {
	what   sort
	sprung chan struct{} // closed when it has taken effect
}

// traps that are set. It is safe for concurrent use.
type traps struct {
	mu  sync.Mutex
	set []*trap
}

// take claims the first trap of a sort; nil when none is set.
func (ts *traps) take(what ...sort) *trap {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	i := slices.IndexFunc(ts.set, func(t *trap) bool { return slices.Contains(what, t.what) })
	if i < 0 {
		return nil
	}
	t := ts.set[i]
	ts.set = slices.Delete(ts.set, i, i+1)
	return t
}

// spring sets a trap and waits until it has taken effect. It tells whether
// traffic of the sort came within patience.
func (ts *traps) spring(ctx context.Context, what sort, patience time.Duration) bool {
	t := &trap{what: what, sprung: make(chan struct{})}
	ts.mu.Lock()
	ts.set = append(ts.set, t)
	ts.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-t.sprung:
		return true
	case <-ctx.Done():
	}
	if ts.remove(t) {
		return false
	}
	<-t.sprung // it was claimed, so its effect is under way
	return true
}

func (ts *traps) remove(t *trap) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	i := slices.Index(ts.set, t)
	if i < 0 {
		return false
	}
	ts.set = slices.Delete(ts.set, i, i+1)
	return true
}
