package api

import (
	"fmt"
	"strings"
	"time"
)

// Markdown is the export as a page for a ticket or a review.
func (x *Export) Markdown() string {
	var b strings.Builder
	i := &x.Incident
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", plain(i.Title), plain(i.Summary))
	facts := [][2]string{
		{"incident", i.ID},
		{"tenant", i.Tenant},
		{"model", i.Model},
		{"state", string(i.State)},
		{"severity", string(i.Severity)},
		{"onset", i.Onset.Format(time.RFC3339)},
		{"opened", i.OpenedAt.Format(time.RFC3339)},
		{"versions", strings.Join(i.Versions, ", ")},
		{"features", strings.Join(i.Features, ", ")},
		{"touches", strings.Join(x.BlastRadius, ", ")},
	}
	if i.ResolvedAt != nil {
		facts = append(facts, [2]string{"resolved", i.ResolvedAt.Format(time.RFC3339)})
	}
	b.WriteString("| | |\n|---|---|\n")
	for _, f := range facts {
		if f[1] != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", f[0], plain(f[1]))
		}
	}
	x.causes(&b)
	b.WriteString("\n## Signals\n\n| window | feature | detector | score | threshold | p | n | why |\n|---|---|---|--:|--:|--:|--:|---|\n")
	for k := range i.Signals {
		s := &i.Signals[k]
		fmt.Fprintf(&b, "| %s | %s | %s | %.4g | %.4g | %.2g | %d | %s |\n", s.WindowStart.Format(time.RFC3339), plain(s.Feature), s.Detector, s.Score, s.Threshold, s.PValue, s.NWindow, plain(s.Reason))
	}
	b.WriteString("\n## Timeline\n\n| time | what | who | |\n|---|---|---|---|\n")
	for _, m := range x.Timeline {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.Time.Format(time.RFC3339), m.What, plain(m.Who), plain(m.Text))
	}
	return b.String()
}

func (x *Export) causes(b *strings.Builder) {
	d := x.Incident.Diagnosis
	if d == nil {
		return
	}
	fmt.Fprintf(b, "\n## Causes\n\n%s\n", plain(d.Advice))
	if len(d.Causes) > 0 {
		b.WriteString("\n| cause | confidence | since | path | evidence |\n|---|--:|---|---|---|\n")
	}
	for k := range d.Causes {
		c := &d.Causes[k]
		var evidence []string
		for _, e := range c.Evidence {
			evidence = append(evidence, e.Text)
		}
		fmt.Fprintf(b, "| %s | %.0f %% | %s | %s | %s |\n", plain(c.Title), 100*c.Confidence, c.Onset.Format(time.RFC3339), plain(strings.Join(c.Path, " → ")), plain(strings.Join(evidence, "; ")))
	}
	for _, r := range d.RuledOut {
		fmt.Fprintf(b, "- Not %s: %s.\n", plain(r.Entity), plain(r.Reason))
	}
	if len(d.Unobserved) > 0 {
		fmt.Fprintf(b, "\nNot observed: %s.\n", plain(strings.Join(d.Unobserved, ", ")))
	}
}

// plain text for a cell of a table: on one line, and without markup of its own.
func plain(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`).Replace(text)
}
