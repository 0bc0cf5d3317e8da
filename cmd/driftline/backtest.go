package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/internal/config"
)

func backtestCommand() *cli.Command {
	text := func(name, usage string) cli.Flag { return &cli.StringFlag{Name: name, Usage: usage} }
	needed := func(name, usage string) cli.Flag {
		return &cli.StringFlag{Name: name, Usage: usage, Required: true}
	}
	return &cli.Command{
		Name:  "backtest",
		Usage: "run the detectors over history in CSV or Parquet files; needs no Kafka or ClickHouse",
		Flags: []cli.Flag{
			needed("model", "`NAME` of the model"),
			text("reference", "`FILE` with rows to compare with, such as the training set; or trailing=7d, same_hour_of_week=4, range=FROM/TO for other rows of the data (default: such a reference of --config)"),
			needed("data", "`FILE` with the rows to judge"),
			text("labels", "`FILE` with ids and labels, to measure performance"),
			text("id", "`COLUMN` that joins data and labels"),
			text("label", "`COLUMN` of the label, in the labels file (default: its only other column), else in the data; the reference's trains the estimates"),
			text("timestamp", "`COLUMN` of the event time"),
			text("prediction", "`COLUMN` of the predicted class"),
			text("score", "`COLUMN` of the score: a probability where labels are 0 and 1, the predicted value of a regression"),
			&cli.StringSliceFlag{Name: "score-columns", Usage: "probabilities of a model of several classes: `CLASS=COLUMN` for each, or a prefix such as proba_* whose columns are named after the classes"},
			text("task", "`KIND` of model: binary, multiclass or regression (default: found by the labels)"),
			&cli.StringSliceFlag{Name: "metric", Usage: "performance `METRICS` to judge: " + metricNames() + " (default: roc_auc, mae, or accuracy where there is no score)"},
			&cli.StringSliceFlag{Name: "effect", Usage: "`METRIC=DEFICIT`: smallest distance of estimated and realised that alarms"},
			&cli.StringFlag{Name: "threshold-mode", Usage: "calibrated, or chunks for the mean ± 3σ of the reference's windows", Value: string(backtest.Calibrated)},
			&cli.StringSliceFlag{Name: "detectors", Usage: "`NAMES` of detectors, default for the default set, all for every one over single features, multivariate for those over rows of several (default: default, or those of --config)"},
			&cli.StringSliceFlag{Name: "exclude", Usage: "further `COLUMNS` that are not features"},
			&cli.StringFlag{Name: "window", Usage: "`SIZE`: a duration such as 1h, 1mo, or rows=N", Value: "1h"},
			text("every", "`STEP` from the start of a window to that of the next, for windows that overlap, such as 5m (default: the window, or that of --config)"),
			text("tenant", "`NAME` of the tenant (default: default)"),
			&cli.StringFlag{Name: "config", Usage: "take thresholds and levels from this configuration `FILE`", TakesFile: true},
			jsonFlag(),
			&cli.StringFlag{Name: "html", Usage: "write a page to `FILE`", TakesFile: true},
		},
		Action: runBacktest,
	}
}

func runBacktest(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	o, err := backtestOptions(c)
	if err != nil {
		return err
	}
	report, err := backtest.Run(ctx, o)
	if err != nil {
		return err
	}
	if file := c.String("html"); file != "" {
		if err := writeHTML(file, report); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.Root().Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	return writeReport(c.Root().Writer, report)
}

func backtestOptions(c *cli.Command) (backtest.Options, error) {
	o := backtest.Options{
		Tenant: c.String("tenant"), Model: c.String("model"),
		Reference: c.String("reference"), Data: c.String("data"), Labels: c.String("labels"),
		Detectors: c.StringSlice("detectors"), ID: c.String("id"), Label: c.String("label"), Timestamp: c.String("timestamp"),
		Prediction: c.String("prediction"), Score: c.String("score"), ScoreColumns: c.StringSlice("score-columns"), Exclude: c.StringSlice("exclude"),
		Task: backtest.Task(c.String("task")), Metrics: c.StringSlice("metric"), Effects: c.StringSlice("effect"),
		Thresholds: backtest.ThresholdMode(c.String("threshold-mode")), Plots: c.String("html") != "",
	}
	var err error
	if o.Window, err = backtest.ParseWindowSpec(c.String("window")); err != nil {
		return o, err
	}
	if c.String("every") != "" {
		if o.Every, err = detectors.ParseWindow(c.String("every")); err != nil {
			return o, fmt.Errorf("--every: %w", err)
		}
	}
	if c.String("config") == "" {
		return o, nil
	}
	cfg := app.DefaultConfig()
	if err := config.Load(c.String("config"), &cfg); err != nil {
		return o, err
	}
	o.Config = cfg.Detect
	for _, m := range cfg.Models {
		if m.Key().Model == o.Model && (o.Tenant == "" || m.Key().Tenant == o.Tenant) {
			o.Entry = m
			return o, nil
		}
	}
	return o, fmt.Errorf("model %s is not among the models of %s", o.Model, c.String("config"))
}

func metricNames() string {
	var names []string
	for _, m := range performance.Metrics() {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}
