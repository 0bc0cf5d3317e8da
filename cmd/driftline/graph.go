package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/causes"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

func graphCommand() *cli.Command {
	return &cli.Command{
		Name:  "graph",
		Usage: "print what depends on what, as records and configuration say",
		Description: "An edge leads from what calls or depends to what it calls or depends on.\n" +
			"FROM and UNTIL are the event times at which it was first and last seen in the time asked about.",
		Flags: []cli.Flag{
			configFlag(true),
			&cli.StringFlag{Name: "tenant", Usage: "`TENANT` whose records are read", Value: schemas.DefaultTenant},
			&cli.StringFlag{Name: "model", Usage: "only requests of `MODEL`"},
			&cli.StringFlag{Name: "until", Usage: "event `TIME` up to which records are read: RFC 3339 or Unix (default: now)"},
			&cli.StringFlag{Name: "lookback", Usage: "`TIME` before it from which they are read", Value: "1h"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table or json", Value: "table"},
		},
		Action: printGraph,
	}
}

func printGraph(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if format := c.String("output"); format != "table" && format != "json" {
		return fmt.Errorf("unsupported output %q; supported: table, json", format)
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	until := time.Now().UTC()
	if text := c.String("until"); text != "" {
		if until, err = causes.ParseTime(text); err != nil {
			return fmt.Errorf("--until: %w", err)
		}
	}
	lookback, err := config.ParseDuration(c.String("lookback"))
	if err != nil {
		return fmt.Errorf("--lookback: %w", err)
	}
	edges, err := app.Graph(ctx, cfg, c.String("tenant"), c.String("model"), until.Add(-lookback), until)
	if err != nil {
		return err
	}
	return output(c, edgeList{append([]graph.Edge{}, edges...)}, edgeTable)
}

// edgeList is the graph as JSON.
type edgeList struct {
	Edges []graph.Edge `json:"edges"`
}

func edgeTable(w io.Writer, l edgeList) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "SOURCE\tTARGET\tFROM\tUNTIL\tDECLARED\n")
	for _, e := range l.Edges {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.Source, e.Target, seen(e.From), seen(e.Until), map[bool]string{true: "yes", false: ""}[e.Declared])
	}
	return t.Flush()
}

func seen(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}
