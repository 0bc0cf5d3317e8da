package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// Finding is something that is wrong with the audit.
type Finding struct {
	Chain string `json:"chain"`
	Seq   uint64 `json:"seq"` // of the entry that is wrong, or behind what is missing
	What  string `json:"what"`
}

// Report is what Verify found.
type Report struct {
	Chains   int       `json:"chains"`
	Entries  int       `json:"entries"`
	Findings []Finding `json:"findings"` // empty when all is as it was written
}

// Verify holds a whole audit against its hashes: every entry is as it was
// written, none is missing between others, none is there that was not written
// by its chain, and no chain ends before the head that a later one names. Heads
// are hashes kept elsewhere; each must be there.
func Verify(entries []schemas.AuditEntry, heads ...string) Report {
	r := Report{Findings: []Finding{}}
	chains, hashes := map[string][]schemas.AuditEntry{}, map[string]bool{}
	var order []string
	for _, e := range entries {
		if chains[e.Chain] == nil {
			order = append(order, e.Chain)
		}
		chains[e.Chain] = append(chains[e.Chain], e)
		hashes[e.Hash] = true
	}
	slices.Sort(order)
	r.Chains, r.Entries = len(order), len(entries)
	for _, name := range order {
		r.chain(chains[name])
	}
	for _, name := range order {
		r.named(chains[name][0], hashes)
	}
	for _, h := range heads {
		if !hashes[strings.ToLower(strings.TrimSpace(h))] {
			r.Findings = append(r.Findings, Finding{What: "the entry with the hash " + h + ", which was kept elsewhere, is not there: the audit was cut short or altered"})
		}
	}
	return r
}

// chain checks the entries of one.
func (r *Report) chain(of []schemas.AuditEntry) {
	slices.SortStableFunc(of, func(a, b schemas.AuditEntry) int {
		if a.Seq < b.Seq {
			return -1
		} else if a.Seq > b.Seq {
			return 1
		}
		return strings.Compare(a.Hash, b.Hash)
	})
	var before schemas.AuditEntry
	for i := range of {
		e := &of[i]
		wrong := func(format string, args ...any) {
			r.Findings = append(r.Findings, Finding{e.Chain, e.Seq, fmt.Sprintf(format, args...)})
		}
		switch {
		case e.Seq == before.Seq:
			wrong("there are two entries %d: one was added", e.Seq)
		case e.Seq != before.Seq+1:
			wrong("entries %d to %d are missing", before.Seq+1, e.Seq-1)
		case e.Previous != before.Hash:
			wrong("it follows another entry than the one before it: that was replaced")
		}
		if Hash(e) != e.Hash {
			wrong("%s of %s by %s was altered: its hash is another one", e.Action, e.Object, e.Actor)
		}
		if (e.Seq == 1) != (e.Action == Begin) {
			wrong("a chain begins with %s, and nothing else does", Begin)
		}
		before = *e
	}
}

// named checks that the heads which a chain's first entry names are there.
func (r *Report) named(first schemas.AuditEntry, hashes map[string]bool) {
	var d struct{ Heads map[string]string }
	if first.Action != Begin || json.Unmarshal([]byte(first.Detail), &d) != nil {
		return // found already
	}
	for chain, head := range d.Heads {
		if !hashes[head] {
			r.Findings = append(r.Findings, Finding{chain, 0, fmt.Sprintf("chain %s saw it end with %s, which is not there: it was cut short or altered", first.Chain, head)})
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return strings.Compare(a.Chain, b.Chain) })
}
