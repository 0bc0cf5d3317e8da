package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// loadReferences reads the reference files of all models and stores each under
// its version, so that every signal names a reference that can be looked up.
// References of production are made later, for the windows that need them.
func (a *App) loadReferences(ctx context.Context) ([]*schemas.Reference, error) {
	var refs []*schemas.Reference
	var errs []error
	for i := range a.cfg.Models {
		m := &a.cfg.Models[i]
		if _, ok := m.Production(); ok {
			a.log.Info("reference of production", "model", m.Name, "kind", m.Reference.Kind)
			continue
		}
		if m.Reference.File == "" {
			a.log.Warn("model has no reference: it is not evaluated", "tenant", m.Key().Tenant, "model", m.Name)
			continue
		}
		plan, err := detectors.NewPlan(a.cfg.Detect, *m)
		if err != nil {
			return nil, err
		}
		ref, err := detectors.LoadReference(plan, withoutLabel(m), func(r *schemas.Reference) (*schemas.Calibration, error) {
			stored, err := a.db.Reference(ctx, r.ModelKey, r.Name, r.Version)
			if stored == nil || err != nil {
				return nil, err
			}
			return stored.Calibration, nil
		})
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

// readImportance of features, once a start, for the models that name a file of it.
func (a *App) readImportance() error {
	models := slices.Clone(a.cfg.Models)
	var errs []error
	for i := range models {
		m, err := models[i].WithImportance()
		models[i] = m
		errs = append(errs, err)
	}
	a.cfg.Models = models
	return errors.Join(errs...)
}

// watched are the models that are compared with anything.
func (a *App) watched(refs []*schemas.Reference) (out []schemas.ModelKey) {
	for _, r := range refs {
		out = append(out, r.ModelKey)
	}
	for i := range a.cfg.Models {
		if _, ok := a.cfg.Models[i].Production(); ok {
			out = append(out, a.cfg.Models[i].Key())
		}
	}
	return out
}

// checkTogether refuses what a model and the detect section are not right for
// together, and references of production that is gone when they are made.
func (c *Config) checkTogether(model int) error {
	m := &c.Models[model]
	at := fmt.Sprintf("models[%d].", model)
	if err := m.CheckWith(c.Detect, at); err != nil {
		return err
	}
	keep := c.ClickHouse.Retention.Summaries
	if need, _ := m.Production(); keep > 0 && need > keep {
		return config.Faultf(at+"reference", "of kind %s needs production of up to %s before a window, which is more than clickhouse.retention.summaries, %s: raise the retention or take less",
			m.Reference.Kind, config.FormatDuration(need), config.FormatDuration(keep))
	}
	return nil
}

// calibratedOn is how many windows of its own history a reference is calibrated
// on.
func calibratedOn(r *schemas.Reference) int {
	if r.Calibration == nil {
		return 0
	}
	return r.Calibration.Windows
}
