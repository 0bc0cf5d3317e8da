package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/schemas"
)

// shelf keeps entries in memory; it can be made to fail after it took them.
type shelf struct {
	entries []schemas.AuditEntry
	fail    error
}

func (s *shelf) PutAudit(_ context.Context, all ...schemas.AuditEntry) error {
	s.entries = append(s.entries, all...)
	return s.fail
}

func (s *shelf) AuditHeads(context.Context) (out []schemas.AuditEntry, err error) {
	last := map[string]schemas.AuditEntry{}
	for _, e := range s.entries {
		last[e.Chain] = e
	}
	for _, e := range last {
		out = append(out, e)
	}
	return out, nil
}

// three chains of four entries each, one after the other.
func three(t *testing.T) (*shelf, string) {
	t.Helper()
	s, head := &shelf{}, ""
	for c := range 3 {
		l := audit.New(s)
		for n := range 3 {
			if err := l.Write(t.Context(), audit.Entry{Tenant: "default", Actor: "ana", Action: "incident.comment", Object: fmt.Sprint("incident/inc-", c), Detail: map[string]int{"n": n}}); err != nil {
				t.Fatal(err)
			}
		}
		head = l.Head().Hash
	}
	return s, head
}

func TestWhatWasWrittenIsFound(t *testing.T) {
	s, head := three(t)
	if r := audit.Verify(s.entries, head); len(r.Findings) > 0 || r.Chains != 3 || r.Entries != 12 {
		t.Fatalf("%+v", r)
	}
	slices.Reverse(s.entries)
	if r := audit.Verify(s.entries, head); len(r.Findings) > 0 {
		t.Errorf("in another order: %+v", r.Findings)
	}
}

// Whatever is altered, left out or added, anywhere but at the end, is found;
// what is missing at the end is found by a head that was kept.
func TestEveryAlterationIsFound(t *testing.T) {
	s, head := three(t)
	for i := range s.entries {
		for field, change := range map[string]func(*schemas.AuditEntry){
			"time":     func(e *schemas.AuditEntry) { e.Time = e.Time.Add(1e6) },
			"tenant":   func(e *schemas.AuditEntry) { e.Tenant = "other" },
			"actor":    func(e *schemas.AuditEntry) { e.Actor = "bob" },
			"action":   func(e *schemas.AuditEntry) { e.Action += "d" },
			"object":   func(e *schemas.AuditEntry) { e.Object += "0" },
			"detail":   func(e *schemas.AuditEntry) { e.Detail = strings.Replace(e.Detail+" ", "}", " }", 1) },
			"previous": func(e *schemas.AuditEntry) { e.Previous = "" + strings.Repeat("0", 64) },
			"chain":    func(e *schemas.AuditEntry) { e.Chain = "aud-other" },
			"rehashed": func(e *schemas.AuditEntry) { e.Detail += " "; e.Hash = audit.Hash(e) },
		} {
			all := slices.Clone(s.entries)
			change(&all[i])
			if r := audit.Verify(all, head); len(r.Findings) == 0 {
				t.Errorf("entry %d, %s altered, and not found", i, field)
			}
		}
		if r := audit.Verify(slices.Delete(slices.Clone(s.entries), i, i+1), head); len(r.Findings) == 0 {
			t.Errorf("entry %d left out, and not found", i)
		}
		if r := audit.Verify(append(slices.Clone(s.entries), s.entries[i])); len(r.Findings) == 0 {
			t.Errorf("entry %d twice, and not found", i)
		}
	}
	for n := range 4 { // chains that ended before the last one began cannot be cut short either
		if r := audit.Verify(append(slices.Clone(s.entries[:4-n]), s.entries[4:]...)); n > 0 && len(r.Findings) == 0 {
			t.Errorf("the first chain cut by %d, and not found", n)
		}
	}
}

// After a write of which nobody knows what became, writing goes on, and what is
// there verifies.
func TestWritingGoesOnAfterAnError(t *testing.T) {
	s := &shelf{}
	l := audit.New(s)
	write := func() error { return l.Write(t.Context(), audit.Entry{Action: "config.load", Object: "config"}) }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	s.fail = errors.New("no answer")
	if err := write(); err == nil {
		t.Fatal("an error was passed over")
	}
	s.fail = nil
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if r := audit.Verify(s.entries, l.Head().Hash); len(r.Findings) > 0 || r.Chains != 2 {
		t.Errorf("%+v", r)
	}
}
