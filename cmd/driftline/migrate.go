package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/app"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name:   "migrate",
		Usage:  "bring the tables in ClickHouse up to this version; safe to repeat",
		Flags:  []cli.Flag{configFlag(true)},
		Action: migrate,
	}
}

func migrate(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	log, err := newLog(c.Root().ErrWriter, cfg.Log)
	if err != nil {
		return err
	}
	return app.Migrate(ctx, cfg, c.Root().Writer, log)
}
