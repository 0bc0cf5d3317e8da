package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

func silenceCommand() *cli.Command {
	return &cli.Command{
		Name:  "silence",
		Usage: "keep back what is told of some incidents, for a time",
		Commands: []*cli.Command{
			{
				Name: "add", Usage: "keep back incidents whose labels match", ArgsUsage: "MATCHER…",
				Description: `Matchers are Alertmanager's: severity="warning" 'model=~"credit.*"'. All must match.`,
				Flags: []cli.Flag{
					configFlag(true), outputFlag(),
					&cli.StringFlag{Name: "tenant", Usage: "only incidents of `TENANT` (default: of every tenant)"},
					&cli.DurationFlag{Name: "for", Usage: "`DURATION` from its start", Value: 2 * time.Hour},
					&cli.StringFlag{Name: "starts", Usage: "`TIME` from which it holds: RFC 3339 or a date (default: now)"},
					&cli.StringFlag{Name: "comment", Usage: "`TEXT` that says why", Required: true},
					&cli.StringFlag{Name: "author", Usage: "`NAME` of who answers for it (default: the user of this system)"},
				},
				Action: addSilence,
			},
			{
				Name: "list", Usage: "list silences that hold or will",
				Flags:  []cli.Flag{configFlag(true), outputFlag(), &cli.BoolFlag{Name: "all", Usage: "also those that are over"}},
				Action: listSilences,
			},
			{
				Name: "expire", Usage: "end silences now", ArgsUsage: "ID…",
				Flags:  []cli.Flag{configFlag(true), outputFlag()},
				Action: expireSilences,
			},
		},
	}
}

func addSilence(ctx context.Context, c *cli.Command) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := schemas.Silence{Tenant: c.String("tenant"), Matchers: c.Args().Slice(), Author: c.String("author"), Comment: c.String("comment")}
	var err error
	if s.StartsAt, err = moment("starts", c.String("starts"), now); err != nil {
		return err
	}
	if s.Author == "" {
		if u, err := user.Current(); err == nil {
			s.Author = u.Username
		}
	}
	if s.StartsAt.IsZero() {
		s.StartsAt = now
	}
	s.EndsAt = s.StartsAt.Add(c.Duration("for"))
	if s, err = alerting.NewSilence(s, now); err != nil {
		return fmt.Errorf("add silence: %w", err)
	}
	db, err := besideService(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := putSilences(ctx, db, "silence.add", s.Author, s); err != nil {
		return err
	}
	return output(c, []schemas.Silence{s}, silenceTable(now))
}

func listSilences(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	db, err := besideService(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	now := time.Now().UTC()
	after := now
	if c.Bool("all") {
		after = time.Time{}.AddDate(1969, 0, 0)
	}
	all, err := db.Silences(ctx, after)
	if err != nil {
		return err
	}
	if all == nil {
		all = []schemas.Silence{}
	}
	return output(c, all, silenceTable(now))
}

func expireSilences(ctx context.Context, c *cli.Command) error {
	ids := c.Args().Slice()
	if len(ids) == 0 {
		return errors.New("give at least one id; see driftline silence list")
	}
	db, err := besideService(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	now := time.Now().UTC().Truncate(time.Millisecond)
	all, err := db.Silences(ctx, now)
	if err != nil {
		return err
	}
	by := map[string]schemas.Silence{}
	for _, s := range all {
		by[s.ID] = s
	}
	var ended []schemas.Silence
	for _, id := range ids {
		s, ok := by[id]
		if !ok {
			return fmt.Errorf("no silence %q holds or will; see driftline silence list", id)
		}
		ended = append(ended, alerting.Expire(s, now))
	}
	if err := putSilences(ctx, db, "silence.expire", whoAmI(), ended...); err != nil {
		return err
	}
	return output(c, ended, silenceTable(now))
}

// putSilences writes to the audit what is done to silences, and does it.
func putSilences(ctx context.Context, db *clickhouse.DB, action, actor string, all ...schemas.Silence) error {
	log := audit.New(db)
	for _, s := range all {
		if err := log.Write(ctx, audit.Entry{Tenant: s.Tenant, Actor: actor, Action: action, Object: "silence/" + s.ID, Detail: s}); err != nil {
			return err
		}
		if err := db.PutSilence(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func silenceTable(now time.Time) func(io.Writer, []schemas.Silence) error {
	return func(w io.Writer, all []schemas.Silence) error {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprint(t, "ID\tSTATE\tTENANT\tMATCHERS\tSTARTS\tENDS\tAUTHOR\tCOMMENT\n")
		for i := range all {
			s := &all[i]
			state := "holds"
			if now.Before(s.StartsAt) {
				state = "to come"
			} else if !s.Active(now) {
				state = "over"
			}
			tenant := s.Tenant
			if tenant == "" {
				tenant = "(all)"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, state, printable(tenant), printable(strings.Join(s.Matchers, ", ")),
				second(s.StartsAt), second(s.EndsAt), printable(s.Author), printable(s.Comment))
		}
		return t.Flush()
	}
}

// besideService opens the tables from a process beside the service; an embedded
// store is reached where it listens.
func besideService(ctx context.Context, c *cli.Command) (*clickhouse.DB, error) {
	if format := c.String("output"); format != "table" && format != "json" {
		return nil, fmt.Errorf("unsupported output %q; supported: table, json", format)
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, err
	}
	if cfg, err = reachableStore(cfg); err != nil {
		return nil, err
	}
	db, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		return nil, err
	}
	if err := db.CheckSchema(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

func reachableStore(cfg app.Config) (app.Config, error) {
	e := cfg.Embedded.ClickHouse
	if !e.Enabled {
		return cfg, nil
	}
	if strings.HasSuffix(e.Listen, ":0") {
		return cfg, fmt.Errorf("embedded.clickhouse.listen is %s, a free port that only the running service knows; give it a fixed port", e.Listen)
	}
	cfg.ClickHouse.Addr = []string{e.Listen}
	return cfg, nil
}
