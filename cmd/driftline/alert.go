package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/selfmetrics"
)

func alertCommand() *cli.Command {
	return &cli.Command{
		Name:  "alert",
		Usage: "try receivers, and see where routes lead",
		Commands: []*cli.Command{
			{
				Name: "test", Usage: "send a marked test incident, opened and resolved, to one receiver and print what came back",
				Flags: []cli.Flag{
					configFlag(true), outputFlag(),
					&cli.StringFlag{Name: "receiver", Usage: "`NAME` of the receiver", Required: true},
				},
				Action: tryReceiver,
			},
			{
				Name: "route", Usage: "print the path of an incident through the routes, the receivers that are told, and why",
				Description: "Labels: tenant, model, version, severity, kind, detector, cause_kind, entity, owner.",
				Flags: []cli.Flag{
					configFlag(true), outputFlag(),
					&cli.StringSliceFlag{Name: "labels", Usage: "`LABELS` of the incident, such as severity=critical,model=credit"},
					&cli.StringFlag{Name: "at", Usage: "`TIME` for time intervals: RFC 3339, a date, or a duration ago (default: now)"},
				},
				Action: explainRoute,
			},
		},
	}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table or json", Value: "table"}
}

// checkOutput refuses arguments and unknown forms of output.
func checkOutput(c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if format := c.String("output"); format != "table" && format != "json" {
		return fmt.Errorf("unsupported output %q; supported: table, json", format)
	}
	return nil
}

func tryReceiver(ctx context.Context, c *cli.Command) error {
	if err := checkOutput(c); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	d, err := alerting.New(cfg.Alerting, nil, alerting.Options{Version: selfmetrics.Build().Version})
	if err != nil {
		return err
	}
	defer d.Close()
	t, err := d.Try(ctx, c.String("receiver"))
	if err != nil {
		return err
	}
	if err := output(c, t, tryoutTable); err != nil {
		return err
	}
	if !t.OK {
		return fmt.Errorf("receiver %s did not take the test", t.Receiver)
	}
	return nil
}

func tryoutTable(w io.Writer, t *alerting.Tryout) error {
	fmt.Fprintf(w, "%s (%s), incident %s\n\n", t.Receiver, t.Kind, t.Incident)
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(out, "ACTION\tKEY\tSTATUS\tMS\tANSWER\n")
	for _, m := range t.Messages {
		text := m.Answer
		if m.Error != "" {
			text = "failed: " + m.Error
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%.0f\t%s\n", m.Action, m.Key, m.Status, m.DurationMS, printable(text))
	}
	return out.Flush()
}

func explainRoute(_ context.Context, c *cli.Command) error {
	if err := checkOutput(c); err != nil {
		return err
	}
	labels, err := labelsFlag(c.StringSlice("labels"))
	if err != nil {
		return err
	}
	at, err := moment("at", c.String("at"), time.Now())
	if err != nil {
		return err
	}
	if at.IsZero() {
		at = time.Now()
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	e, err := alerting.Explain(cfg.Alerting, labels, at)
	if err != nil {
		return err
	}
	return output(c, e, routeTable)
}

func labelsFlag(pairs []string) (alerting.Labels, error) {
	out := alerting.Labels{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--labels: %q is no label; give name=value", pair)
		}
		out[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	if len(out) == 0 {
		return nil, errors.New("--labels is missing; give such as severity=critical,model=credit")
	}
	return out, nil
}

func routeTable(w io.Writer, e *alerting.Explanation) error {
	fmt.Fprintf(w, "%s\n\n", e.Labels)
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, s := range e.Steps {
		matched := "no "
		if s.Matched {
			matched = "yes"
		}
		fmt.Fprintf(out, "%s%s\t%s\t%s\t%s\n", strings.Repeat("  ", strings.Count(s.Route, ".routes")), s.Route, matched, s.Matchers, s.Why)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, r := range e.Routes {
		if !r.Told {
			fmt.Fprintf(w, "%s is not told: %s\n", r.Receiver, r.Why)
			continue
		}
		fmt.Fprintf(w, "%s is told%s\n", r.Receiver, timing(&r))
	}
	return nil
}

// timing says in words when a route tells.
func timing(r *alerting.RouteEnd) string {
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	if r.GroupWait == 0 && r.GroupInterval == 0 {
		return " at once"
	}
	text := fmt.Sprintf(" after %s, of news every %s", seconds(r.GroupWait), seconds(r.GroupInterval))
	if r.RepeatInterval > 0 {
		text += fmt.Sprintf(", again every %s", seconds(r.RepeatInterval))
	}
	if len(r.Group) == 0 {
		return text + ", together with all of this route"
	}
	return text + ", together with " + r.Group.Full()
}
