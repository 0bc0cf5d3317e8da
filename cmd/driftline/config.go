package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/config"
)

// loadConfig reads the file that -config names.
func loadConfig(c *cli.Command) (app.Config, error) {
	cfg := app.DefaultConfig()
	return cfg, config.Load(c.String("config"), &cfg)
}

func configFlag(required bool) cli.Flag {
	return &cli.StringFlag{
		Name: "config", Aliases: []string{"c"}, Required: required, TakesFile: true,
		Usage: "configuration `FILE`", Sources: cli.EnvVars("DRIFTLINE_CONFIG"),
	}
}

func checkConfigCommand() *cli.Command {
	return &cli.Command{
		Name:      "check-config",
		Usage:     "say what is wrong with a configuration file, all at once",
		ArgsUsage: "FILE",
		Action: func(_ context.Context, c *cli.Command) error {
			file, err := onlyArg(c, "FILE")
			if err != nil {
				return err
			}
			cfg := app.DefaultConfig()
			if err := config.Load(file, &cfg); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.Root().Writer, "%s: ok\n", file)
			return err
		},
	}
}

func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "show the configuration and what it may hold",
		Commands: []*cli.Command{
			{Name: "schema", Usage: "print the JSON Schema, for editors", Action: printSchema},
			{
				Name: "dump", Usage: "print the configuration in force as YAML, with comments and without secrets",
				Flags:  []cli.Flag{configFlag(false), &cli.BoolFlag{Name: "defaults", Usage: "print the defaults instead of a file"}},
				Action: dumpConfig,
			},
			{
				Name: "diff", Usage: "print only what differs from the defaults",
				Flags: []cli.Flag{configFlag(true)}, Action: diffConfig,
			},
		},
	}
}

func printSchema(_ context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	text, err := config.Schema(app.DefaultConfig(), app.ConfigSources()...)
	if err != nil {
		return err
	}
	_, err = c.Root().Writer.Write(text)
	return err
}

func dumpConfig(_ context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if c.Bool("defaults") == (c.String("config") != "") {
		return fmt.Errorf("give either --config FILE or --defaults")
	}
	cfg := app.DefaultConfig()
	if !c.Bool("defaults") {
		if err := config.Load(c.String("config"), &cfg); err != nil {
			return err
		}
	}
	return config.Dump(c.Root().Writer, cfg, app.ConfigSources()...)
}

func diffConfig(_ context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	return config.Diff(c.Root().Writer, cfg, app.DefaultConfig(), app.ConfigSources()...)
}
