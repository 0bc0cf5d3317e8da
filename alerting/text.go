package alerting

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// link is the address of incidents, with idMark where the id belongs.
type link string

const idMark = "{id}"

// to an incident; empty when no address is configured.
func (l link) to(id string) string { return strings.ReplaceAll(string(l), idMark, url.QueryEscape(id)) }

// How much of a diagnosis is shown to people: more is nothing to read at night.
const (
	maxShownCauses   = 3
	maxShownEvidence = 5
	maxShownRuledOut = 5
)

// part is one paragraph of what people read.
type part struct {
	title string
	lines []string
}

// parts is an incident as people read it, most important first.
func parts(t *Told) []part {
	var out []part
	add := func(title string, lines ...string) {
		if len(lines) > 0 {
			out = append(out, part{title, lines})
		}
	}
	if t.Summary != "" {
		add("What", t.Summary)
	}
	if d := t.Diagnosis; d != nil {
		add("Likely cause", causeLines(d)...)
		if c := likeliest(&t.Incident); c != nil {
			add("Evidence", evidenceLines(c)...)
		}
		add("Ruled out", ruledOutLines(d)...)
		if len(d.Unobserved) > 0 {
			add("Not observed", strings.Join(d.Unobserved, ", "))
		}
		if d.Advice != "" {
			add("Advice", d.Advice)
		}
	}
	add("Explains, and keeps back", t.Related...)
	return out
}

func causeLines(d *schemas.Diagnosis) []string {
	var out []string
	for i, c := range d.Causes[:min(len(d.Causes), maxShownCauses)] {
		line := fmt.Sprintf("%d. %s (%s, confidence %.0f %%)", i+1, c.Title, c.Kind, 100*c.Confidence)
		if len(c.Path) > 1 {
			line += ": " + strings.Join(c.Path, " → ")
		}
		out = append(out, line)
	}
	return omitted(out, len(d.Causes))
}

func evidenceLines(c *schemas.Cause) []string {
	var out []string
	for _, e := range c.Evidence[:min(len(c.Evidence), maxShownEvidence)] {
		line := fmt.Sprintf("%s %s: %s before, %s since %s (z %.1f, n %d)", e.Entity, e.Metric, number(e.Before), number(e.After), clock(e.Onset), e.Z, e.N)
		if e.Text != "" {
			line = e.Text
		}
		out = append(out, line)
	}
	return omitted(out, len(c.Evidence))
}

func ruledOutLines(d *schemas.Diagnosis) []string {
	var out []string
	for _, r := range d.RuledOut[:min(len(d.RuledOut), maxShownRuledOut)] {
		out = append(out, strings.TrimSpace(r.Entity+" "+r.Metric)+": "+r.Reason)
	}
	return omitted(out, len(d.RuledOut))
}

// omitted says how many lines are missing.
func omitted(lines []string, all int) []string {
	if n := all - len(lines); n > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", n))
	}
	return lines
}

func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// facts are the short ones, in their order.
func facts(t *Told) [][2]string {
	out := [][2]string{
		{"Severity", string(t.Severity)},
		{"State", string(t.State)},
		{"Tenant", t.Tenant},
		{"Model", t.Model},
		{"Version", strings.Join(t.Versions, ", ")},
		{"Since", clock(t.Onset)},
		{"Owner", t.Owner},
	}
	if t.ResolvedAt != nil {
		out = append(out, [2]string{"Over at", clock(*t.ResolvedAt)})
	}
	kept := out[:0]
	for _, f := range out {
		if f[1] != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

// headline is the line that people see first.
func headline(told []Told) string {
	if len(told) == 1 {
		return stateWord(&told[0].Incident) + " " + told[0].Title
	}
	open, worst := 0, schemas.SeverityInfo
	for i := range told {
		if told[i].State != schemas.IncidentResolved {
			open++
			if rank(told[i].Severity) > rank(worst) {
				worst = told[i].Severity
			}
		}
	}
	if open == 0 {
		return fmt.Sprintf("[RESOLVED] %d incidents", len(told))
	}
	return fmt.Sprintf("[%s] %d incidents, %d of them open: %s and others", strings.ToUpper(string(worst)), len(told), open, told[0].Title)
}

func stateWord(inc *schemas.Incident) string {
	switch inc.State {
	case schemas.IncidentResolved:
		return "[RESOLVED]"
	case schemas.IncidentAcknowledged:
		return "[ACKNOWLEDGED]"
	default:
		return "[" + strings.ToUpper(string(inc.Severity)) + "]"
	}
}
