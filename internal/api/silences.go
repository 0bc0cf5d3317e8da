package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/driftline/driftline/schemas"
)

// NewSilence is what a caller wants kept back.
type NewSilence struct {
	Tenant   string    `json:"tenant,omitempty" maxLength:"200" doc:"whose incidents it holds for; empty: every tenant's"`
	Matchers []string  `json:"matchers" minItems:"1" maxItems:"20" doc:"such as severity=\"warning\"; all must match"`
	StartsAt time.Time `json:"starts_at,omitzero" doc:"now when left out"`
	EndsAt   time.Time `json:"ends_at"`
	Comment  string    `json:"comment" minLength:"1" maxLength:"4000"`
}

func (s *Server) silences(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/silences", "list-silences", "Silences that hold or will", Viewer),
		func(ctx context.Context, _ *struct{}) (*Body[Page[schemas.Silence]], error) {
			all, err := s.DB.Silences(ctx, time.Now())
			if err != nil {
				return nil, s.failed("reading silences", err)
			}
			var seen []schemas.Silence
			for _, one := range all {
				if one.Tenant == "" || from(ctx).sees(one.Tenant) {
					seen = append(seen, one)
				}
			}
			return answer(Page[schemas.Silence]{Items: list(seen)}), nil
		})
	add := op(http.MethodPost, "/silences", "add-silence", "Keep back what is told of incidents, for a time", Operator, http.StatusUnprocessableEntity)
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, add, func(ctx context.Context, in *struct{ Body NewSilence }) (*Body[schemas.Silence], error) {
		tenant, err := from(ctx).of(in.Body.Tenant)
		if err != nil {
			return nil, err
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		one, err := s.Add(schemas.Silence{
			Tenant: tenant, Matchers: in.Body.Matchers, StartsAt: in.Body.StartsAt.UTC(), EndsAt: in.Body.EndsAt.UTC(), Author: from(ctx).name, Comment: in.Body.Comment,
		}, now)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity(strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		return s.keep(ctx, "silence.add", one)
	})
	huma.Register(api, op(http.MethodDelete, "/silences/{id}", "expire-silence", "End a silence now", Operator, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"100"`
		},
		) (*Body[schemas.Silence], error) {
			now := time.Now().UTC().Truncate(time.Millisecond)
			all, err := s.DB.Silences(ctx, now)
			if err != nil {
				return nil, s.failed("reading silences", err)
			}
			for _, one := range all {
				if one.ID == in.ID && from(ctx).sees(one.Tenant) {
					return s.keep(ctx, "silence.expire", s.Expire(one, now))
				}
			}
			return nil, huma.Error404NotFound("no silence " + in.ID + " holds or will")
		})
}

func (s *Server) keep(ctx context.Context, action string, one schemas.Silence) (*Body[schemas.Silence], error) {
	if err := s.note(ctx, one.Tenant, action, "silence/"+one.ID, one); err != nil {
		return nil, err
	}
	if err := s.DB.PutSilence(ctx, one); err != nil {
		return nil, s.failed("storing the silence", err)
	}
	return answer(one), nil
}
