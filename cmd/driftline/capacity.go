package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/capacity"
	"github.com/driftline/driftline/internal/config"
)

func capacityCommand() *cli.Command {
	return &cli.Command{
		Name:  "capacity",
		Usage: "say how many instances, partitions, servers and bytes a stream of events needs",
		Description: "Reckons with what was measured on two shared cores; docs/capacity.md has the model.\n" +
			"Durations are written as in the configuration: 10m, 7d.",
		Flags:  capacityFlags(capacity.Defaults()),
		Action: printCapacity,
	}
}

func capacityFlags(d capacity.Inputs) []cli.Flag {
	duration := func(name, usage string, value capacity.Duration) cli.Flag {
		return &cli.StringFlag{Name: name, Usage: usage, Value: value.String()}
	}
	return []cli.Flag{
		&cli.FloatFlag{Name: "events", Usage: "`N` events a second, on average over a day", Value: d.Events},
		&cli.FloatFlag{Name: "peak", Usage: "the busiest minutes have `F` times as many", Value: d.Peak},
		&cli.StringFlag{Name: "format", Usage: "`FORMAT` of the records: protobuf or json", Value: d.Format},
		&cli.IntFlag{Name: "numeric", Usage: "`N` numeric features of an event", Value: d.Numeric},
		&cli.IntFlag{Name: "categorical", Usage: "`N` categorical features of an event", Value: d.Categorical},
		&cli.IntFlag{Name: "event-bytes", Usage: "`N` bytes of a record: chooses the numeric features"},
		&cli.IntFlag{Name: "categories", Usage: "`N` distinct values of a categorical feature", Value: d.Categories},
		&cli.IntFlag{Name: "models", Usage: "`N` models", Value: d.Models},
		&cli.IntFlag{Name: "versions", Usage: "`N` versions of a model that serve at the same time", Value: d.Versions},
		&cli.IntFlag{Name: "segments", Usage: "`N` segments of a model", Value: d.Segments},
		&cli.BoolFlag{Name: "keyed", Usage: "records are keyed by model, so that a partition has few of them"},
		&cli.FloatFlag{Name: "cores", Usage: "`N` cores of an instance of Driftline", Value: d.Cores},
		&cli.FloatFlag{Name: "store-cores", Usage: "`N` cores of a ClickHouse server", Value: d.StoreCores},
		&cli.IntFlag{Name: "replicas", Usage: "`N` servers hold the same rows", Value: d.Replicas},
		&cli.FloatFlag{Name: "headroom", Usage: "`SHARE` of cores that is free at the peak", Value: d.Headroom},
		&cli.IntFlag{Name: "partitions", Usage: "`N` partitions of the input topics; 0 chooses"},
		duration("outage", "longest `TIME` during which nothing can be stored", d.Outage),
		duration("catch-up", "its backlog is stored `TIME` later", d.CatchUp),
		duration("flush-interval", "ingest.flush_interval, a `TIME`", d.Flush),
		&cli.IntFlag{Name: "batch-rows", Usage: "ingest.batch_rows, `N`", Value: d.BatchRows},
		duration("replay-within", "ingest.replay_within, a `TIME`", d.ReplayWithin),
		&cli.IntFlag{Name: "days", Usage: "`N` days of event time in one batch", Value: d.Days},
		duration("keep-raw", "clickhouse.retention.raw, a `TIME`", d.Raw),
		duration("keep-summaries", "clickhouse.retention.summaries, a `TIME`", d.Summaries),
		duration("keep-findings", "clickhouse.retention.findings, a `TIME`", d.Findings),
		duration("window", "detect.window, a `TIME`", d.Window),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: text or json", Value: "text"},
	}
}

func printCapacity(_ context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if format := c.String("output"); format != "text" && format != "json" {
		return fmt.Errorf("unsupported output %q; supported: text, json", format)
	}
	in, err := capacityInputs(c)
	if err != nil {
		return err
	}
	plan, err := capacity.Compute(in)
	if err != nil {
		return err
	}
	if c.String("output") == "text" {
		return plan.Text(c.Root().Writer)
	}
	return output(c, plan, nil)
}

func capacityInputs(c *cli.Command) (in capacity.Inputs, err error) {
	in = capacity.Defaults()
	in.Events, in.Peak, in.Format = c.Float("events"), c.Float("peak"), c.String("format")
	in.Numeric, in.Categorical, in.Categories = c.Int("numeric"), c.Int("categorical"), c.Int("categories")
	in.Models, in.Versions, in.Segments = c.Int("models"), c.Int("versions"), c.Int("segments")
	in.Keyed = c.Bool("keyed")
	in.Cores, in.StoreCores, in.Replicas = c.Float("cores"), c.Float("store-cores"), c.Int("replicas")
	in.Headroom, in.Partitions, in.BatchRows, in.Days = c.Float("headroom"), c.Int("partitions"), c.Int("batch-rows"), c.Int("days")
	for name, into := range map[string]*capacity.Duration{
		"outage": &in.Outage, "catch-up": &in.CatchUp, "flush-interval": &in.Flush, "replay-within": &in.ReplayWithin,
		"keep-raw": &in.Raw, "keep-summaries": &in.Summaries, "keep-findings": &in.Findings, "window": &in.Window,
	} {
		var d time.Duration
		if d, err = config.ParseDuration(c.String(name)); err != nil {
			return in, fmt.Errorf("--%s: %w", name, err)
		}
		*into = capacity.Duration(d)
	}
	if c.IsSet("event-bytes") {
		if c.IsSet("numeric") {
			return in, fmt.Errorf("give either --event-bytes or --numeric")
		}
		if c.Int("event-bytes") < 1 {
			return in, fmt.Errorf("event-bytes is %d; give at least 1", c.Int("event-bytes"))
		}
		in.SetEventBytes(c.Int("event-bytes"))
	}
	return in, nil
}
