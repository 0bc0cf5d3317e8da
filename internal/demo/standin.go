package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// standIn gives incidents that the correlator has not diagnosed the diagnosis
// that is true by what was injected, until ctx ends: without any, nothing would
// be trained again. Where the correlator names causes it does nothing.
func standIn(ctx context.Context, a *app.App, injected []loadtest.Injected) error {
	every := time.NewTicker(retrainEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		open, err := a.DB().Incidents(ctx, schemas.IncidentOpen)
		for i := 0; err == nil && i < len(open); i++ {
			if inc := open[i]; inc.Diagnosis == nil {
				inc.Diagnosis = truth(injected, &inc)
				err = a.DB().PutIncident(ctx, inc)
			}
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// truth about an incident: the first fault that explains one of its features,
// in the order of the features' strength.
func truth(injected []loadtest.Injected, inc *schemas.Incident) *schemas.Diagnosis {
	span := schemas.Span{Start: inc.Onset, End: inc.Onset.Add(window)}
	for _, feature := range inc.Features {
		for _, in := range injected {
			if !in.Covers(inc.Model, feature) || !span.Overlaps(schemas.Span{Start: in.Start, End: in.End}) {
				continue
			}
			kind, retrain := schemas.CauseInput, slices.Contains(populations, in.Name)
			if retrain {
				kind = schemas.CauseData
			}
			cause := schemas.Cause{Kind: kind, Mechanism: in.Name, Title: in.Description, Confidence: 1, Score: 1, Onset: in.Start}
			return &schemas.Diagnosis{At: inc.UpdatedAt, Causes: []schemas.Cause{cause}, Retrain: retrain, Advice: fmt.Sprintf("The demo injected %s.", in.Name)}
		}
	}
	return &schemas.Diagnosis{At: inc.UpdatedAt, Causes: []schemas.Cause{{Kind: schemas.CauseUnobserved, Title: "nothing that was injected", Confidence: 1}}}
}
