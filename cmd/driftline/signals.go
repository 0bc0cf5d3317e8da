package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/schemas"
)

func signalsCommand() *cli.Command {
	return &cli.Command{
		Name:  "signals",
		Usage: "see the verdicts of detectors",
		Commands: []*cli.Command{{
			Name: "list", Usage: "list signals, newest windows first; of the last day when no time is given",
			Flags: clientFlags(append(timeFlags(),
				&cli.StringFlag{Name: "tenant", Usage: "only of `TENANT`"},
				&cli.StringFlag{Name: "model", Usage: "only of `MODEL`"},
				&cli.StringFlag{Name: "version", Usage: "only of `VERSION`"},
				&cli.StringFlag{Name: "segment", Usage: "only of `SEGMENT`"},
				&cli.StringFlag{Name: "feature", Usage: "only of `FEATURE`"},
				&cli.StringFlag{Name: "detector", Usage: "only of `DETECTOR`"},
				&cli.StringFlag{Name: "state", Usage: "only in `STATE`: ok, alarm, insufficient, no_data"},
				&cli.IntFlag{Name: "limit", Usage: "`N` at most", Value: 100},
			)...),
			Action: listSignals,
		}},
	}
}

func listSignals(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	k, err := newClient(c)
	if err != nil {
		return err
	}
	q, err := queryOf(c, "from", "to", "tenant", "model", "version", "segment", "feature", "detector", "state")
	if err != nil {
		return err
	}
	all, err := fetchAll[schemas.Signal](ctx, k, "/signals", q, c.Int("limit"))
	if err != nil {
		return err
	}
	return output(c, all, func(w io.Writer, all []schemas.Signal) error {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprint(t, "WINDOW\tEND\tMODEL\tVERSION\tFEATURE\tDETECTOR\tSTATE\tSCORE\tTHRESHOLD\tP\tN\tWHY\n")
		for i := range all {
			s := &all[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.4g\t%.4g\t%.2g\t%d\t%s\n", second(s.WindowStart), second(s.WindowEnd), printable(s.Model), printable(s.Version),
				printable(s.Feature), s.Detector, s.State, s.Score, s.Threshold, s.PValue, s.NWindow, printable(s.Reason))
		}
		return t.Flush()
	})
}
