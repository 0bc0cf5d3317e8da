package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// tally is what a part has done and found.
type tally struct {
	by       map[kind]*score
	exits    []string // of driftline by itself
	starts   int      // of driftline
	took     time.Duration
	drained  time.Duration
	books    []entry
	rows     []string // that are not stored once
	problems []string // that fail the run
	notes    []string
}

// score of one kind of fault.
type score struct {
	injected, underWay, unmet int
	marks                     []*mark
}

func newTally() *tally { return &tally{by: map[kind]*score{}} }

func (t *tally) of(k kind) *score {
	s := t.by[k]
	if s == nil {
		s = &score{}
		t.by[k] = s
	}
	return s
}

func (t *tally) add(underWay bool, m *mark) {
	s := t.of(m.what)
	s.injected++
	if underWay {
		s.underWay++
	}
	s.marks = append(s.marks, m)
}

func (t *tally) missed(k kind) { t.of(k).unmet++ }

func (t *tally) injected() (n int) {
	for _, s := range t.by {
		n += s.injected
	}
	return n
}

func (t *tally) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *tally) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// recoveries gives the median and the worst.
func recoveries(marks []*mark) (median, worst time.Duration) {
	all := slowest(marks, len(marks))
	if len(all) == 0 {
		return 0, 0
	}
	return all[len(all)/2].took, all[0].took
}

// slowest are the marks that were reached last.
func slowest(marks []*mark, n int) []*mark {
	reached := slices.DeleteFunc(slices.Clone(marks), func(m *mark) bool {
		select {
		case <-m.done:
			return false
		default:
			return true
		}
	})
	slices.SortFunc(reached, func(a, b *mark) int { return cmp.Compare(b.took, a.took) })
	return reached[:min(n, len(reached))]
}

// print writes the tables.
func (t *tally) print(w io.Writer, kinds []weighted) {
	fmt.Fprintf(w, "%-48s %8s %9s %18s\n", "fault", "injected", "under way", "recovery med/worst")
	under, marks := 0, []*mark(nil)
	for _, k := range kinds {
		s := t.of(k.kind)
		t.row(w, string(k.kind), s.injected, s.underWay, s.marks)
		under, marks = under+s.underWay, append(marks, s.marks...)
	}
	t.row(w, "all", t.injected(), under, marks)
	for _, m := range slowest(marks, 3) {
		fmt.Fprintf(w, "slow: %5.1fs after %q at %.1fs\n", m.took.Seconds(), m.what, m.at.Seconds())
	}
	fmt.Fprintf(w, "\ninjected in %s, drained in %s; driftline was started %d times, and ended %d times by itself\n",
		t.took.Round(time.Second), t.drained.Round(100*time.Millisecond), t.starts, len(t.exits))
	for _, line := range grouped(t.exits) {
		fmt.Fprintln(w, "  "+line)
	}
	t.printBooks(w)
	for _, n := range t.notes {
		fmt.Fprintln(w, n)
	}
	for _, p := range t.problems {
		fmt.Fprintln(w, "PROBLEM:", p)
	}
}

func (t *tally) row(w io.Writer, name string, injected, under int, marks []*mark) {
	median, worst := recoveries(marks)
	fmt.Fprintf(w, "%-48s %8d %9d %8.1fs %8.1fs\n", name, injected, under, median.Seconds(), worst.Seconds())
}

func (t *tally) printBooks(w io.Writer) {
	if len(t.books) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-48s %15s %15s\n", "books", "produced", "found")
	for _, e := range t.books {
		wrong := ""
		if e.want != e.got {
			wrong = fmt.Sprintf("  DIFFERS by %+d", e.got-e.want)
		}
		fmt.Fprintf(w, "%-48s %15d %15d%s\n", e.name, e.want, e.got, wrong)
	}
	for i, r := range t.rows {
		if i == 20 {
			fmt.Fprintf(w, "  and %d more\n", len(t.rows)-i)
			break
		}
		fmt.Fprintln(w, "  "+r)
	}
}

// exact tells what is wrong with the part; nil when everything is right.
func (t *tally) exact(wanted int) error {
	var wrong []string
	n, under := t.injected(), 0
	for _, s := range t.by {
		under += s.underWay
	}
	if n < wanted {
		wrong = append(wrong, fmt.Sprintf("%d faults injected instead of %d", n, wanted))
	}
	if under < n/2 {
		wrong = append(wrong, fmt.Sprintf("%d of %d faults met an idle driftline, which proves nothing", n-under, n))
	}
	for _, e := range differences(t.books) {
		wrong = append(wrong, fmt.Sprintf("%s: %d instead of %d", e.name, e.got, e.want))
	}
	wrong = append(wrong, t.problems...)
	if len(t.books) == 0 {
		wrong = append(wrong, "no books")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return nil
}

var numbers = regexp.MustCompile(`[0-9]+`)

// grouped counts messages that differ in their numbers only.
func grouped(lines []string) (out []string) {
	count, first := map[string]int{}, []string(nil)
	for _, l := range lines {
		l = numbers.ReplaceAllString(l, "N")
		if count[l]++; count[l] == 1 {
			first = append(first, l)
		}
	}
	slices.Sort(first)
	for _, l := range first {
		out = append(out, fmt.Sprintf("%4d × %.240s", count[l], l))
	}
	return out
}
