package retrain

import (
	"context"

	"github.com/driftline/driftline/schemas"
)

// Revisions of the incident by which people are told about a retraining. A
// receiver that has one of them is not told of an earlier one.
const (
	RevisionApproval  = 1 // a person has to approve
	RevisionSettled   = 2 // that is settled
	RevisionEscalated = 3 // it failed, or did not help
	RevisionClosed    = 4 // the incident that it was for is over
)

// TellSuffix ends the ids of incidents about retrainings.
const TellSuffix = "-retrain"

// tell people, by an incident of its own beside the one that it is about.
func (r *Runner) tell(ctx context.Context, row *schemas.Retraining, about *schemas.Incident, revision uint64, severity schemas.Severity, title string) error {
	inc := schemas.Incident{Onset: row.SeenAt, OpenedAt: row.SeenAt}
	if about != nil {
		inc = *about
	}
	inc.ID, inc.Tenant, inc.Model, inc.Revision = row.IncidentID+TellSuffix, row.Tenant, row.Model, revision
	inc.State, inc.ResolvedAt, inc.Severity = schemas.IncidentOpen, nil, severity
	inc.Title, inc.Summary, inc.UpdatedAt = row.Model+": "+title, row.Detail, row.UpdatedAt
	if revision == RevisionSettled || revision == RevisionClosed {
		at := row.UpdatedAt
		inc.State, inc.ResolvedAt = schemas.IncidentResolved, &at
	}
	return r.o.Tell(ctx, inc)
}

// ask people to approve.
func (r *Runner) ask(ctx context.Context, row *schemas.Retraining) error {
	inc, err := r.store.Incident(ctx, row.ModelKey(), row.IncidentID)
	if err != nil {
		return err
	}
	return r.tell(ctx, row, inc, RevisionApproval, schemas.SeverityWarning, "retraining for "+row.IncidentID+" waits for approval")
}

// settleApproval takes the question back; when that fails somebody may see a
// question that is settled.
func (r *Runner) settleApproval(ctx context.Context, inc *schemas.Incident, row *schemas.Retraining) {
	told := *row
	r.wg.Go(func() {
		if err := r.tell(ctx, &told, inc, RevisionSettled, schemas.SeverityWarning, "retraining for "+told.IncidentID+": "+string(told.State)); err != nil {
			r.o.Log.Warn("take back the request for approval", "incident", told.IncidentID, "err", err)
		}
	})
}

// escalate a retraining that failed or did not help.
func (r *Runner) escalate(ctx context.Context, row *schemas.Retraining) error {
	inc, err := r.store.Incident(ctx, row.ModelKey(), row.IncidentID)
	if err != nil {
		return err
	}
	if err := r.tell(ctx, row, inc, RevisionEscalated, schemas.SeverityError, "retraining for "+row.IncidentID+": "+row.Detail); err != nil {
		return err
	}
	return r.moveOn(ctx, row, schemas.RetrainingEscalated, row.Reason, "%s", row.Detail)
}

// end an escalation with the incident that it is about.
func (r *Runner) end(ctx context.Context, row *schemas.Retraining) error {
	inc, err := r.store.Incident(ctx, row.ModelKey(), row.IncidentID)
	if err != nil || inc != nil && inc.State != schemas.IncidentResolved {
		return err
	}
	if err := r.tell(ctx, row, inc, RevisionClosed, schemas.SeverityError, "retraining for "+row.IncidentID+": the incident is over"); err != nil {
		return err
	}
	return r.moveOn(ctx, row, schemas.RetrainingClosed, row.Reason, "%s; the incident is over", row.Detail)
}
