package selfmetrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// grace is how long Close waits for requests under way.
const grace = 3 * time.Second

// Server is the admin listener.
type Server struct {
	Ready Readiness // what /readyz asks

	http *http.Server // nil when the listener is off
	addr string
	done chan struct{}
}

// Serve listens and answers until Close. The set is shown at /metrics together
// with the metrics of the process. With an empty address only Ready works.
func Serve(cfg Config, set *metrics.Set, log *slog.Logger) (*Server, error) {
	s := &Server{done: make(chan struct{})}
	if cfg.Listen == "" {
		close(s.done)
		return s, nil
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open admin listener: %w", err)
	}
	s.addr = l.Addr().String()
	s.http = &http.Server{
		Handler:           s.routes(cfg, set),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener ended", "err", err)
		}
	}()
	return s, nil
}

// Addr is host:port as bound, empty when the listener is off.
func (s *Server) Addr() string { return s.addr }

// Close finishes the requests under way, for a few seconds at most.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil { // a profile may run for longer than we wait
		err = s.http.Close()
	}
	<-s.done
	return err
}

func (s *Server) routes(cfg Config, set *metrics.Set) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		writeMetrics(w, set)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /readyz", &s.Ready)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Build())
	})
	if cfg.Profiles {
		profiles(mux)
	}
	return mux
}

func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

func writeMetrics(w io.Writer, set *metrics.Set) {
	if set != nil {
		set.WritePrometheus(w)
	}
	b := Build()
	metrics.WriteGaugeUint64(w, fmt.Sprintf(`driftline_build_info{version=%q,revision=%q,goversion=%q}`, b.Version, b.Revision, b.Go), 1)
	metrics.WriteProcessMetrics(w)
}
