package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/alerting/retrain"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

func retrainCommand() *cli.Command {
	word := []cli.Flag{
		&cli.StringFlag{Name: "by", Usage: "`NAME` of who says so; default: who runs this"},
		&cli.StringFlag{Name: "comment", Usage: "`TEXT` for whoever reads the log"},
		&cli.StringFlag{Name: "tenant", Usage: "of the model, where the incident's id alone is not enough"},
		&cli.StringFlag{Name: "model", Usage: "where the incident's id alone is not enough"},
	}
	return &cli.Command{
		Name:  "retrain",
		Usage: "see why models are trained again or not, and approve it",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list retrainings and the decisions against them, newest first",
				Flags: retrainFlags(
					&cli.StringFlag{Name: "model", Usage: "only of `MODEL`"},
					&cli.StringFlag{Name: "state", Usage: "only in `STATE`, such as asked or withheld"},
				),
				Action: listRetrainings,
			},
			{
				Name: "approve", Usage: "let the retraining for an incident go ahead; the guard still judges it", ArgsUsage: "INCIDENT",
				Flags: retrainFlags(word...), Action: func(ctx context.Context, c *cli.Command) error { return sayWord(ctx, c, schemas.RetrainingApproval) },
			},
			{
				Name: "deny", Usage: "do not train again because of an incident", ArgsUsage: "INCIDENT",
				Flags: retrainFlags(word...), Action: func(ctx context.Context, c *cli.Command) error { return sayWord(ctx, c, schemas.RetrainingDenial) },
			},
			{
				Name: "dry-run", Usage: "say what would be decided about every open incident now, and do nothing",
				Flags: retrainFlags(), Action: previewRetrainings,
			},
		},
	}
}

func retrainFlags(own ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		configFlag(true),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table or json", Value: "table"},
	}, own...)
}

// openStore reads what all retrain commands share.
func openStore(c *cli.Command) (*clickhouse.DB, app.Config, error) {
	if format := c.String("output"); format != "table" && format != "json" {
		return nil, app.Config{}, fmt.Errorf("unsupported output %q; supported: table, json", format)
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, cfg, err
	}
	if e := cfg.Embedded.ClickHouse; e.Enabled {
		if strings.HasSuffix(e.Listen, ":0") {
			return nil, cfg, fmt.Errorf("embedded.clickhouse.listen is %s, a free port that only the running service knows; give it a fixed port", e.Listen)
		}
		cfg.ClickHouse.Addr = []string{e.Listen}
	}
	db, err := clickhouse.Open(cfg.ClickHouse)
	return db, cfg, err
}

func listRetrainings(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	db, _, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	all, err := db.Retrainings(ctx)
	if err != nil {
		return err
	}
	chosen := []schemas.Retraining{}
	for i := range all {
		r := all[len(all)-1-i]
		if cmp.Or(c.String("model"), r.Model) == r.Model && cmp.Or(c.String("state"), string(r.State)) == string(r.State) {
			chosen = append(chosen, r)
		}
	}
	return output(c, chosen, retrainingTable)
}

func retrainingTable(w io.Writer, all []schemas.Retraining) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "INCIDENT\tMODEL\tSTATE\tREASON\tSINCE\tCAUSE\tROWS\tTARGET\tRUN\tDETAIL\n")
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", printable(r.IncidentID), printable(r.Model), r.State, r.Reason, second(r.StateAt),
			cmp.Or(string(r.Cause), "-"), r.Rows, cmp.Or(r.Target, "-"), cmp.Or(printable(r.RunID), "-"), clip(printable(cmp.Or(r.Error, r.Detail)), 120))
	}
	return t.Flush()
}

// sayWord writes down what a person says; the service acts on it in its next
// round.
func sayWord(ctx context.Context, c *cli.Command, kind string) error {
	id, err := onlyArg(c, "INCIDENT")
	if err != nil {
		return err
	}
	db, _, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	all, err := db.Retrainings(ctx)
	if err != nil {
		return err
	}
	var found []schemas.Retraining
	for _, r := range all {
		if r.IncidentID == id && cmp.Or(c.String("tenant"), r.Tenant) == r.Tenant && cmp.Or(c.String("model"), r.Model) == r.Model {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("no retraining was considered for incident %s; see driftline retrain list", id)
	case len(found) > 1:
		return fmt.Errorf("incident %s has retrainings of %d models; give --tenant and --model", id, len(found))
	case found[0].DecidedAt != nil:
		return fmt.Errorf("the retraining for incident %s is %s since %s; nothing is left to say", id, found[0].State, second(found[0].StateAt))
	}
	r := found[0]
	e := schemas.RetrainingEntry{
		Time: time.Now().UTC(), Tenant: r.Tenant, Model: r.Model, IncidentID: id, Kind: kind, State: string(r.State), Detail: c.String("comment"), Actor: cmp.Or(c.String("by"), whoAmI()), Key: r.Key,
	}
	if err := audit.New(db).Write(ctx, audit.Entry{Tenant: e.Tenant, Actor: e.Actor, Action: "retraining." + kind, Object: "incident/" + id, Detail: e}); err != nil {
		return err
	}
	if err := db.Audit(ctx, e); err != nil {
		return err
	}
	return output(c, e, func(w io.Writer, e schemas.RetrainingEntry) error {
		_, err := fmt.Fprintf(w, "%s by %s for incident %s of %s; the service acts on it within retraining.every\n", e.Kind, printable(e.Actor), id, printable(e.Model))
		return err
	})
}

// whoAmI is the name of the account that runs the command.
func whoAmI() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func previewRetrainings(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	db, cfg, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	r, err := retrain.New(cfg.Retraining, db, retrain.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	found, err := r.Preview(ctx)
	if err != nil {
		return err
	}
	return output(c, found, previewTable)
}

func previewTable(w io.Writer, found []retrain.Preview) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "no open incident of a model in retraining.models")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "INCIDENT\tMODEL\tSINCE\tCAUSE\tDECISION\tREASON\tDETAIL\n")
	for _, p := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(p.IncidentID), printable(p.Model), second(p.Onset), cmp.Or(string(p.Cause), "-"), p.Decision, p.Reason, clip(printable(p.Detail), 160))
	}
	return t.Flush()
}
