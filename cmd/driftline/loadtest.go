package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/fleet"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/loadtest/scenario"
	"github.com/driftline/driftline/loadtest/world"
)

func loadtestCommand() *cli.Command {
	return &cli.Command{
		Name:  "loadtest",
		Usage: "play a fleet of models with known faults, and measure what is found",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list the scenarios of the library", Flags: []cli.Flag{jsonFlag()}, Action: listScenarios},
			{Name: "kinds", Usage: "list the kinds of fault", Flags: []cli.Flag{jsonFlag()}, Action: listKinds},
			{
				Name: "run", Usage: "send a scenario's records to Kafka, and write the truth beside them", ArgsUsage: "SCENARIO",
				Description: "SCENARIO is a name of the library or a YAML file. The same seed gives the same records.\n" +
					"References for the models are written into --references, the truth as JSON to --truth.",
				Flags: []cli.Flag{
					configFlag(true),
					&cli.Uint64Flag{Name: "seed", Usage: "`N` that everything is drawn from", Value: 1},
					&cli.FloatFlag{Name: "speed", Usage: "`X`: event time that passes in a unit of wall time; 0 sends as fast as it goes", Value: 60},
					&cli.StringFlag{Name: "start", Usage: "`TIME` at which event time begins (default: so that it ends when the run does)"},
					&cli.StringFlag{Name: "topic-prefix", Usage: "`PREFIX` of the topics, before inference, labels, telemetry, jobs and changes", Value: "fleet."},
					&cli.StringFlag{Name: "references", Usage: "`FOLDER` for the models' references, as NAME.csv"},
					&cli.StringFlag{Name: "truth", Usage: "`FILE` for the truth about the faults"},
					jsonFlag(),
				},
				Action: runLoadtest,
			},
			{
				Name: "score", Usage: "play scenarios through the embedded engines and hold what is found against the truth", ArgsUsage: "[SCENARIO…]",
				Description: "Without arguments the whole library is played. Each play has a pipeline of its own.",
				Flags: []cli.Flag{
					&cli.IntFlag{Name: "seeds", Usage: "`N` plays of each scenario", Value: 1},
					&cli.Uint64Flag{Name: "first-seed", Usage: "`N` of the first play", Value: 1},
					&cli.FloatFlag{Name: "speed", Usage: "`X`: event time that passes in a unit of wall time", Value: 120},
					&cli.StringFlag{Name: "plays", Usage: "`FILE` of JSON lines to which each play is added; those that are there are not played again", TakesFile: true},
					jsonFlag(), &cli.BoolFlag{Name: "markdown", Usage: "print tables for the manual"},
				},
				Action: scoreLoadtest,
			},
		},
	}
}

func listScenarios(_ context.Context, c *cli.Command) error {
	var all []*scenario.Scenario
	for _, name := range scenario.Names() {
		s, err := scenario.Open(name)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	return printResult(c, all, func(w io.Writer) error {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprint(t, "SCENARIO\tLENGTH\tWHAT HAPPENS\n")
		for _, s := range all {
			fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, s.Length, s.About)
		}
		return t.Flush()
	})
}

func listKinds(_ context.Context, c *cli.Command) error {
	return printResult(c, world.Kinds, func(w io.Writer) error {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprint(t, "KIND\tON\tSTRENGTH\tMEANS\tWHAT HAPPENS\n")
		for _, k := range world.Kinds {
			fmt.Fprintf(t, "%s\t%s\t%v\t%s\t%s\n", k.Name, k.On[0], k.Strength, k.Means, k.About)
		}
		return t.Flush()
	})
}

// truth about a run, as it is written beside the records.
type truth struct {
	Scenario string    `json:"scenario"`
	Seed     uint64    `json:"seed"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Models   []string  `json:"models"`
	Faults   []told    `json:"faults"`
}

// told is a fault with its times and what it reaches.
type told struct {
	Kind    string    `json:"kind"`
	On      string    `json:"on"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Models  []string  `json:"models"`
	Cause   string    `json:"cause"`   // kind of cause that is right; empty where nothing may alarm
	Retrain bool      `json:"retrain"` // whether training again mends it
}

func truthOf(s *scenario.Scenario, w *world.World, seed uint64) truth {
	span := w.Span()
	out := truth{Scenario: s.Name, Seed: seed, Start: span.Start, End: span.End, Models: w.Models(), Faults: []told{}}
	for _, f := range s.Faults {
		kind, end := world.KindOf(f.Kind), span.End
		if f.Until > 0 {
			end = span.Start.Add(f.Until)
		}
		out.Faults = append(out.Faults, told{f.Kind, f.On, span.Start.Add(f.From), end, w.Reached(f.On), string(kind.Cause), kind.Retrain})
	}
	return out
}

func runLoadtest(ctx context.Context, c *cli.Command) error {
	name, err := onlyArg(c, "SCENARIO")
	if err != nil {
		return err
	}
	s, err := scenario.Open(name)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	speed, now := c.Float("speed"), time.Now().UTC()
	start, err := moment("start", c.String("start"), now)
	if err != nil {
		return err
	}
	if start.IsZero() {
		start = now.Add(-s.Length)
		if speed > 0 {
			start = start.Add(time.Duration(float64(s.Length) / speed))
		}
	}
	w, err := s.World(c.Uint64("seed"), start)
	if err != nil {
		return err
	}
	if dir := c.String("references"); dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := w.WriteReferences(dir, 20_000); err != nil {
			return err
		}
	}
	is := truthOf(s, w, c.Uint64("seed"))
	if file := c.String("truth"); file != "" {
		text, err := json.MarshalIndent(is, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	return send(ctx, c, cfg, w, speed, is)
}

// send the records, and say how far it is.
func send(ctx context.Context, c *cli.Command, cfg app.Config, w *world.World, speed float64, is truth) error {
	if e := cfg.Embedded.Kafka; e.Enabled {
		cfg.Kafka.Brokers = []string{e.Listen}
	}
	cl, err := cfg.Kafka.Dial()
	if err != nil {
		return err
	}
	defer cl.Close()
	p := &loadtest.Producer{Client: cl, Speed: speed, Topics: map[loadtest.Kind]string{}}
	var names []string
	for kind, topic := range map[loadtest.Kind]string{loadtest.Events: "inference", loadtest.Labels: "labels", loadtest.Telemetry: "telemetry", loadtest.Jobs: "jobs", loadtest.Changes: "changes"} {
		p.Topics[kind] = c.String("topic-prefix") + topic
		names = append(names, p.Topics[kind])
	}
	if err := kafka.CreateTopics(ctx, cl, 4, names...); err != nil {
		return err
	}
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- p.Run(ctx, w) }()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			return printResult(c, map[string]any{"truth": is, "events": p.Sent(loadtest.Events), "seconds": time.Since(began).Seconds()}, func(out io.Writer) error {
				_, err := fmt.Fprintf(out, "sent %d events of %d models in %s; %d faults, seed %d\n", p.Sent(loadtest.Events), len(is.Models), time.Since(began).Round(time.Second), len(is.Faults), is.Seed)
				return err
			})
		case <-every.C:
			if !c.Bool("json") {
				span := w.Span()
				part := p.Newest().Sub(span.Start).Seconds() / span.End.Sub(span.Start).Seconds()
				fmt.Fprintf(c.Root().ErrWriter, "%3.0f %%  %s  %d events, %.0f a second\n", 100*max(0, part), p.Newest().UTC().Format(time.RFC3339), p.Sent(loadtest.Events), float64(p.Sent(loadtest.Events))/time.Since(began).Seconds())
			}
		}
	}
}

func scoreLoadtest(ctx context.Context, c *cli.Command) error {
	names := c.Args().Slice()
	if len(names) == 0 {
		names = scenario.Names()
	}
	score, err := played(c.String("plays"))
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(c.Root().ErrWriter, &slog.HandlerOptions{Level: slog.LevelError}))
	for seed := range uint64(max(1, c.Int("seeds"))) {
		for _, name := range names {
			s, err := scenario.Open(name)
			if err != nil {
				return err
			}
			if score.Has(s.Name, c.Uint64("first-seed")+seed) {
				continue
			}
			r, err := fleet.Play(ctx, s, fleet.Options{Seed: c.Uint64("first-seed") + seed, Speed: c.Float("speed"), Log: log})
			if err != nil {
				return fmt.Errorf("play %s: %w", name, err)
			}
			score.Plays = append(score.Plays, r)
			if err := keepPlay(c.String("plays"), r); err != nil {
				return err
			}
			fmt.Fprintf(c.Root().ErrWriter, "%s, seed %d: %s\n", r.Scenario, r.Seed, r.Line())
		}
	}
	if c.Bool("markdown") {
		return score.WriteMarkdown(c.Root().Writer)
	}
	return printResult(c, score, score.WriteText)
}

// played reads plays of earlier runs.
func played(file string) (*fleet.Score, error) {
	score := &fleet.Score{}
	if file == "" {
		return score, nil
	}
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return score, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for dec := json.NewDecoder(f); ; {
		r := new(fleet.Result)
		if err := dec.Decode(r); err == io.EOF {
			return score, nil
		} else if err != nil {
			return nil, fmt.Errorf("read plays of %s: %w", file, err)
		}
		score.Plays = append(score.Plays, r)
	}
}

func keepPlay(file string, r *fleet.Result) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = json.NewEncoder(f).Encode(r)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
