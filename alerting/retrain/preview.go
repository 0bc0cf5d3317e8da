package retrain

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Preview is what would be decided about one open incident now.
type Preview struct {
	Tenant     string            `json:"tenant"`
	Model      string            `json:"model"`
	IncidentID string            `json:"incident_id"`
	Onset      time.Time         `json:"onset"`
	Cause      schemas.CauseKind `json:"cause"`    // of its diagnosis; empty without one
	Decision   string            `json:"decision"` // fire, waiting, withheld, asked or dry_run; or how far its retraining is
	Reason     string            `json:"reason"`
	Detail     string            `json:"detail"`
}

// Preview judges every open incident of the configured models by the same
// guard as Round, and changes nothing.
func (r *Runner) Preview(ctx context.Context) ([]Preview, error) {
	b, err := r.board(ctx)
	if err != nil {
		return nil, err
	}
	out := []Preview{}
	for at, inc := range b.incidents {
		if inc.State == schemas.IncidentResolved {
			continue
		}
		p := Preview{Tenant: at.Tenant, Model: at.Model, IncidentID: at.incident, Onset: inc.Onset}
		if inc.Diagnosis != nil && len(inc.Diagnosis.Causes) > 0 {
			p.Cause = inc.Diagnosis.Causes[0].Kind
		}
		row := schemas.Retraining{Tenant: at.Tenant, Model: at.Model, IncidentID: at.incident, Key: Key(at.ModelKey, at.incident), SeenAt: r.now()}
		if known := b.rows[at]; known != nil {
			row = *known
		}
		if p.Decision, p.Reason, p.Detail = string(row.State), row.Reason, row.Detail; decided(row.State) {
			d, err := r.assess(ctx, b, r.models[at.ModelKey], inc, &row)
			if err != nil {
				return nil, err
			}
			p.Decision, p.Reason, p.Detail = d.word(), string(d.Reason), d.Detail
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Preview) int {
		return cmp.Or(a.Onset.Compare(b.Onset), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Model, b.Model), cmp.Compare(a.IncidentID, b.IncidentID))
	})
	return out, nil
}
