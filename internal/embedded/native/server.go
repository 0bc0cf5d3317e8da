// Package native serves the embedded ClickHouse engine over ClickHouse's own
// TCP protocol, so that clickhouse-go, ch-go and clickhouse-client talk to it
// unchanged.
//
// Life of a connection: hello and one engine session (session.go), then
// packets until the client leaves. A Query packet (query.go) sets the session
// settings, and its statement is routed by its first words: rows that come as
// blocks (insert.go), a SELECT whose chunks are passed on (select.go), or
// anything else (statement.go). Meanwhile the socket is watched for a Cancel
// (watch.go). Values are never decoded: package wire finds where each column
// ends and adds or drops the few bytes in which the engine and the protocol
// differ.
//
// Not served: JSON, Dynamic, Variant and AggregateFunction columns, external
// tables, totals and extremes, server logs and profile events.
package native

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/sqltext"
)

// Revision is the protocol revision we announce: the newest that ch-go v0.74
// and clickhouse-go v2.50 speak. Newer clients step down to it; below 54459
// they could not send query parameters.
const Revision = 54460

// Config of a Server.
type Config struct {
	// Path is the storage directory. The library must be loaded already.
	Path string
	// Args are engine arguments, such as --max_server_memory_usage=1000.
	Args []string
	// Settings hold for every statement that does not set them itself.
	Settings map[string]string
	// MaxConnections refuses clients beyond it; 0 means no limit.
	MaxConnections int
	// Auth checks a client's hello; nil lets everybody in.
	Auth func(user, password, database string) error
	// Log gets what happens to connections; nil discards it.
	Log *slog.Logger
}

// Server owns the engine and the client connections.
type Server struct {
	cfg     Config
	version [3]int
	zone    string
	log     *slog.Logger
	seq     atomic.Uint64 // names sessions
	// schema counts statements that may have changed a table: what a session
	// remembers of a table holds while it stands still.
	schema  atomic.Uint64
	metrics metrics
	wg      sync.WaitGroup // one per connection

	control struct { // serves KILL QUERY; never held while a client's statement runs
		sync.Mutex
		conn *libchdb.Conn
	}
	clients struct { // guards the sets, never held during I/O
		sync.Mutex
		closed    bool
		conns     map[net.Conn]struct{}
		admitted  int
		listeners map[net.Listener]struct{}
	}
}

// New boots the engine at cfg.Path.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctl, err := libchdb.Open(cfg.Path, cfg.Args...)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Log}
	s.control.conn = ctl
	s.clients.conns = map[net.Conn]struct{}{}
	s.clients.listeners = map[net.Listener]struct{}{}
	if err := s.identify(); err != nil {
		ctl.Close()
		return nil, err
	}
	return s, nil
}

// identify asks the engine for what the hello announces.
func (s *Server) identify() error {
	out, err := s.control.conn.Exec("SELECT version(), timezone()")
	if err != nil {
		return fmt.Errorf("ask the engine for its version: %w", err)
	}
	version, zone, _ := strings.Cut(out, "\t")
	s.zone = zone
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &s.version[0], &s.version[1], &s.version[2]); err != nil {
		return fmt.Errorf("read the engine version %q: %w", version, err)
	}
	return nil
}

// Timezone is the engine's time zone, which clients are told in the hello.
func (s *Server) Timezone() string { return s.zone }

// Serve accepts connections until the listener fails or Close, which returns
// nil. It closes ln.
func (s *Server) Serve(ln net.Listener) error {
	defer func() { _ = ln.Close() }()
	if !s.addListener(ln) {
		return nil
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			if s.isClosed() {
				return nil
			}
			return err
		}
		admitted, ok := s.addConn(conn)
		if !ok {
			_ = conn.Close()
			return nil
		}
		go func() { // waited for by Close: addConn added it
			defer s.wg.Done()
			defer s.dropConn(conn, admitted)
			s.serveConn(conn, admitted)
		}()
	}
}

// serveConn runs one connection; a panic ends that one only.
func (s *Server) serveConn(conn net.Conn, admitted bool) {
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Add(1)
			s.log.Error("panic while serving a ClickHouse client", "peer", conn.RemoteAddr(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	x := newSession(s, conn)
	var err error
	if admitted {
		err = x.run()
	} else {
		err = x.refuseOverLimit()
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		s.log.Debug("ClickHouse client left", "peer", conn.RemoteAddr(), "err", err)
	}
}

// Close drops the clients, waits until their statements are stopped, and
// closes the engine.
func (s *Server) Close() {
	s.clients.Lock()
	already := s.clients.closed
	s.clients.closed = true
	for ln := range s.clients.listeners {
		_ = ln.Close()
	}
	for c := range s.clients.conns {
		_ = c.Close()
	}
	s.clients.Unlock()
	if already {
		return
	}
	s.wg.Wait()
	s.control.Lock()
	defer s.control.Unlock()
	s.control.conn.Close()
}

func (s *Server) addListener(ln net.Listener) bool {
	s.clients.Lock()
	defer s.clients.Unlock()
	if !s.clients.closed {
		s.clients.listeners[ln] = struct{}{}
	}
	return !s.clients.closed
}

func (s *Server) isClosed() bool {
	s.clients.Lock()
	defer s.clients.Unlock()
	return s.clients.closed
}

// addConn registers a connection; ok is false when the server is closed or
// too many clients wait to be refused. The wait group grows under the lock:
// Close may not start to wait in between.
func (s *Server) addConn(conn net.Conn) (admitted, ok bool) {
	s.clients.Lock()
	defer s.clients.Unlock()
	limit := s.cfg.MaxConnections
	admitted = limit <= 0 || s.clients.admitted < limit
	switch {
	case s.clients.closed:
		return false, false
	case admitted:
		s.clients.admitted++
		s.metrics.accepted.Add(1)
	default:
		s.metrics.refused.Add(1)
	}
	s.clients.conns[conn] = struct{}{}
	s.wg.Add(1)
	return admitted, true
}

func (s *Server) dropConn(conn net.Conn, admitted bool) {
	_ = conn.Close()
	s.clients.Lock()
	defer s.clients.Unlock()
	delete(s.clients.conns, conn)
	if admitted {
		s.clients.admitted--
	}
}

// openEngine makes an engine session in a database.
func (s *Server) openEngine(database string) (*libchdb.Conn, error) {
	e, err := libchdb.Open(s.cfg.Path)
	if err != nil {
		// Once somebody dropped the database "default", the engine refuses
		// every new session: make it again.
		if _, err := s.controlExec("CREATE DATABASE IF NOT EXISTS default"); err != nil {
			return nil, err
		}
		if e, err = libchdb.Open(s.cfg.Path); err != nil {
			return nil, err
		}
	}
	if database != "" && database != "default" {
		if _, err := e.Exec("USE " + sqltext.QuoteName(database)); err != nil {
			e.Close()
			return nil, err
		}
	}
	return e, nil
}

func (s *Server) controlExec(sql string) (string, error) {
	s.control.Lock()
	defer s.control.Unlock()
	return s.control.conn.Exec(sql)
}
