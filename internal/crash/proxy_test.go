package main

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// insertServer answers as the store does: columns to a query, and the end of
// the stream to a block, or an exception.
type insertServer struct {
	ln      net.Listener
	applied atomic.Int64
	refuse  atomic.Bool
}

func newInsertServer(t *testing.T) *insertServer {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s := &insertServer{ln: ln}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *insertServer) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	buf := make([]byte, 1024)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		answer := []byte{packetTableColumns, 0}
		if bytes.HasPrefix(buf[:n], []byte("block")) {
			if s.refuse.Load() {
				answer = []byte{packetException, 0}
			} else {
				s.applied.Add(1)
				answer = []byte{3, 0, packetEndOfStream}
			}
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// insert sends a query and a block, and gives the answer to the block.
func insert(t *testing.T, p *storeProxy, patience time.Duration) ([]byte, error) {
	t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err != nil { // a connection that is reset at once may fail here already
		return nil, err
	}
	defer func() { _ = c.Close() }()
	check(t, c.SetDeadline(time.Now().Add(patience)))
	var answer []byte
	for _, piece := range []string{"INSERT INTO \"inference_events\" (a) VALUES", "block"} {
		if _, err = c.Write([]byte(piece)); err != nil {
			return nil, err
		}
		buf := make([]byte, 64)
		n, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		answer = buf[:n]
	}
	return answer, nil
}

func storeProxyFor(t *testing.T, s *insertServer) *storeProxy {
	t.Helper()
	p, err := newStoreProxy(s.ln.Addr().String())
	check(t, err)
	t.Cleanup(p.close)
	return p
}

// set sets a trap and tells on the channel whether it has sprung.
func set(t *testing.T, ts *traps, what sort) <-chan bool {
	t.Helper()
	sprung := make(chan bool, 1)
	go func() { sprung <- ts.spring(t.Context(), what, 5*time.Second) }()
	until(t, "the trap is set", func() bool {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		return len(ts.set) > 0
	})
	return sprung
}

func TestInsertsPass(t *testing.T) {
	s := newInsertServer(t)
	p := storeProxyFor(t, s)
	if got, err := insert(t, p, time.Second); err != nil || got[len(got)-1] != packetEndOfStream || s.applied.Load() != 1 {
		t.Errorf("answer %v, %v; applied %d", got, err, s.applied.Load())
	}
}

func TestAnAnswerIsLostAfterTheInsertIsApplied(t *testing.T) {
	s := newInsertServer(t)
	p := storeProxyFor(t, s)
	sprung := set(t, &p.traps, dropInsertAnswer)
	if got, err := insert(t, p, time.Second); err == nil {
		t.Errorf("the client got %v", got)
	}
	if !<-sprung || s.applied.Load() != 1 {
		t.Errorf("applied %d times, want once", s.applied.Load())
	}
	if _, err := insert(t, p, time.Second); err != nil || s.applied.Load() != 2 {
		t.Errorf("the next insert: %v", err)
	}
}

func TestAnAnswerIsHeldUntilTheClientGivesUp(t *testing.T) {
	s := newInsertServer(t)
	p := storeProxyFor(t, s)
	sprung := set(t, &p.traps, holdInsertAnswer)
	start := time.Now()
	if got, err := insert(t, p, 200*time.Millisecond); err == nil || time.Since(start) < 200*time.Millisecond {
		t.Errorf("the client got %v after %s", got, time.Since(start))
	}
	if !<-sprung || s.applied.Load() != 1 {
		t.Errorf("applied %d times, want once", s.applied.Load())
	}
}

func TestABlockIsAppliedAfterTheClientHasGone(t *testing.T) {
	s := newInsertServer(t)
	p := storeProxyFor(t, s)
	sprung := set(t, &p.traps, holdInsertBlock)
	if got, err := insert(t, p, 200*time.Millisecond); err == nil {
		t.Errorf("the client got %v", got)
	}
	if !<-sprung || s.applied.Load() != 1 {
		t.Errorf("applied %d times, want once", s.applied.Load())
	}
}

func TestARefusedInsertSpringsNoTrap(t *testing.T) {
	s := newInsertServer(t)
	p := storeProxyFor(t, s)
	sprung := set(t, &p.traps, dropInsertAnswer)
	s.refuse.Store(true)
	if got, err := insert(t, p, time.Second); err != nil || got[0] != packetException || p.refusals.Load() != 1 {
		t.Errorf("answer %v, %v; %d refusals", got, err, p.refusals.Load())
	}
	s.refuse.Store(false)
	if _, err := insert(t, p, time.Second); err == nil || !<-sprung {
		t.Error("the trap did not wait for an insert that is applied")
	}
}

func TestATrapThatMeetsNothingIsTakenAway(t *testing.T) {
	var ts traps
	if ts.spring(t.Context(), dropInsertAnswer, time.Millisecond) || ts.take(dropInsertAnswer) != nil {
		t.Error("it has sprung, or is still there")
	}
}

func TestRefusingAndCutting(t *testing.T) {
	s := newInsertServer(t)
	p := storeProxyFor(t, s)
	open, err := net.Dial("tcp", p.addr())
	check(t, err)
	until(t, "the connection is passed on", func() bool {
		p.state.Lock()
		defer p.state.Unlock()
		return len(p.state.links) == 1
	})
	p.refuse()
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("the open connection was not cut")
	}
	if _, err := insert(t, p, time.Second); err == nil {
		t.Error("a new connection was taken")
	}
	p.allow()
	if _, err := insert(t, p, time.Second); err != nil {
		t.Error(err)
	}
}
