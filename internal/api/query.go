package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/driftline/driftline/internal/query"
)

// rawJSON is an answer that is JSON already.
type rawJSON struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func jsonResponse(description string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object"}}}}}
}

// queries answers what the console and dashboards show.
func (s *Server) queries(api huma.API) {
	ask := op(http.MethodPost, "/query", "query", "Ask for what dashboards show, as Grafana's data frames", Viewer, http.StatusUnprocessableEntity)
	ask.Responses = jsonResponse("results by refId, each with status, frames or error")
	huma.Register(api, ask, func(ctx context.Context, in *struct{ Body query.Request }) (*rawJSON, error) {
		found, err := s.asker(ctx).AskAll(ctx, in.Body)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity(err.Error())
		}
		for ref, a := range found.Results {
			if a.Status > 500 {
				s.Log.Warn("API", "what", "query", "ref", ref, "err", a.Error)
				a.Error = "the store failed; the log of the service says why. Try again"
				if a.Status == http.StatusGatewayTimeout {
					a.Error = "this takes longer than api.timeout; ask for less time or fewer models"
				}
				found.Results[ref] = a
			}
		}
		text, err := json.Marshal(found)
		if err != nil {
			return nil, s.failed("writing frames", err)
		}
		return &rawJSON{"application/json", text}, nil
	})
	huma.Register(api, op(http.MethodGet, "/query/kinds", "list-query-kinds", "The kinds of question, and what each needs", Viewer),
		func(context.Context, *struct{}) (*Body[[]query.Kind], error) {
			return answer(query.Kinds()), nil
		})
	huma.Register(api, op(http.MethodGet, "/query/options/{name}", "list-query-options", "Values of one dimension in a time, for variables and filters", Viewer, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Name    string   `path:"name" maxLength:"40"`
			From    string   `query:"from" maxLength:"20" doc:"in milliseconds since 1970; a day before the end when left out"`
			To      string   `query:"to" maxLength:"20" doc:"in milliseconds since 1970; now when left out"`
			Tenant  []string `query:"tenant" maxItems:"100"`
			Model   []string `query:"model" maxItems:"100"`
			Version []string `query:"version" maxItems:"100"`
			Metric  []string `query:"metric" maxItems:"100"`
			Node    []string `query:"node" maxItems:"100"`
		},
		) (*Body[[]string], error) {
			of := query.Range{To: time.Now().Add(time.Hour)}
			if ms, err := strconv.ParseInt(in.To, 10, 64); err == nil {
				of.To = time.UnixMilli(ms)
			}
			of.From = of.To.Add(-25 * time.Hour)
			if ms, err := strconv.ParseInt(in.From, 10, 64); err == nil {
				of.From = time.UnixMilli(ms)
			}
			found, err := s.asker(ctx).Options(ctx, in.Name, of, map[string][]string{"tenant": in.Tenant, "model": in.Model, "version": in.Version, "metric": in.Metric, "node": in.Node})
			var m *query.Mistake
			switch {
			case errors.As(err, &m):
				return nil, huma.Error422UnprocessableEntity(err.Error())
			case err != nil:
				return nil, s.failed("reading options", err)
			}
			return answer(found), nil
		})
}

// asker for what the caller may see.
func (s *Server) asker(ctx context.Context) *query.Asker {
	return &query.Asker{DB: s.DB, Tenant: from(ctx).tenant}
}
