package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// note writes to the audit what cannot be undone for want of it: a failure is
// logged and counted.
func (a *App) note(ctx context.Context, e audit.Entry) {
	if a.audit == nil {
		return
	}
	if err := a.audit.Write(ctx, e); err != nil && ctx.Err() == nil {
		a.set.GetOrCreateCounter("driftline_audit_failures_total").Inc()
		a.log.Error("audit", "action", e.Action, "object", e.Object, "err", err)
	}
}

// noteConfig writes the configuration that is in force from now on.
func (a *App) noteConfig(ctx context.Context) {
	text, err := configText(a.cfg)
	if err != nil {
		a.log.Error("write configuration for the audit", "err", err)
		return
	}
	sum := sha256.Sum256([]byte(text))
	a.note(ctx, audit.Entry{Action: "config.load", Object: "config", Detail: map[string]any{"roles": a.roles, "sha256": hex.EncodeToString(sum[:]), "yaml": text}})
}

// auditedRetraining writes what is decided about retraining to the audit too,
// before it is done.
type auditedRetraining struct {
	*clickhouse.DB
	log *audit.Log
}

// Audit appends to the log of retrainings and to the audit.
func (r auditedRetraining) Audit(ctx context.Context, e schemas.RetrainingEntry) error {
	if err := r.log.Write(ctx, audit.Entry{Tenant: e.Tenant, Actor: e.Actor, Action: "retraining." + e.Kind, Object: "incident/" + e.IncidentID, Detail: e}); err != nil {
		return err
	}
	return r.DB.Audit(ctx, e)
}

// deploys brings deployments, which arrive as changes, into the audit: once
// each, by the owner of the incidents.
type deploys struct {
	a    *App
	seen map[string]bool // by object; nil: not known yet
	next time.Time
}

// Deploys are looked for every deployEvery, among changes that are at most
// deployBack old by their own time.
const (
	deployEvery = 10 * time.Second
	deployBack  = 24 * time.Hour
)

// deployed is the action of the audit.
const deployed = "model.deploy"

func (d *deploys) tick(ctx context.Context, now time.Time) {
	if now.Before(d.next) {
		return
	}
	d.next = now.Add(deployEvery)
	if err := d.look(ctx, now); err != nil && ctx.Err() == nil {
		d.a.log.Warn("look for deployments; they are looked for again", "err", err)
	}
}

func (d *deploys) look(ctx context.Context, now time.Time) error {
	if d.seen == nil {
		past, err := d.a.db.AuditLog(ctx, now.Add(-2*deployBack))
		if err != nil {
			return err
		}
		d.seen = map[string]bool{}
		for _, e := range past {
			if e.Action == deployed {
				d.seen[e.Tenant+" "+e.Object] = true
			}
		}
	}
	changes, err := d.a.db.Changes(ctx, "", "", now.Add(-deployBack), now.Add(deployBack), 10_000)
	if err != nil {
		return err
	}
	for _, c := range changes {
		object := "change/" + c.ID
		if c.Kind != schemas.ChangeDeploy || d.seen[c.Tenant+" "+object] {
			continue
		}
		actor := c.Author
		if actor == "" {
			actor = "unknown"
		}
		if err := d.a.audit.Write(ctx, audit.Entry{Tenant: c.Tenant, Actor: actor, Action: deployed, Object: object, Detail: c}); err != nil {
			return err
		}
		d.seen[c.Tenant+" "+object] = true
	}
	return nil
}
