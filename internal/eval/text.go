package eval

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// explanation of the columns, for people.
const explanation = `FOUND: changes found. AGAIN: further alarms for a change that was found. FALSE: alarms for no change.
MTD: mean rows from a change to its alarm. MTFA: rows without a change per false alarm. MDR: share of changes missed.
MTR = MTFA / MTD · (1 − MDR): more is better. The periodic dummy knows nothing and has an MTR of about 2.`

// WriteText writes a table for each stream.
func (r *Report) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", explanation)
	for i := range r.Streams {
		s := &r.Streams[i]
		fmt.Fprintf(w, "\n%s: %s\n  %s\n", s.Name, s.Title, s.size())
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, line := range s.lines() {
			fmt.Fprintln(t, "  "+strings.Join(line, "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if others := s.others(); others != "" {
			fmt.Fprintf(w, "  not applicable: %s\n", others)
		}
	}
	for _, file := range r.Absent {
		fmt.Fprintf(w, "\nnot there, and left out: %s\n", file)
	}
	return nil
}

// WriteMarkdown writes the same as WriteText for the manual, its headings at
// the third level.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(explanation, "\n", "\n- "))
	for i := range r.Streams {
		s := &r.Streams[i]
		fmt.Fprintf(&b, "\n### %s\n\n%s. %s.\n\n", s.Name, capital(s.Title), capital(s.size()))
		for n, line := range s.lines() {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
			if n == 0 {
				fmt.Fprintf(&b, "|---|%s\n", strings.Repeat("--:|", len(line)-1))
			}
		}
		if others := s.others(); others != "" {
			fmt.Fprintf(&b, "\nNot applicable: %s.\n", others)
		}
	}
	for _, file := range r.Absent {
		fmt.Fprintf(&b, "\nNot there, and left out: `%s`.\n", file)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// size of the stream in words.
func (s *Stream) size() string {
	var b strings.Builder
	if s.Runs > 1 {
		fmt.Fprintf(&b, "%d runs of ", s.Runs)
	}
	fmt.Fprintf(&b, "%d rows", s.Rows)
	switch {
	case s.Unknown:
		b.WriteString("; changes unknown")
	case len(s.Changes) == 0:
		b.WriteString("; no change")
	default:
		b.WriteString("; changes at ")
		for i, c := range s.Changes {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprint(&b, c.Start)
			if c.End > c.Start {
				fmt.Fprintf(&b, " to %d", c.End)
			}
		}
		fmt.Fprintf(&b, ", tolerance %d", s.Tolerance)
	}
	if s.Accuracy != nil {
		fmt.Fprintf(&b, "; accuracy without resets %.4f", *s.Accuracy)
	}
	return b.String()
}

// lines are the cells of the stream's table, the header first.
func (s *Stream) lines() [][]string {
	header := []string{"DETECTOR", "ALARMS", "FOUND", "AGAIN", "FALSE", "MTD", "MTFA", "MDR", "MTR"}
	if s.Accuracy != nil {
		header = append(header, "ACCURACY")
	}
	out := [][]string{header}
	for i := range s.Results {
		if s.Results[i].NotApplicable == "" {
			out = append(out, s.line(&s.Results[i]))
		}
	}
	return out
}

// others are the detectors that were not run, and why.
func (s *Stream) others() string {
	var out []string
	for _, r := range s.Results {
		if r.NotApplicable != "" {
			out = append(out, r.Detector+" "+r.NotApplicable)
		}
	}
	return strings.Join(out, ", ")
}

func (s *Stream) line(r *Result) []string {
	out := []string{r.Detector, strconv.Itoa(r.Alarms), "-", "-", "-", "-", "-", "-", "-"}
	if !s.Unknown {
		bound := ""
		if r.AtLeast {
			bound = "> "
		}
		if len(s.Changes) > 0 {
			out[2], out[3] = fmt.Sprintf("%d/%d", r.Found, r.Changes), strconv.Itoa(r.Repeated)
		}
		out[4] = strconv.Itoa(r.False)
		out[5], out[6], out[7], out[8] = figure("", r.MTD, 1), figure(bound, r.MTFA, 0), figure("", r.MDR, 2), figure(bound, r.MTR, 1)
	}
	if r.Accuracy != nil {
		out = append(out, strconv.FormatFloat(*r.Accuracy, 'f', 4, 64))
	}
	return out
}

func figure(bound string, v *float64, digits int) string {
	if v == nil {
		return "-"
	}
	return bound + strconv.FormatFloat(*v, 'f', digits, 64)
}

// WriteText writes the positions for people.
func (f *Found) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s, column %s: %d rows, values %v to %v. Rows count from 0.\n\n", f.File, f.Column, f.Rows, f.Min, f.Max)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "DETECTOR\tALARMS\tAT\tWARNINGS\tFROM")
	var others []string
	for i := range f.Detectors {
		d := &f.Detectors[i]
		switch {
		case d.NotApplicable != "":
			others = append(others, d.Name+" "+d.NotApplicable)
		case !d.entry.Warns:
			fmt.Fprintf(t, "%s\t%d\t%s\t-\t-\n", d.Name, len(d.Positions), some(d.Positions))
		default:
			fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\n", d.Name, len(d.Positions), some(d.Positions), len(d.Warnings), some(d.Warnings))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(others) > 0 {
		fmt.Fprintf(w, "\nnot applicable:\n  %s\n", strings.Join(others, "\n  "))
	}
	return nil
}

// some are the first rows of a list.
func some(rows []int) string {
	const most = 10
	if len(rows) == 0 {
		return "-"
	}
	var b strings.Builder
	for i, r := range rows[:min(most, len(rows))] {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprint(&b, r)
	}
	if more := len(rows) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
