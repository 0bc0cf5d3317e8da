package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// Model is what there is to know of one at a glance.
type Model struct {
	store.ModelActivity
	Configured bool             `json:"configured"` // it is watched for drift
	Open       int              `json:"open"`       // incidents, acknowledged ones included
	Severity   schemas.Severity `json:"severity"`   // the worst of them; empty without any
	Title      string           `json:"title"`      // of that one
}

// ModelQuery asks about one model in a time.
type ModelQuery struct {
	Span
	Model  string `path:"model" maxLength:"200"`
	Tenant string `query:"tenant" maxLength:"200" doc:"of the model; default when left out"`
}

func (q *ModelQuery) key(who caller) (schemas.ModelKey, error) {
	tenant, err := who.of(q.Tenant)
	if tenant == "" {
		tenant = schemas.DefaultTenant
	}
	return schemas.ModelKey{Tenant: tenant, Model: q.Model}, err
}

func (s *Server) models(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/models", "list-models", "Models with what they were asked in the last day and how they are", Viewer),
		func(ctx context.Context, in *struct {
			Tenant string `query:"tenant" maxLength:"200"`
		},
		) (*Body[Page[Model]], error) {
			tenant, err := from(ctx).of(in.Tenant)
			if err != nil {
				return nil, err
			}
			all, err := s.fleet(ctx, tenant)
			if err != nil {
				return nil, s.failed("reading models", err)
			}
			return answer(Page[Model]{Items: list(all)}), nil
		})
	huma.Register(api, op(http.MethodGet, "/models/{model}/features", "list-features", "The newest verdict of each series of a model", Viewer, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *ModelQuery) (*Body[Page[schemas.Signal]], error) {
			key, since, to, err := in.read(ctx)
			if err != nil {
				return nil, err
			}
			found, err := s.DB.NewestSignals(ctx, key, since, to, 10_000)
			if err != nil {
				return nil, s.failed("reading features", err)
			}
			return answer(Page[schemas.Signal]{Items: list(found)}), nil
		})
	huma.Register(api, op(http.MethodGet, "/models/{model}/performance", "list-performance", "Realised and estimated performance by window, newest first", Viewer, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			ModelQuery
			Metric string `query:"metric" maxLength:"100"`
		},
		) (*Body[Page[schemas.OutcomeStats]], error) {
			key, since, to, err := in.read(ctx)
			if err != nil {
				return nil, err
			}
			found, err := s.DB.Outcomes(ctx, key, in.Metric, since, to, 10_000)
			if err != nil {
				return nil, s.failed("reading performance", err)
			}
			return answer(Page[schemas.OutcomeStats]{Items: list(found)}), nil
		})
	huma.Register(api, op(http.MethodGet, "/references", "list-references", "What windows are compared with", Viewer),
		func(ctx context.Context, in *struct {
			Tenant string `query:"tenant" maxLength:"200"`
			Model  string `query:"model" maxLength:"200"`
		},
		) (*Body[Page[store.StoredReference]], error) {
			tenant, err := from(ctx).of(in.Tenant)
			if err != nil {
				return nil, err
			}
			found, err := s.DB.References(ctx, tenant, in.Model, 1000)
			if err != nil {
				return nil, s.failed("reading references", err)
			}
			return answer(Page[store.StoredReference]{Items: list(found)}), nil
		})
}

func (q *ModelQuery) read(ctx context.Context) (key schemas.ModelKey, since, to time.Time, err error) {
	if key, err = q.key(from(ctx)); err == nil {
		since, to, err = q.bounds(24 * time.Hour)
	}
	return key, since, to, err
}

// fleet is all models of a tenant: those that were asked lately, and those that
// are configured.
func (s *Server) fleet(ctx context.Context, tenant string) ([]Model, error) {
	active, err := s.DB.Activity(ctx, tenant, time.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	open, err := s.DB.FindIncidents(ctx, store.IncidentFilter{Tenant: tenant, States: []schemas.IncidentState{schemas.IncidentOpen, schemas.IncidentAcknowledged}, Limit: 10_000})
	if err != nil {
		return nil, err
	}
	var out []Model
	at := map[schemas.ModelKey]int{}
	for _, m := range active {
		at[schemas.ModelKey{Tenant: m.Tenant, Model: m.Model}] = len(out)
		out = append(out, Model{ModelActivity: m})
	}
	for _, key := range s.Models {
		if tenant != "" && key.Tenant != tenant {
			continue
		}
		i, known := at[key]
		if !known {
			i, at[key] = len(out), len(out)
			out = append(out, Model{ModelActivity: store.ModelActivity{Tenant: key.Tenant, Model: key.Model, Versions: []string{}}})
		}
		out[i].Configured = true
	}
	for i := range open {
		if k, known := at[open[i].ModelKey()]; known {
			m := &out[k]
			if m.Open++; rank(open[i].Severity) > rank(m.Severity) {
				m.Severity, m.Title = open[i].Severity, open[i].Title
			}
		}
	}
	return out, nil
}

func rank(s schemas.Severity) int {
	return slices.Index([]schemas.Severity{schemas.SeverityInfo, schemas.SeverityWarning, schemas.SeverityError, schemas.SeverityCritical}, s)
}
