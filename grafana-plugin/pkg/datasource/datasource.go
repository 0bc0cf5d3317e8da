// Package datasource is the back end of Driftline's data source for Grafana: it
// answers the kinds of question of internal/query from ClickHouse, lists their
// options, streams signals and incidents, and hands actions to Driftline's API.
package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
	"github.com/grafana/grafana-plugin-sdk-go/backend/tracing"
	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/sync/errgroup"

	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/query"
)

// ID of the data source, as in its plugin.json.
const ID = "driftline-datasource"

// Datasource is one configured data source.
type Datasource struct {
	backend.CallResourceHandler
	settings Settings
	db       *store.DB
	asker    *query.Asker
	hub      *hub
}

var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ backend.StreamHandler         = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// New makes a data source of its settings. Grafana calls it again when they
// change.
func New(_ context.Context, s backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	settings, err := settingsOf(s)
	if err != nil {
		return nil, backend.DownstreamError(err)
	}
	db, err := settings.open()
	if err != nil {
		return nil, backend.DownstreamError(err)
	}
	d := &Datasource{settings: settings, db: db, asker: &query.Asker{DB: db, Tenant: settings.Tenant}}
	d.hub = newHub(d.asker)
	d.CallResourceHandler = httpadapter.New(d.resources())
	return d, nil
}

// Dispose ends what the instance holds.
func (d *Datasource) Dispose() {
	d.hub.close()
	_ = d.db.Close()
}

// fromAlert is the header by which alert rules are known.
const fromAlert = "FromAlert"

// atOnce is how many questions of a request are asked of ClickHouse at once.
const atOnce = 4

// QueryData answers all questions of a request, each on its own.
func (d *Datasource) QueryData(ctx context.Context, req *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	out := backend.NewQueryDataResponse()
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, q := range req.Queries {
		g.Go(func() error {
			answer := d.answer(ctx, q, req.Headers[fromAlert] == "true")
			mu.Lock()
			defer mu.Unlock()
			out.Responses[q.RefID] = answer
			return nil
		})
	}
	return out, g.Wait()
}

func (d *Datasource) answer(ctx context.Context, q backend.DataQuery, alert bool) backend.DataResponse {
	var in query.Query
	if err := json.Unmarshal(q.JSON, &in); err != nil {
		return failed(http.StatusBadRequest, fmt.Errorf("the query is no JSON that is understood: %w", err))
	}
	ctx, span := tracing.DefaultTracer().Start(ctx, "driftline "+in.Kind)
	defer span.End()
	span.SetAttributes(attribute.String("kind", in.Kind), attribute.Bool("alert", alert))
	ctx, cancel := context.WithTimeout(ctx, d.settings.timeout())
	defer cancel()
	began := time.Now()
	frames, err := d.asker.Ask(ctx, in, query.Range{
		From: q.TimeRange.From, To: q.TimeRange.To, MaxPoints: int(q.MaxDataPoints), Interval: q.Interval, Alert: alert,
	})
	log.DefaultLogger.FromContext(ctx).Debug("query", "kind", in.Kind, "refId", q.RefID, "took", time.Since(began), "error", err)
	if err != nil {
		span.RecordError(err)
		return failed(query.Status(err), err)
	}
	for _, f := range frames {
		f.RefID = q.RefID
	}
	return backend.DataResponse{Status: backend.StatusOK, Frames: frames}
}

// failed is an answer that was not: by whoever asked, or by ClickHouse. Errors
// of the plugin itself are those that it does not expect.
func failed(status int, err error) backend.DataResponse {
	return backend.DataResponse{Status: backend.Status(status), Error: backend.DownstreamError(err), ErrorSource: backend.ErrorSourceDownstream}
}

// health is what a check found, beyond its message.
type health struct {
	Server    string   `json:"server"`
	Schema    string   `json:"schema"`           // ok, or what is wrong with it
	Readonly  bool     `json:"readonly"`         // the user may not write, which is enough
	SkewMS    int64    `json:"clockSkewMs"`      // of ClickHouse's clock against this one's
	LastEvent *float64 `json:"lastEventSeconds"` // ago; null: there is none of the last day
	API       string   `json:"api"`              // ok, not configured, or what is wrong
	Models    []string `json:"models,omitempty"`
}

// CheckHealth tells whether questions will be answered.
func (d *Datasource) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	ctx, cancel := context.WithTimeout(ctx, d.settings.timeout())
	defer cancel()
	h := health{Schema: "ok"}
	result := func(status backend.HealthStatus, format string, args ...any) (*backend.CheckHealthResult, error) {
		details, _ := json.Marshal(h)
		return &backend.CheckHealthResult{Status: status, Message: fmt.Sprintf(format, args...), JSONDetails: details}, nil
	}
	var now time.Time
	var readonly string
	began := time.Now()
	row := d.db.Conn().QueryRow(ctx, "SELECT version(), now64(3, 'UTC'), toString(getSetting('readonly'))")
	if err := row.Scan(&h.Server, &now, &readonly); err != nil {
		return result(backend.HealthStatusError, "ClickHouse at %s does not answer: %v", d.settings.Addr, err)
	}
	h.Readonly, h.SkewMS = readonly != "0", now.Sub(began).Milliseconds()
	models, err := d.asker.Options(ctx, "models", query.Range{From: time.Now().Add(-24 * time.Hour), To: time.Now().Add(time.Hour)}, nil)
	if err != nil {
		h.Schema = err.Error()
		return result(backend.HealthStatusError, "ClickHouse %s answers, but Driftline's tables cannot be read in database %q: %v. Run driftline migrate, and grant SELECT on it", h.Server, d.database(), err)
	}
	if h.Models = models; len(models) > 20 {
		h.Models = models[:20]
	}
	if found, err := d.db.Activity(ctx, d.settings.Tenant, time.Now().Add(-24*time.Hour)); err == nil {
		for _, m := range found {
			if ago := time.Since(m.LastEvent).Seconds(); h.LastEvent == nil || ago < *h.LastEvent {
				h.LastEvent = &ago
			}
		}
	}
	h.API = d.checkAPI(ctx)
	text := fmt.Sprintf("ClickHouse %s, %d models in the last day", h.Server, len(models))
	if h.LastEvent != nil {
		text += fmt.Sprintf(", newest event %s ago", time.Duration(*h.LastEvent*float64(time.Second)).Truncate(time.Second))
	}
	if !h.Readonly {
		text += "; the user may write, reading is enough"
	}
	if !slices.Contains([]string{"ok", "not configured"}, h.API) {
		return result(backend.HealthStatusError, "%s; but the API: %s", text, h.API)
	}
	return result(backend.HealthStatusOk, "%s", text)
}

func (d *Datasource) database() string {
	if d.settings.Database == "" {
		return store.DefaultConfig().Database
	}
	return d.settings.Database
}
