package main

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// Codes of packets of ClickHouse's native protocol, as first bytes.
const (
	packetCancel       = 3
	packetData         = 1
	packetException    = 2
	packetEndOfStream  = 5
	packetTableColumns = 11
)

// isInsert tells whether a client's piece asks for an insert of events or of
// what is summed up of them.
func isInsert(piece []byte) bool {
	_, query, ok := bytes.Cut(piece, []byte("INSERT INTO"))
	for _, table := range []string{"inference_events", "feature_states"} {
		if ok && bytes.Contains(query, []byte(table)) {
			return true
		}
	}
	return false
}

// storeLink watches the inserts of one connection. The protocol is strictly
// request and answer, and both ends flush whole packets, so that the first
// byte of a piece tells what it is.
type storeLink struct {
	*link
	sp        *storeProxy
	gone      chan struct{} // closed when the client is
	mu        sync.Mutex
	inserting bool // a query was sent, its answer has not come
	held      *trap
	block     []byte // of a held insert
}

// storeProxy stands in front of the store. It understands enough of the native protocol to tell an insert's
// answer from the rest.
type storeProxy struct {
	*proxy
	traps    traps
	refusals atomic.Int64 // inserts answered with an exception
}

func newStoreProxy(target string) (*storeProxy, error) {
	sp := &storeProxy{}
	var err error
	sp.proxy, err = newProxy(target, func(l *link) {
		s := &storeLink{link: l, sp: sp, gone: make(chan struct{})}
		var wg sync.WaitGroup
		wg.Go(s.down)
		s.up()
		close(s.gone)
		if s.held != nil {
			s.deliver()
		}
		_ = s.server.Close()
		wg.Wait()
	})
	return sp, err
}

// up passes what the client sends until it closes.
func (s *storeLink) up() {
	buf := make([]byte, 256<<10)
	for {
		n, err := s.client.Read(buf)
		if n > 0 {
			if err := s.pass(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass hands one piece to the store, or keeps it back when a trap holds blocks.
func (s *storeLink) pass(piece []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		s.block = append(s.block, piece...)
		return nil
	}
	if isInsert(piece) {
		s.inserting = true
		if t := s.sp.traps.take(holdInsertBlock); t != nil {
			s.held = t // from the next piece on: the block
		}
	}
	_, err := s.server.Write(piece)
	return err
}

// deliver sends the held block after all, without the client's wish to cancel
// it, and waits until the store has done with it.
func (s *storeLink) deliver() {
	defer close(s.held.sprung)
	block := bytes.TrimSuffix(s.block, []byte{packetCancel})
	_ = s.server.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := s.server.Write(block); err != nil {
		return
	}
	s.mu.Lock()
	s.inserting = len(block) > 0
	s.mu.Unlock()
	for s.isInserting() {
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *storeLink) isInserting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inserting
}

// down passes what the store sends until it closes.
func (s *storeLink) down() {
	defer func() {
		s.mu.Lock()
		s.inserting = false
		s.mu.Unlock()
		s.end()
	}()
	buf := make([]byte, 256<<10)
	for {
		n, err := s.server.Read(buf)
		if n > 0 && !s.answer(buf[:n]) {
			return
		}
		if err != nil {
			return
		}
	}
}

// answer passes one piece of the store's, or lets a trap have it. It tells
// whether the connection goes on.
func (s *storeLink) answer(piece []byte) bool {
	s.mu.Lock()
	isAnswer := s.inserting && piece[0] != packetTableColumns && piece[0] != packetData
	if isAnswer {
		s.inserting = false
	}
	s.mu.Unlock()
	if isAnswer && piece[0] == packetException {
		s.sp.refusals.Add(1)
	} else if isAnswer {
		if t := s.sp.traps.take(dropInsertAnswer, holdInsertAnswer); t != nil {
			s.keep(t, piece)
			return false
		}
	}
	_, err := s.client.Write(piece)
	select {
	case <-s.gone: // a delivered block's answer has nobody to go to
		return true
	default:
		return err == nil
	}
}

// keep waits for the end of the answer, so that the insert is applied for
// sure, and never passes it.
func (s *storeLink) keep(t *trap, piece []byte) {
	defer close(t.sprung)
	for piece[len(piece)-1] != packetEndOfStream {
		buf := make([]byte, 64<<10)
		n, err := s.server.Read(buf)
		if n > 0 {
			piece = buf[:n]
		}
		if err != nil {
			return
		}
	}
	if t.what == holdInsertAnswer {
		<-s.gone
	}
}
