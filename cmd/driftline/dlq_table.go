package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/dlq"
)

// output writes v as -o says: one JSON document, or a table for people.
func output[T any](c *cli.Command, v T, table func(io.Writer, T) error) error {
	if c.String("output") == "table" {
		return table(c.Root().Writer, v)
	}
	enc := json.NewEncoder(c.Root().Writer)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func listingTable(w io.Writer, l *dlq.Listing) error {
	fmt.Fprintf(w, "%s: %d dead letters of %s, %d replayed%s\n", l.DLQ, l.Total, l.Topic, l.Replayed, aside(l.Duplicates, l.Foreign))
	if l.Total == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "\nREASON\tLETTERS\tREPLAYED\tFIRST\tLAST\n")
	for _, g := range l.Reasons {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", printable(g.Reason), g.Letters, g.Replayed, second(g.First), second(g.Last))
	}
	rows(t, l.Letters)
	if err := t.Flush(); err != nil {
		return err
	}
	if more := l.Total - len(l.Letters); more > 0 {
		fmt.Fprintf(w, "… and %d more; --limit 0 lists all\n", more)
	}
	return nil
}

func rows(t io.Writer, letters []dlq.Row) {
	fmt.Fprint(t, "\nPARTITION\tOFFSET\tTIME\tREASON\tREPLAYED\tERROR\n")
	for _, r := range letters {
		replayed := "-"
		if r.ReplayedAt != nil {
			replayed = second(*r.ReplayedAt)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\t%s\n", r.Partition, r.Offset, second(r.Timestamp), printable(r.Reason), replayed, clip(printable(r.Error), 100))
	}
}

func letterTable(w io.Writer, s *dlq.Shown) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "origin\t%s\ntime\t%s\nreason\t%s\nerror\t%s\n", s.Origin, s.Timestamp.Format(time.RFC3339Nano), printable(s.Reason), printable(s.Error))
	if s.ReplayOf != "" {
		fmt.Fprintf(t, "replay of\t%s\n", printable(s.ReplayOf))
	}
	if s.ReplayedAt != nil {
		fmt.Fprintf(t, "replayed\t%s to %s\n", second(*s.ReplayedAt), s.ReplayedTo)
	}
	fmt.Fprintf(t, "key\t%s\n", inline(s.Key))
	for _, h := range s.Headers {
		fmt.Fprintf(t, "header %s\t%s\n", printable(h.Name), inline(h.Value))
	}
	if s.Form != "" {
		fmt.Fprintf(t, "contents\t%s; the record, of %d bytes, is at its origin for as long as the topic keeps it\n", s.Form, s.Bytes)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", contents(s.Value))
	if more := s.Matching - 1; more > 0 {
		fmt.Fprintf(w, "\n… and %d more match; choose with --partition and --offset\n", more)
	}
	return nil
}

func reportTable(w io.Writer, r *dlq.Report) error {
	verb := "replayed"
	if r.DryRun {
		verb = "would replay"
	}
	fmt.Fprintf(w, "%s %d dead letters of %s to %s; %d were replayed before%s\n", verb, r.Sent, r.Topic, r.To, r.Before, aside(r.Duplicates, r.Foreign))
	if len(r.Gone) > 0 {
		fmt.Fprintf(w, "%d letters do not hold their record, and it is no longer in %s; the first is of %s\n", len(r.Gone), r.Topic, r.Gone[0].Origin)
	}
	if !r.DryRun || r.Sent == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	rows(t, r.Letters)
	return t.Flush()
}

// aside mentions what was passed over, if anything was.
func aside(duplicates, foreign int) string {
	var parts []string
	if duplicates > 0 {
		parts = append(parts, fmt.Sprintf("%d came twice", duplicates))
	}
	if foreign > 0 {
		parts = append(parts, fmt.Sprintf("%d other records passed over", foreign))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// contents of a payload, with its encoding where it is not text.
func contents(p dlq.Payload) string {
	switch p.Encoding {
	case dlq.EncodingNull:
		return "(null)"
	case dlq.EncodingHex:
		return "hex " + p.Data
	default:
		return p.Data
	}
}

// inline are contents on one line.
func inline(p dlq.Payload) string {
	if p.Encoding == dlq.EncodingText && printable(p.Data) != p.Data {
		return strconv.Quote(p.Data)
	}
	return contents(p)
}

// printable replaces what would move the cursor: errors quote what producers sent.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func second(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
