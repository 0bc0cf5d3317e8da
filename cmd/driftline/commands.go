package main

import (
	"fmt"

	"github.com/urfave/cli/v3"
)

// commands are all subcommands in the order of the help.
func commands() []*cli.Command {
	return []*cli.Command{
		runCommand(),
		checkConfigCommand(),
		configCommand(),
		migrateCommand(),
		topicsCommand(),
		healthCommand(),
		demoCommand(),
		backtestCommand(),
		evalCommand(),
		loadtestCommand(),
		incidentsCommand(),
		signalsCommand(),
		alertCommand(),
		silenceCommand(),
		explainCommand(),
		graphCommand(),
		dlqCommand(),
		retrainCommand(),
		auditCommand(),
		capacityCommand(),
		versionCommand(),
	}
}

// onlyArg is the single argument that a command takes.
func onlyArg(c *cli.Command, name string) (string, error) {
	if c.NArg() != 1 {
		return "", fmt.Errorf("want one argument %s, got %d; see %s --help", name, c.NArg(), c.FullName())
	}
	return c.Args().First(), nil
}

// noArgs refuses arguments: most often a flag's value that lost its flag.
func noArgs(c *cli.Command) error {
	if c.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see %s --help", c.Args().First(), c.FullName())
	}
	return nil
}
