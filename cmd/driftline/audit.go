package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/schemas"
)

func auditCommand() *cli.Command {
	since := &cli.StringFlag{Name: "since", Usage: "`TIME` from which on (default: the beginning)"}
	return &cli.Command{
		Name:  "audit",
		Usage: "see who did what, and whether anybody altered it since",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list the audit, chain by chain", Flags: clientFlags(since), Action: listAudit},
			{
				Name: "export", Usage: "print the audit as JSON lines, for an archive; the last line names the heads to keep elsewhere",
				Flags: clientFlags(since), Action: exportAudit,
			},
			{
				Name: "verify", Usage: "tell whether the audit is as it was written; exits 1 when it is not",
				Flags:  clientFlags(&cli.StringSliceFlag{Name: "head", Usage: "`HASH` kept elsewhere, which must be there"}),
				Action: verifyAudit,
			},
		},
	}
}

func fetchAudit(ctx context.Context, c *cli.Command) ([]schemas.AuditEntry, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	k, err := newClient(c)
	if err != nil {
		return nil, err
	}
	q, err := queryOf(c, "since")
	if err != nil {
		return nil, err
	}
	p, err := fetch[listOf[schemas.AuditEntry]](ctx, k, http.MethodGet, "/audit", q, nil)
	return p.Items, err
}

func listAudit(ctx context.Context, c *cli.Command) error {
	all, err := fetchAudit(ctx, c)
	if err != nil {
		return err
	}
	return output(c, all, func(w io.Writer, all []schemas.AuditEntry) error {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprint(t, "TIME\tCHAIN\tSEQ\tTENANT\tACTOR\tACTION\tOBJECT\tHASH\n")
		for i := range all {
			e := &all[i]
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%.12s\n", second(e.Time), e.Chain, e.Seq, printable(e.Tenant), printable(e.Actor), e.Action, printable(e.Object), e.Hash)
		}
		return t.Flush()
	})
}

func exportAudit(ctx context.Context, c *cli.Command) error {
	all, err := fetchAudit(ctx, c)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(c.Root().Writer)
	enc.SetEscapeHTML(false)
	heads := map[string]string{}
	for i := range all {
		heads[all[i].Chain] = all[i].Hash
		if err := enc.Encode(all[i]); err != nil {
			return err
		}
	}
	return enc.Encode(map[string]any{"heads": heads})
}

func verifyAudit(ctx context.Context, c *cli.Command) error {
	if err := noArgs(c); err != nil {
		return err
	}
	k, err := newClient(c)
	if err != nil {
		return err
	}
	q, err := queryOf(c)
	if err != nil {
		return err
	}
	for _, h := range c.StringSlice("head") {
		q.Add("head", h)
	}
	r, err := fetch[audit.Report](ctx, k, http.MethodGet, "/audit/verification", q, nil)
	if err != nil {
		return err
	}
	err = output(c, r, func(w io.Writer, r audit.Report) error {
		fmt.Fprintf(w, "%d entries in %d chains\n", r.Entries, r.Chains)
		for _, f := range r.Findings {
			fmt.Fprintf(w, "%s %d: %s\n", f.Chain, f.Seq, f.What)
		}
		return nil
	})
	if err == nil && len(r.Findings) > 0 {
		return errors.New("the audit is not as it was written")
	}
	return err
}
