// Command driftline watches AI systems in production: it turns inference logs,
// labels and telemetry from Kafka into drift signals, incidents and alerts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/agnivade/levenshtein"
	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/config"
)

// Exit codes. 78 is EX_CONFIG of sysexits.h.
const (
	exitOK     = 0
	exitFailed = 1
	exitConfig = 78
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr))
}

// run is the program with its surroundings as arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command()
	root.Writer, root.ErrWriter = stdout, stderr
	err := root.Run(ctx, args)
	var mistakes *config.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &mistakes): // one line each, fit for editors
		fmt.Fprintln(stderr, mistakes)
		return exitConfig
	default:
		fmt.Fprintln(stderr, "driftline:", err)
		return exitFailed
	}
}

func command() *cli.Command {
	return &cli.Command{
		Name:  "driftline",
		Usage: "finds drift and silent failures of AI systems, and their causes",
		Description: "A single dash works for long flags too: -config FILE.\n" +
			"Exit codes: 0 fine, 1 failed, 78 bad configuration.",
		Commands:        inherit(commands()),
		Action:          unknownCommand,
		OnUsageError:    usageError,
		ExitErrHandler:  func(context.Context, *cli.Command, error) {}, // run prints and exits
		HideHelpCommand: true,
		HideVersion:     true,
	}
}

// inherit gives every command below the root its way of reporting errors.
func inherit(commands []*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.OnUsageError, c.HideHelpCommand = usageError, true
		if len(c.Commands) > 0 {
			c.Action = unknownCommand
		}
		inherit(c.Commands)
	}
	return commands
}

// unknownCommand runs when no subcommand matched: help, and an error if there
// was something to match.
func unknownCommand(_ context.Context, c *cli.Command) error {
	if !c.Args().Present() {
		return cli.ShowSubcommandHelp(c)
	}
	name := c.Args().First()
	c.Root().Writer = c.Root().ErrWriter // help that nobody asked for
	if err := cli.ShowSubcommandHelp(c); err != nil {
		return err
	}
	for _, sub := range c.Commands {
		if levenshtein.ComputeDistance(name, sub.Name) <= 2 {
			return fmt.Errorf("unknown command %q; did you mean %q?", name, sub.Name)
		}
	}
	return fmt.Errorf("unknown command %q", name)
}

func usageError(_ context.Context, c *cli.Command, err error, _ bool) error {
	return fmt.Errorf("%w; see %s --help", err, c.FullName())
}
