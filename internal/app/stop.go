package app

import (
	"slices"
	"sync"
	"time"
)

// cutGrace is how long teardown may go on after the work in hand was cut off:
// leaving groups and closing files is quick, unless something hangs.
const cutGrace = 5 * time.Second

// teardown is a part of Stop, with a name to log when it hangs.
type teardown struct {
	what string
	do   func()
}

func (a *App) onStop(what string, do func()) { a.stop = append(a.stop, teardown{what, do}) }

// Stop ends everything under one deadline. All consumers finish and commit what
// they have in hand at the same time; then the rest closes in reverse order of
// its start, engines last. What is still in hand at the deadline is cut off: its
// range stays pending in the group's metadata, and the next owner repeats it.
func (a *App) Stop() {
	for _, drain := range a.drain {
		drain()
	}
	var at progress
	deadline := time.AfterFunc(a.cfg.ShutdownTimeout, func() {
		a.log.Warn("shutdown_timeout has passed: what is in hand is cut off", "timeout", a.cfg.ShutdownTimeout, "waiting_for", at.get())
		close(a.cut)
	})
	defer deadline.Stop()
	done, all := make(chan struct{}), a.stop
	go func() {
		defer close(done)
		for _, t := range slices.Backward(all) {
			at.set(t.what)
			t.do()
		}
	}()
	select {
	case <-done:
	case <-a.cut:
		select {
		case <-done:
		case <-time.After(cutGrace):
			a.log.Error("the shutdown hangs and goes on without", "waiting_for", at.get())
		}
	}
	a.drain, a.stop = nil, nil
	a.cancel(nil)
}

// progress is what Stop is waiting for.
type progress struct {
	sync.Mutex // guards what
	what       string
}

func (p *progress) set(what string) {
	p.Lock()
	defer p.Unlock()
	p.what = what
}

func (p *progress) get() string {
	p.Lock()
	defer p.Unlock()
	return p.what
}
