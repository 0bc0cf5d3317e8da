package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/demo"
	"github.com/driftline/driftline/loadtest"
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "run the whole pipeline on a small fleet with known faults, and judge what it finds",
		Description: "Everything runs in this process: Kafka, ClickHouse, three models, two receivers.\n" +
			"Exits 0 only if every injected fault was found and told, nothing else alarmed and no record was lost.",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "for", Usage: "`TIME` in which the fleet sends; a second is a minute of event time", Value: time.Minute},
			&cli.StringFlag{Name: "inject", Usage: "`FAULTS`: all, none, or some of shift,category,missing,frozen,concept", Value: loadtest.All},
			&cli.FloatFlag{Name: "rate", Usage: "inference `EVENTS` a second", Value: 3000},
			&cli.Uint64Flag{Name: "seed", Usage: "`NUMBER` that the fleet's randomness begins with", Value: 1},
			&cli.StringFlag{Name: "data-dir", Usage: "keep configuration and tables in `DIR` (default: a temporary directory that is removed)"},
			&cli.BoolFlag{Name: "stay", Usage: "keep the console running afterwards, until interrupted"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document; the timeline goes to standard error"},
		},
		Action: runDemo,
	}
}

func runDemo(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	faults, err := loadtest.Select(c.String("inject"))
	if err != nil {
		return err
	}
	out := c.Root().Writer
	if c.Bool("json") {
		out = c.Root().ErrWriter
	}
	report, err := demo.Run(ctx, demo.Options{
		For: c.Duration("for"), Faults: faults, Rate: c.Float("rate"), Seed: c.Uint64("seed"), DataDir: c.String("data-dir"), Stay: c.Bool("stay"),
		Out: out, Colour: inColour(out), Log: slog.New(slog.NewTextHandler(c.Root().ErrWriter, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.Root().Writer)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	}
	if !report.OK {
		return errors.New("demo: what was found is not what was injected; see the summary")
	}
	return nil
}

func inColour(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && demo.Colour(f, os.Getenv)
}
