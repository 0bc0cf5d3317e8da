package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/dlq"
	"github.com/driftline/driftline/internal/kafka"
)

func dlqCommand() *cli.Command {
	return &cli.Command{
		Name:  "dlq",
		Usage: "see the records that could not be stored, and send them again",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "count dead letters by reason and list them",
				Flags:  dlqFlags(&cli.IntFlag{Name: "limit", Usage: "list at most `N`; 0 lists all", Value: 100}),
				Action: listLetters,
			},
			{
				Name: "show", Usage: "show the first dead letter that matches, with headers and value",
				Flags: dlqFlags(), Action: showLetter,
			},
			{
				Name: "replay", Usage: "send dead letters back to their topic, each once however often it runs",
				Flags: dlqFlags(
					&cli.IntFlag{Name: "limit", Usage: "send at most `N`; 0 sends all"},
					&cli.BoolFlag{Name: "dry-run", Usage: "send nothing, print what would be sent"},
					&cli.StringFlag{Name: "to", Usage: "send to `TOPIC` instead"},
					&cli.BoolFlag{Name: "force", Usage: "send also what was replayed before"},
				),
				Action: replayLetters,
			},
		},
	}
}

// dlqFlags are the flags of every dlq command, and its own.
func dlqFlags(own ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		configFlag(true),
		&cli.StringFlag{Name: "topic", Usage: "`TOPIC` that the records came from, one of ingest.topics"},
		&cli.StringFlag{Name: "reason", Usage: "only `REASON`, such as bad_json"},
		&cli.Int32Flag{Name: "partition", Usage: "only records of partition `P`"},
		&cli.Int64Flag{Name: "offset", Usage: "only the record at offset `N`; short for --from-offset N --to-offset N"},
		&cli.Int64Flag{Name: "from-offset", Usage: "only records at offset `N` and after"},
		&cli.Int64Flag{Name: "to-offset", Usage: "only records up to offset `N`, inclusive"},
		&cli.StringFlag{Name: "since", Usage: "only records of `TIME` and after: RFC 3339, a date, or a duration ago such as 2h"},
		&cli.StringFlag{Name: "until", Usage: "only records before `TIME`"},
		&cli.StringFlag{Name: "contains", Usage: "only errors that contain `TEXT`"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table or json", Value: "table"},
	}, own...)
}

func listLetters(ctx context.Context, c *cli.Command) error {
	box, f, err := openBox(c)
	if err != nil {
		return err
	}
	listing, err := box.List(ctx, f, c.Int("limit"))
	if err != nil {
		return err
	}
	return output(c, listing, listingTable)
}

func showLetter(ctx context.Context, c *cli.Command) error {
	box, f, err := openBox(c)
	if err != nil {
		return err
	}
	shown, err := box.Show(ctx, f)
	if errors.Is(err, dlq.ErrNone) {
		return fmt.Errorf("%w; see driftline dlq list --topic %s", err, c.String("topic"))
	}
	if err != nil {
		return err
	}
	return output(c, shown, letterTable)
}

func replayLetters(ctx context.Context, c *cli.Command) error {
	box, f, err := openBox(c)
	if err != nil {
		return err
	}
	report, failed := box.Replay(ctx, dlq.ReplayOptions{
		Filter: f, To: c.String("to"), Limit: c.Int("limit"), Force: c.Bool("force"), DryRun: c.Bool("dry-run"),
	})
	if failed != nil && report.Sent == 0 {
		return failed
	}
	if err := output(c, report, reportTable); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("%w; %d letters were sent before, and running this again goes on after them", failed, report.Sent)
	}
	return nil
}

// openBox reads what all dlq commands share.
func openBox(c *cli.Command) (*dlq.Box, dlq.Filter, error) {
	if err := noArgs(c); err != nil {
		return nil, dlq.Filter{}, err
	}
	if format := c.String("output"); format != "table" && format != "json" {
		return nil, dlq.Filter{}, fmt.Errorf("unsupported output %q; supported: table, json", format)
	}
	if c.Int("limit") < 0 {
		return nil, dlq.Filter{}, fmt.Errorf("limit is %d; give 0 for all, or more", c.Int("limit"))
	}
	f, err := dlqFilter(c, time.Now())
	if err != nil {
		return nil, f, err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, f, err
	}
	topic, err := inputTopic(cfg, c.String("topic"))
	if err != nil {
		return nil, f, err
	}
	k, err := reachableKafka(cfg)
	return dlq.New(k, topic, cfg.Ingest.LetterKeys...), f, err
}

func dlqFilter(c *cli.Command, now time.Time) (f dlq.Filter, err error) {
	f.Reason, f.Contains = c.String("reason"), c.String("contains")
	if c.IsSet("partition") {
		f.Partition = new(c.Int32("partition"))
	}
	if c.IsSet("offset") && (c.IsSet("from-offset") || c.IsSet("to-offset")) {
		return f, errors.New("give either --offset, or --from-offset and --to-offset")
	}
	for name, bounds := range map[string][]**int64{
		"offset": {&f.FromOffset, &f.ToOffset}, "from-offset": {&f.FromOffset}, "to-offset": {&f.ToOffset},
	} {
		for _, bound := range bounds {
			if c.IsSet(name) {
				*bound = new(c.Int64(name))
			}
		}
	}
	if f.Since, err = moment("since", c.String("since"), now); err != nil {
		return f, err
	}
	if f.Until, err = moment("until", c.String("until"), now); err != nil {
		return f, err
	}
	return f, f.Validate()
}

// moment reads a point in time; zero when none is given.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %q is no time; give 2026-03-01T12:00:00Z, 2026-03-01 or a duration ago such as 2h", flag, text)
}

// inputTopic checks that a topic is one of the configuration.
func inputTopic(cfg app.Config, topic string) (string, error) {
	var names []string
	for _, t := range cfg.Ingest.Topics {
		names = append(names, t.Topic)
	}
	all := strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return "", errors.New("ingest.topics is empty, so nothing has dead letters")
	case topic == "":
		return "", fmt.Errorf("--topic is missing; configured topics: %s", all)
	case slices.Contains(names, topic):
		return topic, nil
	}
	for _, name := range names {
		if topic == kafka.DLQ(name) {
			return "", fmt.Errorf("%s holds the dead letters of %s; give --topic %s", topic, name, name)
		}
	}
	for _, name := range names {
		if levenshtein.ComputeDistance(topic, name) <= 2 {
			return "", fmt.Errorf("unknown topic %q; did you mean %q? configured topics: %s", topic, name, all)
		}
	}
	return "", fmt.Errorf("unknown topic %q; configured topics: %s", topic, all)
}

// reachableKafka is the connection from a process beside the service: an
// embedded Kafka is reached where it listens.
func reachableKafka(cfg app.Config) (kafka.Config, error) {
	if !cfg.Embedded.Kafka.Enabled {
		return cfg.Kafka, nil
	}
	listen := cfg.Embedded.Kafka.Listen
	if strings.HasSuffix(listen, ":0") {
		return cfg.Kafka, fmt.Errorf("embedded.kafka.listen is %s, a free port that only the running service knows; give it a fixed port", listen)
	}
	cfg.Kafka.Brokers = []string{listen}
	return cfg.Kafka, nil
}
