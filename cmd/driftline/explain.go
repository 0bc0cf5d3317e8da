package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/causes"
	"github.com/driftline/driftline/internal/config"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:  "explain",
		Usage: "rank the likely causes of a symptom over files; needs no Kafka or ClickHouse",
		Description: "Edges are CSV with the columns source and target: source calls or depends on target.\n" +
			"Telemetry is CSV with the columns timestamp, entity, metric and value, an empty value where it is missing.\n" +
			"Give what was usual as well as what is not: levels and scales come from before the symptom.\n" +
			"The ranking is that of the service; docs/causes.md says how it works and what it is worth.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "edges", Usage: "`FILE` of edges", Required: true, TakesFile: true},
			&cli.StringFlag{Name: "telemetry", Usage: "`FILE` of telemetry", Required: true, TakesFile: true},
			&cli.StringFlag{Name: "symptom", Usage: "`ENTITY/METRIC` that is to be explained", Required: true},
			&cli.StringFlag{Name: "at", Usage: "`TIME` at which it was seen: RFC 3339 or Unix", Required: true},
			&cli.StringFlag{Name: "config", Usage: "`FILE` whose correlate.causes.metrics say what metrics mean", TakesFile: true},
			jsonFlag(),
		},
		Action: runExplain,
	}
}

func runExplain(_ context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	at, err := causes.ParseTime(c.String("at"))
	if err != nil {
		return fmt.Errorf("--at: %w", err)
	}
	metrics, err := metricsOf(c.String("config"))
	if err != nil {
		return err
	}
	found, err := causes.Explain(causes.Options{
		Edges: c.String("edges"), Telemetry: c.String("telemetry"), Symptom: c.String("symptom"), At: at, Metrics: metrics,
	})
	if err != nil {
		return err
	}
	return printResult(c, found, found.WriteText)
}

// metricsOf are the metrics that a configuration describes; none without one.
func metricsOf(file string) ([]metric.Entry, error) {
	if file == "" {
		return nil, nil
	}
	cfg := app.DefaultConfig()
	if err := config.Load(file, &cfg); err != nil {
		return nil, err
	}
	return cfg.Correlate.Causes.Metrics, nil
}
