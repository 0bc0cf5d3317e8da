// Package audit keeps who did what to what, so that nobody can change it
// afterwards without being found out.
//
// Entries of one writer are a chain: each holds the hash of the one before. A
// chain begins with an entry that names the heads of all chains that are there,
// so that chains which ended earlier cannot be cut short either. What nobody
// can find out alone is that the newest entries of the newest chains are
// missing: keep a head elsewhere (the log of the service prints it, exports end
// with it) and give it to Verify.
package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Store is where entries are kept. They are durable when PutAudit returns.
type Store interface {
	PutAudit(ctx context.Context, entries ...schemas.AuditEntry) error
	AuditHeads(ctx context.Context) ([]schemas.AuditEntry, error)
}

// System is the actor of what nobody in particular did.
const System = "driftline"

// Begin is the action of a chain's first entry.
const Begin = "audit.begin"

// Log writes one chain. It may be used by several goroutines at once.
type Log struct {
	store Store
	now   func() time.Time

	mu   sync.Mutex
	last schemas.AuditEntry // Seq 0: the chain has not begun
}

// New makes a Log. Its chain begins with its first entry.
func New(store Store) *Log { return &Log{store: store, now: time.Now} }

// Entry is what is to be written.
type Entry struct {
	Tenant string // empty: all
	Actor  string // empty: System
	Action string // such as incident.acknowledge
	Object string // such as incident/inc-0123
	Detail any    // as JSON; no secrets
}

// Write appends an entry, and returns when it is durable. After an error the
// entry may be there; writing goes on behind it.
func (l *Log) Write(ctx context.Context, e Entry) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("write audit of %s: %w", e.Action, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var entries []schemas.AuditEntry
	last := l.last
	if last.Seq == 0 {
		if last, err = l.begin(ctx); err != nil {
			return fmt.Errorf("begin audit: %w", err)
		}
		entries = append(entries, last)
	}
	next := schemas.AuditEntry{
		Chain: last.Chain, Seq: last.Seq + 1, Time: l.now().UTC().Truncate(time.Millisecond), Tenant: e.Tenant, Actor: e.Actor,
		Action: e.Action, Object: e.Object, Detail: string(detail), Previous: last.Hash,
	}
	if next.Actor == "" {
		next.Actor = System
	}
	next.Hash = Hash(&next)
	if err := l.store.PutAudit(ctx, append(entries, next)...); err != nil {
		l.last = schemas.AuditEntry{} // what became of it is unknown: the next entry begins a chain that names it, if it is there
		return fmt.Errorf("write audit of %s: %w", e.Action, err)
	}
	l.last = next
	return nil
}

// Head is the last entry written; its Seq is 0 when there is none.
func (l *Log) Head() schemas.AuditEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *Log) begin(ctx context.Context) (schemas.AuditEntry, error) {
	heads, err := l.store.AuditHeads(ctx)
	if err != nil {
		return schemas.AuditEntry{}, err
	}
	named := map[string]string{}
	for i := range heads {
		named[heads[i].Chain] = heads[i].Hash
	}
	detail, err := json.Marshal(map[string]any{"heads": named})
	if err != nil {
		return schemas.AuditEntry{}, err
	}
	e := schemas.AuditEntry{
		Chain: "aud-" + strings.ToLower(rand.Text()[:16]), Seq: 1, Time: l.now().UTC().Truncate(time.Millisecond), Actor: System, Action: Begin, Detail: string(detail),
	}
	e.Object, e.Hash = "audit/"+e.Chain, ""
	e.Hash = Hash(&e)
	return e, nil
}

// Hash of an entry: SHA-256, in hexadecimal, of the JSON array of its fields in
// their order, without the hash itself.
func Hash(e *schemas.AuditEntry) string {
	text, err := json.Marshal([]any{e.Chain, e.Seq, e.Time.UTC().UnixMilli(), e.Tenant, e.Actor, e.Action, e.Object, e.Detail, e.Previous})
	if err != nil { // strings and numbers always marshal
		panic("audit: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
