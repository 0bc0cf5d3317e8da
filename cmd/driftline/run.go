package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/selfmetrics"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run the service; SIGHUP makes it read its configuration again",
		Flags: []cli.Flag{
			configFlag(true),
			&cli.StringFlag{Name: "roles", Usage: "`ROLES` of this process: ingest, detect, correlate, alert, api (default: all)"},
			&cli.StringFlag{Name: "log-level", Usage: "`LEVEL` instead of log.level: debug, info, warn, error"},
		},
		Action: runService,
	}
}

func runService(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	roles, err := app.ParseRoles(c.String("roles"))
	if err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if level := c.String("log-level"); level != "" {
		cfg.Log.Level = level
	}
	log, err := newLog(c.Root().ErrWriter, cfg.Log)
	if err != nil {
		return err
	}
	log.Info("start", "build", selfmetrics.Build().String(), "roles", roles, "config", c.String("config"))
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	defer signal.Stop(asked)
	reload := app.Reload{Asked: asked, Load: func() (app.Config, error) {
		next, err := loadConfig(c)
		if level := c.String("log-level"); level != "" {
			next.Log.Level = level
		}
		return next, err
	}}
	if err := app.Run(ctx, cfg, roles, log, reload); err != nil {
		return err
	}
	log.Info("stopped", "cause", context.Cause(ctx))
	return nil
}
