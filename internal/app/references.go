package app

import (
	"context"
	"errors"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// loadReferences reads the reference files of all models and stores each under
// its version, so that every signal names a reference that can be looked up.
func (a *App) loadReferences(ctx context.Context) ([]*schemas.Reference, error) {
	var refs []*schemas.Reference
	var errs []error
	for i := range a.cfg.Models {
		m := &a.cfg.Models[i]
		if m.Reference.File == "" {
			a.log.Warn("model has no reference: it is not evaluated", "tenant", m.Key().Tenant, "model", m.Name)
			continue
		}
		plan, err := detectors.NewPlan(a.cfg.Detect, *m)
		if err != nil {
			return nil, err
		}
		ref, err := detectors.LoadReference(plan, withoutLabel(m))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ref.CreatedAt = time.Now().UTC()
		if err := a.db.PutReference(ctx, &ref); err != nil {
			return nil, err
		}
		a.log.Info("reference", "model", m.Name, "reference", ref.ID(), "rows", ref.Rows, "features", len(ref.Features), "calibrated_on_windows", calibratedOn(&ref))
		refs = append(refs, &ref)
	}
	return refs, errors.Join(errs...)
}

// calibratedOn is how many windows of its own history a reference is calibrated
// on.
func calibratedOn(r *schemas.Reference) int {
	if r.Calibration == nil {
		return 0
	}
	return r.Calibration.Windows
}
