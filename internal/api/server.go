package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/VictoriaMetrics/metrics"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/internal/audit"
	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/console"
	"github.com/driftline/driftline/schemas"
)

// Options are what the API needs of the rest.
type Options struct {
	DB      *store.DB
	Audit   *audit.Log
	Live    *Live              // nil: nothing is streamed
	Models  []schemas.ModelKey // that are configured
	Graph   func(ctx context.Context, tenant, model string, from, until time.Time) ([]graph.Edge, error)
	Add     func(s schemas.Silence, now time.Time) (schemas.Silence, error) // a silence with a new id, checked
	Expire  func(s schemas.Silence, now time.Time) schemas.Silence          // a silence that ends now
	Config  func() (string, error)                                          // in force, without secrets
	Reload  func() error                                                    // asks for the configuration to be read again; nil: it cannot be
	Version string
	Log     *slog.Logger
	Metrics *metrics.Set
}

// Server answers until Close.
type Server struct {
	Options
	cfg   Config
	guard *guard
	http  *http.Server
	addr  string
	done  chan struct{}
}

// grace is how long Close waits for requests under way.
const grace = 3 * time.Second

// prefix of all paths.
const prefix = "/api/v1"

// Listen opens the API. The configuration must be valid, and Listen not empty.
func Listen(cfg Config, o Options) (*Server, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open API: %w", err)
	}
	s := &Server{Options: o, cfg: cfg, guard: newGuard(cfg), addr: l.Addr().String(), done: make(chan struct{})}
	s.http = &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	serve := s.http.Serve
	if cfg.Cert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.Key)
		if err != nil {
			_ = l.Close()
			return nil, fmt.Errorf("open API: %w", err)
		}
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if s.guard.local {
		o.Log.Warn("the API has no tokens: everybody on this machine may do everything", "api", s.addr)
	}
	go func() {
		defer close(s.done)
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("API ended", "err", err)
		}
	}()
	return s, nil
}

// Addr is host:port as bound.
func (s *Server) Addr() string { return s.addr }

// Close finishes the requests under way, for a few seconds at most.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.http.Shutdown(ctx) != nil { // a stream lasts as long as its reader wants
		_ = s.http.Close()
	}
	<-s.done
}

// Handler answers everything under the prefix, and the console at the root.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.describe(mux)
	mux.Handle("/", console.Handler())
	return headers(mux)
}

// OpenAPI is the description that is served.
func OpenAPI() ([]byte, error) {
	api := (&Server{guard: &guard{}}).describe(http.NewServeMux())
	return api.OpenAPI().MarshalJSON()
}

// describe registers all operations.
func (s *Server) describe(mux *http.ServeMux) huma.API {
	cfg := huma.DefaultConfig("Driftline", "v1")
	cfg.Info.Description = "Drift, its incidents and their causes, and what people do about them. Times are RFC 3339 in UTC."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = prefix+"/openapi", "", "", nil
	cfg.RejectUnknownQueryParameters = true
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	api := humago.New(mux, cfg)
	api.UseMiddleware(s.admit(api))
	s.models(api)
	s.signals(api)
	s.incidents(api)
	s.silences(api)
	s.retrainings(api)
	s.operations(api)
	s.queries(api)
	s.stream(api)
	return api
}

// needs is the metadata that names an operation's role.
const needs = "role"

// op describes an operation.
func op(method, path, id, summary string, role Role, errs ...int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: prefix + path, Summary: summary, Description: "Needs the role " + string(role) + ".",
		Errors: append([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}, errs...), MaxBodyBytes: 64 << 10,
		Security: []map[string][]string{{"token": {}}}, Metadata: map[string]any{needs: role},
	}
}

// admit lets in who may, at the pace that they may, and bounds what is asked.
func (s *Server) admit(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		began := time.Now()
		r, _ := humago.Unwrap(ctx)
		refuse := func(status int, msg string) {
			s.count(ctx.Operation(), status, began)
			_ = huma.WriteErr(api, ctx, status, msg)
		}
		who, err := s.guard.recognise(r)
		if err != nil {
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			refuse(http.StatusUnauthorized, err.Error())
			return
		}
		if !s.guard.within(who.name) {
			ctx.SetHeader("Retry-After", "1")
			refuse(http.StatusTooManyRequests, "more requests than api.rate allows; slow down")
			return
		}
		role, _ := ctx.Operation().Metadata[needs].(Role)
		if !who.role.may(role) {
			refuse(http.StatusForbidden, fmt.Sprintf("this needs the role %s; the token has %s", role, who.role))
			return
		}
		bounded := clickhouse.Context(context.WithValue(ctx.Context(), callerKey{}, who), clickhouse.WithSettings(clickhouse.Settings{
			"max_execution_time": max(1, int(s.cfg.Timeout.Seconds())), "max_result_rows": 100_000, "result_overflow_mode": "throw",
		}))
		if ctx.Operation().Metadata["stream"] == nil {
			var cancel context.CancelFunc
			bounded, cancel = context.WithTimeout(bounded, s.cfg.Timeout)
			defer cancel()
		}
		next(huma.WithContext(ctx, bounded))
		s.count(ctx.Operation(), ctx.Status(), began)
	}
}

func (s *Server) count(o *huma.Operation, status int, began time.Time) {
	if s.Metrics == nil {
		return
	}
	s.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_api_requests_total{operation=%q,code="%d"}`, o.OperationID, status)).Inc()
	s.Metrics.GetOrCreateHistogram("driftline_api_request_seconds").UpdateDuration(began)
}

// failed is what a caller hears of an error of the store: that it happened, not
// what was asked of it.
func (s *Server) failed(what string, err error) error {
	s.Log.Warn("API", "what", what, "err", err)
	if errors.Is(err, context.DeadlineExceeded) {
		return huma.NewError(http.StatusGatewayTimeout, what+" takes longer than api.timeout; ask for less time or fewer rows")
	}
	return huma.NewError(http.StatusServiceUnavailable, what+" failed; the log of the service says why. Try again")
}

// headers keeps answers out of caches and frames.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"cursor of the page after this one; empty on the last"`
}

// Body of an answer.
type Body[T any] struct{ Body T }

func answer[T any](v T) *Body[T] { return &Body[T]{v} }

// list is items as a JSON array, never null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// Span is a time that is asked about.
type Span struct {
	From time.Time `query:"from" doc:"start; a day before the end when left out"`
	To   time.Time `query:"to" doc:"end, exclusive; now when left out"`
}

// longest time that may be asked about at once.
const longest = 400 * 24 * time.Hour

// bounds of the time.
func (s Span) bounds(otherwise time.Duration) (from, to time.Time, err error) {
	if to = s.To; to.IsZero() {
		to = time.Now().Add(time.Hour) // event times may be ahead a little
	}
	if from = s.From; from.IsZero() {
		from = to.Add(-otherwise)
	}
	switch {
	case !from.Before(to):
		return from, to, huma.Error422UnprocessableEntity("from is not before to")
	case to.Sub(from) > longest:
		return from, to, huma.Error422UnprocessableEntity("from and to are more than " + strconv.Itoa(int(longest.Hours()/24)) + " days apart")
	case from.Year() < 1970 || to.Year() > 2200:
		return from, to, huma.Error422UnprocessableEntity("from and to lie between the years 1970 and 2200")
	}
	return from.UTC(), to.UTC(), nil
}
