package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/driftline/driftline/schemas"
)

func (s *Server) retrainings(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/retrainings", "list-retrainings", "How far retrainings are, and why others were withheld", Viewer),
		func(ctx context.Context, in *struct {
			Tenant string `query:"tenant" maxLength:"200"`
			Model  string `query:"model" maxLength:"200"`
		},
		) (*Body[Page[schemas.Retraining]], error) {
			tenant, err := from(ctx).of(in.Tenant)
			if err != nil {
				return nil, err
			}
			all, err := s.DB.Retrainings(ctx)
			if err != nil {
				return nil, s.failed("reading retrainings", err)
			}
			var seen []schemas.Retraining
			for _, r := range all {
				if (tenant == "" || r.Tenant == tenant) && (in.Model == "" || r.Model == in.Model) {
					seen = append(seen, r)
				}
			}
			return answer(Page[schemas.Retraining]{Items: list(seen)}), nil
		})
	decide := op(http.MethodPost, "/incidents/{id}/retraining", "decide-retraining", "Approve or deny the retraining for an incident; the guard still judges it", Operator, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity)
	decide.DefaultStatus = http.StatusCreated
	huma.Register(api, decide, func(ctx context.Context, in *struct {
		IncidentPath
		Body struct {
			Decision string `json:"decision" enum:"approval,denial"`
			Comment  string `json:"comment" minLength:"1" maxLength:"4000"`
		}
	},
	) (*Body[schemas.RetrainingEntry], error) {
		inc, err := s.incident(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		all, err := s.DB.Retrainings(ctx)
		if err != nil {
			return nil, s.failed("reading retrainings", err)
		}
		at := slices.IndexFunc(all, func(r schemas.Retraining) bool { return r.IncidentID == inc.ID && r.ModelKey() == inc.ModelKey() })
		switch {
		case at < 0:
			return nil, huma.Error404NotFound("no retraining was considered for incident " + inc.ID)
		case all[at].DecidedAt != nil:
			return nil, huma.Error409Conflict(fmt.Sprintf("the retraining for incident %s is %s; nothing is left to say", inc.ID, all[at].State))
		}
		e := schemas.RetrainingEntry{
			Time: time.Now().UTC().Truncate(time.Millisecond), Tenant: inc.Tenant, Model: inc.Model, IncidentID: inc.ID,
			Kind: in.Body.Decision, State: string(all[at].State), Detail: in.Body.Comment, Actor: from(ctx).name, Key: all[at].Key,
		}
		if err := s.note(ctx, e.Tenant, "retraining."+e.Kind, "incident/"+inc.ID, e); err != nil {
			return nil, err
		}
		if err := s.DB.Audit(ctx, e); err != nil {
			return nil, s.failed("storing the decision", err)
		}
		return answer(e), nil
	})
}
