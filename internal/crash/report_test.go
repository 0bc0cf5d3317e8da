package main

import (
	"strings"
	"testing"
	"time"
)

// aTally of four faults, all under way, whose books balance.
func aTally() *tally {
	t := newTally()
	for i := range 4 {
		m := &mark{what: killStore, took: time.Duration(i+1) * time.Second, done: make(chan struct{})}
		close(m.done)
		t.add(true, m)
	}
	t.books = []entry{{"rows", 5, 5}}
	return t
}

func TestWhatFailsARun(t *testing.T) {
	if err := aTally().exact(4); err != nil {
		t.Error("nothing is wrong: ", err)
	}
	for want, spoil := range map[string]func(*tally){
		"rows: 4 instead of 5":        func(t *tally) { t.books[0].got = 4 },
		"rows: 6 instead of 5":        func(t *tally) { t.books[0].got = 6 },
		"no books":                    func(t *tally) { t.books = nil },
		"3 faults injected instead":   func(t *tally) { t.of(killStore).injected = 3 },
		"met an idle driftline":       func(t *tally) { t.of(killStore).underWay = 1 },
		"instance-1 does not stop so": func(t *tally) { t.problem("instance-1 does not stop so") },
	} {
		bad := aTally()
		spoil(bad)
		if err := bad.exact(4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestReportShowsRecoveriesAndDifferences(t *testing.T) {
	tally := aTally()
	tally.books[0].got = 7
	open := &mark{what: killStore, done: make(chan struct{})} // never reached
	tally.add(false, open)
	var out strings.Builder
	tally.print(&out, []weighted{{killStore, 1}})
	for _, want := range []string{"        5         4      2.0s      4.0s", "DIFFERS by +2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
