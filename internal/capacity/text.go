package capacity

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"
)

// advise says what does not fit together, and what to change.
func (p *Plan) advise() {
	in, g, w := &p.Inputs, &p.Ingest, &p.Window
	say := func(format string, args ...any) { p.Advice = append(p.Advice, fmt.Sprintf(format, args...)) }
	if g.Partitions < g.MinPartitions {
		say("%d partitions cannot take %s events/s: give the input topics %d or more", g.Partitions, amount(p.Load.Needed), g.MinPartitions)
	}
	if p.Store.Shards > 1 {
		say("%d shards: give each processes of role ingest with their own input topics, kafka.group and clickhouse.addr, since a batch that is repeated must reach the shard that knows its token", p.Store.Shards)
	}
	if !w.Enough {
		say("A table forgets a block after %s, before ingest.replay_within (%s): let batches last %s or longer with ingest.flush_interval and ingest.batch_rows, give a shard at most %d partitions, or set ingest.replay_within to %s",
			seconds(w.Seconds), in.ReplayWithin, seconds(w.MinInterval), w.MaxPartitions, seconds(math.Floor(w.Seconds)))
	}
	if s := p.Store; s.SumCores > s.Cores/2 {
		say("States and counts cost the store more than rows: a batch has only %.0f events for each of its states. Key records by model, let batches grow with ingest.flush_interval and ingest.batch_rows, or name fewer segments", g.StateRows)
	}
	if p.Load.CatchUp > p.Load.Peak/(1-in.Headroom) {
		say("Catching up decides: an outage of %s with %s to work it off needs %s events/s, more than the peak and its headroom", in.Outage, in.CatchUp, amount(p.Load.CatchUp))
	}
}

// Text writes the plan for people.
func (p *Plan) Text(out io.Writer) error {
	in, l, g, s, win := &p.Inputs, &p.Load, &p.Ingest, &p.Store, &p.Window
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	line := func(what, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", what, fmt.Sprintf(format, args...)) }
	line("events/s", "%s on average, %s at the peak; sized for %s", amount(l.Average), amount(l.Peak), amount(l.Needed))
	line("records", "%s of %d numeric and %d categorical features, %.0f bytes; %sB/s", in.Format, in.Numeric, in.Categorical, l.RecordBytes, amount(l.Bytes))
	line("series", "%s (models × versions × segments)", amount(l.Series))
	fmt.Fprintln(w)
	line("driftline", "%d instances of %v cores: %.1f cores busy, %.2f µs an event", g.Instances, in.Cores, g.Cores, g.EventCost)
	line("partitions", "%d of the input topics; %d can do the work", g.Partitions, g.MinPartitions)
	line("batches", "%s events every %s in each partition; %.0f/s in all, %s states/s of %s events each", amount(g.BatchRows), seconds(g.BatchInterval), g.Blocks, amount(g.States), amount(g.StateRows))
	line("clickhouse", "%d shards × %d replicas of %v cores: %.1f cores busy (insert %.1f, merge %.1f; of these for states and counts %.1f), %.2f µs an event", s.Shards, in.Replicas, in.StoreCores, s.Cores, s.InsertCores, s.MergeCores, s.SumCores, s.EventCost)
	line("deduplication", "a table remembers its blocks for %s; %s needed", seconds(win.Seconds), seconds(win.Needed))
	fmt.Fprintf(w, "\nTABLE\tROW\tROWS/DAY\tBYTES/ROW\tBYTES/DAY\tKEPT\tBYTES × %d\n", in.Replicas)
	var day, all float64
	for _, t := range p.Storage {
		kept := t.Retention.String()
		if t.Retention == 0 {
			kept = "for ever (1 year)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%sB\t%s\t%sB\n", t.Table, t.Granularity, amount(t.RowsPerDay), amount(t.RowBytes), amount(t.BytesPerDay), kept, amount(t.Bytes))
		day, all = day+t.BytesPerDay, all+t.Bytes
	}
	fmt.Fprintf(w, "all\t\t\t\t%sB\t\t%sB\n", amount(day), amount(all))
	if err := w.Flush(); err != nil {
		return err
	}
	for _, a := range p.Advice {
		fmt.Fprintf(out, "\nNOTE: %s.\n", a)
	}
	return nil
}

// amount writes three digits and a power of a thousand.
func amount(x float64) string {
	units := []string{"", "k", "M", "G", "T", "P", "E"}
	i := 0
	for ; x >= 999.5 && i < len(units)-1; i++ {
		x /= 1000
	}
	switch {
	case x >= 99.5 || x == math.Trunc(x):
		return fmt.Sprintf("%.0f%s", x, suffix(units[i]))
	case x >= 9.95:
		return fmt.Sprintf("%.1f%s", x, suffix(units[i]))
	default:
		return fmt.Sprintf("%.2f%s", x, suffix(units[i]))
	}
}

func suffix(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}

// seconds writes a duration as people say it.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}
