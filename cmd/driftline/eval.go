package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/internal/budget"
	"github.com/driftline/driftline/internal/causes"
	"github.com/driftline/driftline/internal/eval"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "measure the concept drift detectors on labelled streams, or run them over a column of a file",
		Description: "Without --stream: how long each detector takes to find known changes, how often it alarms\n" +
			"without one, and what it misses, beside a dummy that alarms by the clock.\n" +
			"With --stream: the rows, counted from 0, at which each detector alarms.\n" +
			"With --budget: whether the drift detectors keep a budget of one false alarm a feature-month\n" +
			"on simulated streams, and what they find; minutes on one core.\n" +
			"With --petshop: how well the ranking of causes does on that data set, beside plain baselines.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "stream", Usage: "`FILE` or FILE:COLUMN, CSV or Parquet, with errors (0 and 1) or numbers", TakesFile: true},
			&cli.StringFlag{Name: "column", Usage: "`COLUMN` of the stream (default: its only one)"},
			&cli.StringFlag{Name: "data", Usage: "`FOLDER` of real labelled streams, played besides the synthetic ones", TakesFile: true},
			&cli.StringSliceFlag{Name: "detectors", Usage: "`NAMES` of detectors (default: all)"},
			&cli.StringSliceFlag{Name: "set", Usage: "parameters, such as `adwin.delta=0.01`"},
			&cli.Uint32Flag{Name: "seed", Usage: "`N` that synthetic streams and KSWIN's samples are made from", Value: eval.DefaultSeed},
			&cli.IntFlag{Name: "runs", Usage: "`N` runs of each synthetic stream", Value: eval.DefaultRuns},
			&cli.BoolFlag{Name: "budget", Usage: "measure the false-alarm budget and the power of the drift detectors instead"},
			&cli.IntFlag{Name: "features", Usage: "`N` features of each stream of --budget, two months each", Value: budget.DefaultFeatures},
			&cli.StringFlag{Name: "petshop", Usage: "measure the ranking of causes on the PetShop data set in `FOLDER` instead", TakesFile: true},
			jsonFlag(),
			&cli.BoolFlag{Name: "markdown", Usage: "print tables for the manual"},
		},
		Action: runEval,
	}
}

func runEval(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if c.String("petshop") != "" {
		return runCauses(ctx, c)
	}
	if c.Bool("budget") {
		return runBudget(ctx, c)
	}
	if c.IsSet("features") {
		return errors.New("--features needs --budget")
	}
	set, err := sequential.ParseSettings(c.StringSlice("set"))
	if err != nil {
		return err
	}
	o := eval.Options{
		Detectors: c.StringSlice("detectors"), Set: set,
		Seed: uint64(c.Uint32("seed")), Runs: c.Int("runs"), Data: c.String("data"),
	}
	stream := c.String("stream")
	if err := refuseMixed(c, stream != ""); err != nil {
		return err
	}
	if stream != "" {
		found, err := eval.Positions(ctx, stream, c.String("column"), o)
		if err != nil {
			return err
		}
		return printResult(c, found, found.WriteText)
	}
	report, err := eval.Benchmark(ctx, o)
	if err != nil {
		return err
	}
	if c.Bool("markdown") {
		return report.WriteMarkdown(c.Root().Writer)
	}
	return printResult(c, report, report.WriteText)
}

// runCauses measures the ranking of causes.
func runCauses(ctx context.Context, c *cli.Command) error {
	for _, name := range []string{"budget", "stream", "column", "data", "detectors", "set", "runs", "features", "seed"} {
		if c.IsSet(name) {
			return errors.New("either --petshop or --" + name)
		}
	}
	if c.Bool("json") && c.Bool("markdown") {
		return errors.New("either --json or --markdown")
	}
	report, err := causes.Evaluate(ctx, c.String("petshop"))
	if err != nil {
		return err
	}
	if c.Bool("markdown") {
		return report.WriteMarkdown(c.Root().Writer)
	}
	return printResult(c, report, report.WriteText)
}

// runBudget measures what verdicts promise.
func runBudget(ctx context.Context, c *cli.Command) error {
	for _, name := range []string{"stream", "column", "data", "detectors", "set", "runs"} {
		if c.IsSet(name) {
			return errors.New("either --budget or --" + name)
		}
	}
	if c.Bool("json") && c.Bool("markdown") {
		return errors.New("either --json or --markdown")
	}
	report, err := budget.Run(ctx, budget.Options{Seed: uint64(c.Uint32("seed")), Features: c.Int("features")})
	if err != nil {
		return err
	}
	if c.Bool("markdown") {
		return report.WriteMarkdown(c.Root().Writer)
	}
	return printResult(c, report, report.WriteText)
}

// refuseMixed refuses flags of the other kind of evaluation, which would do
// nothing.
func refuseMixed(c *cli.Command, stream bool) error {
	switch {
	case stream && c.String("data") != "":
		return errors.New("either --stream or --data: a stream is not measured, for nobody says where it changes")
	case stream && c.Bool("markdown"):
		return errors.New("either --stream or --markdown")
	case !stream && c.String("column") != "":
		return errors.New("--column needs --stream FILE")
	case c.Bool("json") && c.Bool("markdown"):
		return errors.New("either --json or --markdown")
	}
	return nil
}

// printResult prints v as JSON if asked to, else by text.
func printResult(c *cli.Command, v any, text func(io.Writer) error) error {
	if !c.Bool("json") {
		return text(c.Root().Writer)
	}
	enc := json.NewEncoder(c.Root().Writer)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
