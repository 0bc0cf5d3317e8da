package app

import (
	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/multivariate"
	"github.com/driftline/driftline/schemas"
)

// compareRows prepares the detectors over rows for the models that name any:
// the rows of their reference files are sampled once, those of windows are read
// from the store.
func (a *App) compareRows(refs []*schemas.Reference) (*multivariate.Comparer, error) {
	c := multivariate.NewComparer(a.db)
	for i := range a.cfg.Models {
		m := &a.cfg.Models[i]
		plan, err := detectors.NewPlan(a.cfg.Detect, *m)
		if err != nil {
			return nil, err
		}
		if len(plan.Joint()) == 0 {
			continue
		}
		for _, ref := range refs {
			if ref.ModelKey != m.Key() {
				continue
			}
			if m.Reference.File == "" {
				a.log.Warn("the reference is no file: detectors over rows have nothing to compare with and are left out", "model", m.Name, "detectors", plan.Joint())
				continue
			}
			rows, err := multivariate.LoadReference(plan, m)
			if err != nil {
				return nil, err
			}
			c.SetReference(ref, rows)
			a.log.Info("detectors over rows", "model", m.Name, "detectors", plan.Joint(), "features", len(rows.Columns), "reference_rows", len(rows.Values))
		}
	}
	return c, nil
}
