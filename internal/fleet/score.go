package fleet

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/driftline/driftline/loadtest/scenario"
	"github.com/driftline/driftline/loadtest/world"
)

// Score is what many plays come to.
type Score struct {
	Plays []*Result `json:"plays"`
}

// line is one scenario over all seeds.
type line struct {
	scenario                     string
	plays, found, right, advised int
	noise                        bool
	delays                       []float64
	incidents, falseAlarms       int
	named                        map[string]int
}

func (s *Score) lines() (out []*line) {
	at := map[string]*line{}
	for _, r := range s.Plays {
		l := at[r.Scenario]
		if l == nil {
			l = &line{scenario: r.Scenario, noise: true, named: map[string]int{}}
			at[r.Scenario], out = l, append(out, l)
		}
		l.plays++
		l.falseAlarms += len(r.FalseAlarms)
		for _, v := range r.Faults {
			l.noise = false
			if v.Found {
				l.found++
				l.delays = append(l.delays, v.DelaySeconds)
				l.incidents += len(v.Incidents)
			}
			if v.CauseRight {
				l.right++
			} else {
				l.named[cmp.Or(v.Named, "nothing")]++
			}
			if v.AdviceRight {
				l.advised++
			}
		}
	}
	slices.SortFunc(out, func(a, b *line) int { return strings.Compare(a.scenario, b.scenario) })
	return out
}

func (l *line) delay() string {
	if len(l.delays) == 0 {
		return "-"
	}
	slices.Sort(l.delays)
	return fmt.Sprintf("%.0f min", l.delays[len(l.delays)/2]/60)
}

// otherwise are the wrong causes that were named, the most frequent first.
func (l *line) otherwise() string {
	var names []string
	for n := range l.named {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(l.named[b]-l.named[a], strings.Compare(a, b)) })
	for i, n := range names {
		names[i] = fmt.Sprintf("%s ×%d", n, l.named[n])
	}
	return strings.Join(names, ", ")
}

func (l *line) cells() []string {
	if l.noise {
		return []string{l.scenario, fmt.Sprint(l.plays), "noise", "-", "-", "-", "-", fmt.Sprint(l.falseAlarms), ""}
	}
	of := func(n int) string { return fmt.Sprintf("%d of %d", n, l.plays) }
	per := "-"
	if l.found > 0 {
		per = fmt.Sprintf("%.1f", float64(l.incidents)/float64(l.found))
	}
	return []string{l.scenario, fmt.Sprint(l.plays), of(l.found), l.delay(), of(l.right), of(l.advised), per, fmt.Sprint(l.falseAlarms), l.otherwise()}
}

var header = []string{"SCENARIO", "PLAYS", "FOUND", "AFTER", "CAUSE", "RETRAIN", "INCIDENTS", "FALSE", "NAMED INSTEAD"}

// Totals over all plays.
type Totals struct {
	Faults, Found, CauseRight, AdviceRight int
	Retrained                              int // faults that training does not mend, and for which it was advised
	Withheld                               int // faults that it mends, and for which it was not
	Plays, Noise, FalseAlarms              int
	NoiseFalse                             int // in plays in which nothing goes wrong
}

// Totals of the score.
func (s *Score) Totals() (t Totals) {
	for _, r := range s.Plays {
		t.Plays++
		t.FalseAlarms += len(r.FalseAlarms)
		if len(r.Faults) == 0 {
			t.Noise++
			t.NoiseFalse += len(r.FalseAlarms)
		}
		for _, v := range r.Faults {
			t.Faults++
			add(&t.Found, v.Found)
			add(&t.CauseRight, v.CauseRight)
			add(&t.AdviceRight, v.AdviceRight)
			mends := world.KindOf(v.Kind).Retrain
			add(&t.Retrained, v.Advised && !mends)
			add(&t.Withheld, !v.Advised && mends)
		}
	}
	return t
}

func add(n *int, yes bool) {
	if yes {
		*n++
	}
}

func (t *Totals) text() string {
	share := func(n, of int) string { return fmt.Sprintf("%d of %d (%.2f)", n, of, float64(n)/float64(max(of, 1))) }
	return fmt.Sprintf("%s faults found, cause named right in %s, advice about training right in %s; training advised for %d that it does not mend, withheld from %d that it mends; %d false alarms in %d plays, %d of them in %d plays of noise.",
		share(t.Found, t.Faults), share(t.CauseRight, t.Faults), share(t.AdviceRight, t.Faults), t.Retrained, t.Withheld, t.FalseAlarms, t.Plays, t.NoiseFalse, t.Noise)
}

// WriteText is the score for people.
func (s *Score) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, l := range s.lines() {
		fmt.Fprintln(t, strings.Join(l.cells(), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	totals := s.Totals()
	fmt.Fprintf(w, "\n%s\n", totals.text())
	for _, r := range s.Plays {
		for _, f := range r.FalseAlarms {
			fmt.Fprintf(w, "false alarm in %s, seed %d: %s\n", r.Scenario, r.Seed, f.Title)
		}
	}
	return nil
}

// WriteMarkdown is the score for the manual.
func (s *Score) WriteMarkdown(w io.Writer) error {
	fmt.Fprintf(w, "| %s |\n|---|%s\n", strings.Join(header, " | "), strings.Repeat("---|", len(header)-1))
	for _, l := range s.lines() {
		fmt.Fprintf(w, "| %s |\n", strings.Join(l.cells(), " | "))
	}
	totals := s.Totals()
	fmt.Fprintf(w, "\n%s\n\n| scenario | what happens |\n|---|---|\n", totals.text())
	for _, l := range s.lines() {
		if one, err := scenario.Open(l.scenario); err == nil {
			fmt.Fprintf(w, "| %s | %s |\n", l.scenario, one.About)
		}
	}
	return nil
}

// Has tells whether a play is among those of the score.
func (s *Score) Has(scenario string, seed uint64) bool {
	return slices.ContainsFunc(s.Plays, func(r *Result) bool { return r.Scenario == scenario && r.Seed == seed })
}

// Line is a play in one line.
func (r *Result) Line() string {
	var parts []string
	for _, v := range r.Faults {
		switch {
		case !v.Found:
			parts = append(parts, "missed")
		case v.CauseRight:
			parts = append(parts, fmt.Sprintf("found after %.0f min, caused by %s (%.0f %%)", v.DelaySeconds/60, v.Named, 100*v.Confidence))
		default:
			parts = append(parts, fmt.Sprintf("found after %.0f min, WRONG cause %s (%.0f %%)", v.DelaySeconds/60, cmp.Or(v.Named, "nothing"), 100*v.Confidence))
		}
		if !v.AdviceRight {
			parts = append(parts, "WRONG advice about training")
		}
	}
	parts = append(parts, fmt.Sprintf("%d incidents, %d false, %.0f s", r.Incidents, len(r.FalseAlarms), r.WallSeconds))
	return strings.Join(parts, "; ")
}
