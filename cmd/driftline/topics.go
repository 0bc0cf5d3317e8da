package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/kafka"
)

func topicsCommand() *cli.Command {
	return &cli.Command{
		Name:  "topics",
		Usage: "make Driftline's topics in Kafka what the configuration says",
		Commands: []*cli.Command{{
			Name:  "apply",
			Usage: "create what is missing, add partitions, mend settings; safe to repeat, deletes nothing",
			Flags: []cli.Flag{
				configFlag(true),
				&cli.BoolFlag{Name: "dry-run", Usage: "change nothing, print what would be done"},
				&cli.StringFlag{Name: "principal", Usage: "also allow `PRINCIPAL`, such as User:driftline, what Driftline needs and no more"},
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table or json", Value: "table"},
			},
			Action: applyTopics,
		}},
	}
}

// topicsPlan is what topics apply prints.
type topicsPlan struct {
	Applied   bool              `json:"applied"`
	Topics    []kafka.TopicStep `json:"topics"`
	Principal string            `json:"principal"` // empty: no rights were asked for
	Grants    []kafka.Grant     `json:"grants"`
}

func applyTopics(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	form := c.String("output")
	if form != "table" && form != "json" {
		return fmt.Errorf("unsupported output %q; supported: table, json", form)
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if cfg.Embedded.Kafka.Enabled {
		return fmt.Errorf("embedded.kafka is enabled: its topics are made when it starts, and nobody else can reach it")
	}
	cl, err := cfg.Kafka.Dial()
	if err != nil {
		return err
	}
	defer cl.Close()
	var inputs []string
	for _, t := range cfg.Ingest.Topics {
		inputs = append(inputs, t.Topic)
	}
	plan := topicsPlan{Applied: !c.Bool("dry-run"), Principal: c.String("principal"), Grants: []kafka.Grant{}}
	if plan.Topics, err = kafka.PlanTopics(ctx, cl, cfg.Kafka.Topics.Own(inputs...)); err != nil {
		return err
	}
	if plan.Principal != "" {
		plan.Grants = cfg.Kafka.Grants(inputs...)
	}
	if err := plan.print(c, form); err != nil || !plan.Applied {
		return err
	}
	if err := kafka.ApplyTopics(ctx, cl, plan.Topics, cfg.Kafka.Topics.Replication); err != nil || plan.Principal == "" {
		return err
	}
	return kafka.ApplyGrants(ctx, cl, plan.Principal, plan.Grants)
}

func (p *topicsPlan) print(c *cli.Command, form string) error {
	if form == "json" {
		out := json.NewEncoder(c.Root().Writer)
		out.SetIndent("", "  ")
		return out.Encode(p)
	}
	w := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tACTION\tDETAIL")
	for _, s := range p.Topics {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Topic, s.Action, s.Detail)
	}
	if p.Principal != "" {
		fmt.Fprintf(w, "\nRIGHTS OF %s\tON\tOPERATIONS\n", p.Principal)
	}
	for _, g := range p.Grants {
		name := g.Name
		if g.Prefix {
			name += "*"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, g.Resource, strings.Join(g.Operations, ", "))
	}
	return w.Flush()
}
