package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/internal/audit"
	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// Pipeline is how Driftline itself is, as far as the store and this process know.
type Pipeline struct {
	Version string         `json:"version"`
	Sources []store.Source `json:"sources"` // of the last hour
	Process string         `json:"process"` // metrics of this process, in the text format of Prometheus; for admins alone
}

// operations answers about the graph, changes, the pipeline, the audit and the
// configuration.
func (s *Server) operations(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/graph", "get-graph", "What depends on what, as records and configuration say", Viewer, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Span
			Tenant string `query:"tenant" maxLength:"200" doc:"default when left out"`
			Model  string `query:"model" maxLength:"200" doc:"all when left out"`
		},
		) (*Body[Page[graph.Edge]], error) {
			q := ModelQuery{Span: in.Span, Model: in.Model, Tenant: in.Tenant}
			key, err := q.key(from(ctx))
			if err != nil {
				return nil, err
			}
			since, to, err := in.bounds(time.Hour)
			if err != nil {
				return nil, err
			}
			edges, err := s.Graph(ctx, key.Tenant, key.Model, since, to)
			if err != nil {
				return nil, s.failed("reading the graph", err)
			}
			return answer(Page[graph.Edge]{Items: list(edges)}), nil
		})
	huma.Register(api, op(http.MethodGet, "/changes", "list-changes", "Deploys, settings, drivers and data that were changed, newest first", Viewer, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Span
			Tenant string `query:"tenant" maxLength:"200"`
			Model  string `query:"model" maxLength:"200"`
		},
		) (*Body[Page[schemas.Change]], error) {
			tenant, err := from(ctx).of(in.Tenant)
			if err != nil {
				return nil, err
			}
			since, to, err := in.bounds(7 * 24 * time.Hour)
			if err != nil {
				return nil, err
			}
			found, err := s.DB.Changes(ctx, tenant, in.Model, since, to, 1000)
			if err != nil {
				return nil, s.failed("reading changes", err)
			}
			return answer(Page[schemas.Change]{Items: list(found)}), nil
		})
	huma.Register(api, op(http.MethodGet, "/pipeline", "get-pipeline", "What comes in, and how Driftline is", Viewer),
		func(ctx context.Context, _ *struct{}) (*Body[Pipeline], error) {
			sources, err := s.DB.Sources(ctx, from(ctx).tenant, time.Now().Add(-time.Hour))
			if err != nil {
				return nil, s.failed("reading sources", err)
			}
			out := Pipeline{Version: s.Version, Sources: list(sources)}
			if from(ctx).role.may(Admin) && from(ctx).tenant == "" && s.Metrics != nil {
				var text bytes.Buffer
				s.Metrics.WritePrometheus(&text)
				out.Process = text.String()
			}
			return answer(out), nil
		})
	s.audits(api)
	s.configuration(api)
}

// audits answers about the audit. The chains hold what all tenants did, so a
// token of one tenant reads its own entries and cannot verify.
func (s *Server) audits(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/audit", "list-audit", "Who did what, chain by chain", Admin, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Since time.Time `query:"since" doc:"from the beginning when left out"`
		},
		) (*Body[Page[schemas.AuditEntry]], error) {
			all, err := s.DB.AuditLog(ctx, in.Since)
			if err != nil {
				return nil, s.failed("reading the audit", err)
			}
			var seen []schemas.AuditEntry
			for _, e := range all {
				if from(ctx).sees(e.Tenant) {
					seen = append(seen, e)
				}
			}
			return answer(Page[schemas.AuditEntry]{Items: list(seen)}), nil
		})
	huma.Register(api, op(http.MethodGet, "/audit/verification", "verify-audit", "Whether the audit is as it was written", Admin),
		func(ctx context.Context, in *struct {
			Head []string `query:"head" maxItems:"100" doc:"hashes kept elsewhere; each must be there"`
		},
		) (*Body[audit.Report], error) {
			if from(ctx).tenant != "" {
				return nil, huma.Error403Forbidden("the audit is of all tenants; this token is for one")
			}
			all, err := s.DB.AuditLog(ctx, time.Unix(0, 0))
			if err != nil {
				return nil, s.failed("reading the audit", err)
			}
			return answer(audit.Verify(all, in.Head...)), nil
		})
}

func (s *Server) configuration(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/config", "get-config", "The configuration in force, without secrets", Admin),
		func(ctx context.Context, _ *struct{}) (*Body[struct {
			YAML string `json:"yaml"`
		}], error,
		) {
			if from(ctx).tenant != "" {
				return nil, huma.Error403Forbidden("the configuration is of all tenants; this token is for one")
			}
			text, err := s.Config()
			if err != nil {
				return nil, s.failed("writing the configuration", err)
			}
			return answer(struct {
				YAML string `json:"yaml"`
			}{text}), nil
		})
	reload := op(http.MethodPost, "/config/reload", "reload-config", "Read the configuration file again, as SIGHUP does; whether it was taken is in the log, the metrics and the audit", Admin, http.StatusConflict)
	reload.DefaultStatus = http.StatusAccepted
	huma.Register(api, reload, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		if from(ctx).tenant != "" {
			return nil, huma.Error403Forbidden("the configuration is of all tenants; this token is for one")
		}
		if s.Reload == nil {
			return nil, huma.Error409Conflict("this process cannot reload: it was not started by driftline run")
		}
		if err := s.note(ctx, "", "config.reload", "config", nil); err != nil {
			return nil, err
		}
		if err := s.Reload(); err != nil {
			return nil, huma.Error409Conflict(err.Error())
		}
		return nil, nil
	})
}
