package app

import (
	"context"

	"github.com/driftline/driftline/detectors/outcomes"
)

// Judges are made anew, as a start of the app makes them.
func (a *App) Judges() ([]*outcomes.Judge, error) {
	refs, err := a.loadReferences(context.Background())
	if err != nil {
		return nil, err
	}
	return a.judges(refs)
}
