package selfmetrics

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Every returns a logger that lets each call site through at most once per
// interval; the next line says how many were suppressed in between. Keep the
// logger: its memory of call sites is its own.
func Every(log *slog.Logger, interval time.Duration) *slog.Logger {
	return slog.New(&limited{log.Handler(), &sites{interval: interval, byPC: map[uintptr]*site{}}})
}

// limited is a handler that asks before it passes a record on.
type limited struct {
	slog.Handler
	sites *sites
}

// sites are the places in the code that have logged.
type sites struct {
	sync.Mutex // guards the fields below; never held while writing a record
	interval   time.Duration
	byPC       map[uintptr]*site
}

type site struct {
	last       time.Time
	suppressed int
}

// allow tells whether a record of a call site may pass, and how many before it did not.
func (s *sites) allow(pc uintptr, now time.Time) (suppressed int, ok bool) {
	s.Lock()
	defer s.Unlock()
	at, seen := s.byPC[pc]
	if !seen {
		s.byPC[pc] = &site{last: now}
		return 0, true
	}
	if now.Sub(at.last) < s.interval {
		at.suppressed++
		return 0, false
	}
	suppressed, at.suppressed, at.last = at.suppressed, 0, now
	return suppressed, true
}

// Handle passes the first record of a call site in each interval.
func (l *limited) Handle(ctx context.Context, r slog.Record) error {
	suppressed, ok := l.sites.allow(r.PC, r.Time)
	if !ok {
		return nil
	}
	if suppressed > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs shares the memory of call sites.
func (l *limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limited{l.Handler.WithAttrs(attrs), l.sites}
}

// WithGroup shares the memory of call sites.
func (l *limited) WithGroup(name string) slog.Handler {
	return &limited{l.Handler.WithGroup(name), l.sites}
}
