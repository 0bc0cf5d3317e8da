package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/schemas"
)

func incidentsCommand() *cli.Command {
	deed := func(name, usage string, kind schemas.ActionKind, own ...cli.Flag) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, ArgsUsage: "INCIDENT…",
			Flags:  clientFlags(append(own, &cli.StringFlag{Name: "comment", Aliases: []string{"m"}, Usage: "`TEXT` for whoever reads it later"})...),
			Action: func(ctx context.Context, c *cli.Command) error { return actOn(ctx, c, kind) },
		}
	}
	return &cli.Command{
		Name:  "incidents",
		Usage: "see incidents and what causes them, and say what you do about them",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list incidents, newest onset first",
				Flags: clientFlags(append(timeFlags(),
					&cli.StringFlag{Name: "tenant", Usage: "only of `TENANT`"},
					&cli.StringFlag{Name: "model", Usage: "only of `MODEL`"},
					&cli.StringSliceFlag{Name: "state", Usage: "only in `STATE`: open, acknowledged, resolved"},
					&cli.IntFlag{Name: "limit", Usage: "`N` at most", Value: 50},
				)...),
				Action: listIncidents,
			},
			{
				Name: "show", Usage: "show an incident with its causes and its timeline", ArgsUsage: "INCIDENT",
				Flags: clientFlags(), Action: showIncident,
			},
			{
				Name: "export", Usage: "print all that is known of an incident as Markdown (or JSON, with -o json)", ArgsUsage: "INCIDENT",
				Flags: clientFlags(), Action: exportIncident,
			},
			deed("ack", "somebody is at it: no more reminders", schemas.ActionAcknowledge),
			deed("unack", "nobody is at it any more", schemas.ActionUnacknowledge),
			deed("mute", "tell nobody anything about it for a time", schemas.ActionMute, &cli.DurationFlag{Name: "for", Usage: "`DURATION` from now", Value: 4 * time.Hour}),
			deed("unmute", "tell people again", schemas.ActionUnmute),
			deed("comment", "add a note", schemas.ActionComment),
			deed("confirm", "it is real, and its first cause is right", schemas.ActionConfirm),
			deed("wrong-cause", "it is real, and its first cause is not", schemas.ActionWrongCause),
			deed("false-positive", "there is nothing: receivers hear that it is over", schemas.ActionFalsePositive),
		},
	}
}

func listIncidents(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	k, err := newClient(c)
	if err != nil {
		return err
	}
	q, err := queryOf(c, "from", "to", "tenant", "model")
	if err != nil {
		return err
	}
	if states := c.StringSlice("state"); len(states) > 0 {
		q.Set("state", strings.Join(states, ","))
	}
	all, err := fetchAll[schemas.Incident](ctx, k, "/incidents", q, c.Int("limit"))
	if err != nil {
		return err
	}
	return output(c, all, func(w io.Writer, all []schemas.Incident) error {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprint(t, "ID\tSTATE\tSEVERITY\tTENANT\tMODEL\tSINCE\tTITLE\n")
		for i := range all {
			inc := &all[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", inc.ID, stateOf(inc), inc.Severity, printable(inc.Tenant), printable(inc.Model), second(inc.Onset), printable(inc.Title))
		}
		return t.Flush()
	})
}

// stateOf an incident in a word or two.
func stateOf(inc *schemas.Incident) string {
	state := string(inc.State)
	if inc.Muted(time.Now()) != nil {
		state += ", muted"
	}
	if inc.FalsePositive() {
		state += ", false positive"
	}
	return state
}

func showIncident(ctx context.Context, c *cli.Command) error {
	x, err := theIncident(ctx, c)
	if err != nil {
		return err
	}
	return output(c, x, func(w io.Writer, x api.Export) error {
		inc := &x.Incident
		fmt.Fprintf(w, "%s  %s, %s\n%s\n\n%s\n", inc.ID, inc.Severity, stateOf(inc), printable(inc.Title), printable(inc.Summary))
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		if d := inc.Diagnosis; d != nil {
			fmt.Fprint(t, "\nCAUSE\tCONFIDENCE\tSINCE\tPATH\n")
			for i := range d.Causes {
				cause := &d.Causes[i]
				fmt.Fprintf(t, "%s\t%.0f %%\t%s\t%s\n", printable(cause.Title), 100*cause.Confidence, second(cause.Onset), printable(strings.Join(cause.Path, " → ")))
			}
		}
		fmt.Fprint(t, "\nTIME\tWHAT\tWHO\t\n")
		for _, m := range x.Timeline {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", second(m.Time), m.What, printable(m.Who), printable(m.Text))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "\ntouches %s\n", printable(strings.Join(x.BlastRadius, ", ")))
		return err
	})
}

func theIncident(ctx context.Context, c *cli.Command) (x api.Export, err error) {
	id, err := onlyArg(c, "INCIDENT")
	if err != nil {
		return x, err
	}
	k, err := newClient(c)
	if err != nil {
		return x, err
	}
	return fetch[api.Export](ctx, k, http.MethodGet, "/incidents/"+url.PathEscape(id)+"/export", nil, nil)
}

func exportIncident(ctx context.Context, c *cli.Command) error {
	x, err := theIncident(ctx, c)
	if err != nil {
		return err
	}
	return output(c, x, func(w io.Writer, x api.Export) error {
		_, err := io.WriteString(w, x.Markdown())
		return err
	})
}

func actOn(ctx context.Context, c *cli.Command, kind schemas.ActionKind) error {
	ids := c.Args().Slice()
	if len(ids) == 0 {
		return errors.New("give at least one incident; see driftline incidents list")
	}
	k, err := newClient(c)
	if err != nil {
		return err
	}
	deed := api.Deed{Kind: kind, Comment: c.String("comment")}
	if kind == schemas.ActionMute {
		until := time.Now().UTC().Add(c.Duration("for")).Truncate(time.Second)
		deed.Until = &until
	}
	done := []schemas.Action{}
	for _, id := range ids {
		a, err := fetch[schemas.Action](ctx, k, http.MethodPost, "/incidents/"+url.PathEscape(id)+"/actions", nil, deed)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		done = append(done, a)
	}
	return output(c, done, func(w io.Writer, done []schemas.Action) error {
		for _, a := range done {
			until := ""
			if a.Until != nil {
				until = " until " + second(*a.Until)
			}
			fmt.Fprintf(w, "%s: %s%s by %s\n", a.IncidentID, strings.ReplaceAll(string(a.Kind), "_", " "), until, printable(a.Author))
		}
		return nil
	})
}
