package budget

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// explanation of both tables, for people.
const (
	budgetText = `Declared: one false alarm a feature-month, in windows of an hour. RATE: windows in alarm a feature-month, with its standard error.
BUDGET: kept within a quarter of what is declared, below it, or exceeded. Each detector alone has that budget, or all four together;
the verdict is all four, and the score must reach the detector's threshold too. "Uncalibrated" takes rows for independent, at the same level. The rest are fixed thresholds on the same windows, with JS in base 2 over 20 quantile bins and σ of the history's windows.`
	powerText = `Windows of an hour, two weeks of history, a normal mean that moves at once. FOUND: share of windows in alarm after the change, at a budget of one
false alarm a feature-month. DELAY: mean windows from the change to the alarm, 1 when the first window after it alarms.
SEES: the smallest PSI that such windows find in 4 of 5 cases, as their signals say (with four detectors in one budget).`
)

// WriteText writes the tables for people.
func (r *Report) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", budgetText)
	for i := range r.Streams {
		s := &r.Streams[i]
		fmt.Fprintf(w, "\n%s: %s; %d feature-months\n", s.Name, s.Title, s.FeatureMonths)
		if err := align(w, s.lines()); err != nil {
			return err
		}
		for _, n := range s.notes() {
			fmt.Fprintf(w, "  %s\n", n)
		}
	}
	fmt.Fprintf(w, "\n%s\n\n", powerText)
	return align(w, r.powerLines())
}

// WriteMarkdown writes the same as WriteText for the manual: two sections.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Alarm budget\n\n%s\n", budgetText)
	for i := range r.Streams {
		s := &r.Streams[i]
		fmt.Fprintf(&b, "\n### %s\n\n%s. %d feature-months.\n\n", s.Name, capital(s.Title), s.FeatureMonths)
		markdown(&b, s.lines(), 1)
		for _, n := range s.notes() {
			fmt.Fprintf(&b, "\n%s.\n", capital(n))
		}
	}
	fmt.Fprintf(&b, "\n## Power\n\n%s\n\n", powerText)
	markdown(&b, r.powerLines(), 2)
	_, err := io.WriteString(w, b.String())
	return err
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func align(w io.Writer, lines [][]string) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintln(t, "  "+strings.Join(l, "\t"))
	}
	return t.Flush()
}

// markdown writes a table; after the first columns all are numbers.
func markdown(b *strings.Builder, lines [][]string, texts int) {
	for i, l := range lines {
		fmt.Fprintf(b, "| %s |\n", strings.Join(l, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|%s%s\n", strings.Repeat("---|", texts), strings.Repeat("--:|", len(l)-texts))
		}
	}
}

func (s *Stream) lines() [][]string {
	out := [][]string{{"RULE", "ALARMS", "RATE", "±", "BUDGET"}}
	for i := range s.Rates {
		r := &s.Rates[i]
		budget := r.Budget
		if budget == "" {
			budget = "-"
		}
		out = append(out, []string{r.Rule, strconv.Itoa(r.Alarms), decimals(r.Rate, 2), decimals(r.Error, 2), budget})
	}
	return out
}

// notes say why rates are below the budget, each reason once.
func (s *Stream) notes() (out []string) {
	for i := range s.Rates {
		if r := &s.Rates[i]; r.Reason != "" {
			n := "below, because " + r.Reason
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// powerLines are one line for each stream, size and shift; each rule has two
// columns.
func (r *Report) powerLines() [][]string {
	header := []string{"STREAM", "PSI", "ROWS", "SEES"}
	for i := range rules {
		if rules[i].budgeted {
			header = append(header, strings.TrimPrefix(rules[i].name, "calibrated "), "DELAY")
		}
	}
	out := [][]string{header}
	for i := range r.Power {
		p := &r.Power[i]
		for k := range p.Shifts {
			s := &p.Shifts[k]
			line := []string{p.Stream, decimals(s.PSI, 2), strconv.Itoa(p.Rows), decimals(p.Minimal, 3)}
			for _, f := range s.Found {
				delay := decimals(f.Delay, 1)
				if f.Censored {
					delay = "> " + delay
				}
				line = append(line, decimals(f.Share, 2), delay)
			}
			out = append(out, line)
		}
	}
	return out
}

func decimals(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
