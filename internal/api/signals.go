package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// place of a signal in the list, as a cursor.
type signalPlace struct {
	End, Start                                         int64
	Tenant, Model, Feature, Detector, Version, Segment string
}

func (s *Server) signals(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/signals", "list-signals", "Verdicts of detectors, newest windows first", Viewer, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Span
			Tenant   string `query:"tenant" maxLength:"200"`
			Model    string `query:"model" maxLength:"200"`
			Version  string `query:"version" maxLength:"200"`
			Segment  string `query:"segment" maxLength:"200"`
			Feature  string `query:"feature" maxLength:"500"`
			Detector string `query:"detector" maxLength:"100"`
			State    string `query:"state" enum:"ok,alarm,insufficient,no_data"`
			Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
			Cursor   string `query:"cursor" maxLength:"4000"`
		},
		) (*Body[Page[schemas.Signal]], error) {
			tenant, err := from(ctx).of(in.Tenant)
			if err != nil {
				return nil, err
			}
			since, to, err := in.bounds(24 * time.Hour)
			if err != nil {
				return nil, err
			}
			after, err := decode[signalPlace](in.Cursor)
			if err != nil {
				return nil, err
			}
			f := store.SignalFilter{
				Tenant: tenant, Model: in.Model, Version: in.Version, Segment: in.Segment, Feature: in.Feature, Detector: in.Detector,
				State: schemas.State(in.State), From: since, To: to, Limit: in.Limit + 1,
			}
			if after != nil {
				f.After = &schemas.Signal{
					WindowEnd: time.UnixMilli(after.End), WindowStart: time.UnixMilli(after.Start), Tenant: after.Tenant, Model: after.Model,
					Feature: after.Feature, Detector: after.Detector, Version: after.Version, Segment: after.Segment,
				}
			}
			found, err := s.DB.FindSignals(ctx, f)
			if err != nil {
				return nil, s.failed("reading signals", err)
			}
			page := Page[schemas.Signal]{Items: list(found)}
			if len(found) > in.Limit {
				page.Items = found[:in.Limit]
				l := &page.Items[in.Limit-1]
				page.Next = encode(signalPlace{l.WindowEnd.UnixMilli(), l.WindowStart.UnixMilli(), l.Tenant, l.Model, l.Feature, l.Detector, l.Version, l.Segment})
			}
			return answer(page), nil
		})
}
