package retrain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/driftline/driftline/schemas"
)

// CallbackPath is where pipelines tell how their runs go.
const CallbackPath = "/v1/retrainings/callback"

// maxCallback is the size of a callback's body, in bytes.
const maxCallback = 64 << 10

// Told is the body of a callback.
type Told struct {
	Key     string           `json:"key"`     // of the trigger
	State   schemas.RunState `json:"state"`   // running, succeeded or failed
	Version string           `json:"version"` // of the model that the run made; may be empty
	RunID   string           `json:"run_id"`  // may be empty
	Message string           `json:"message"` // for people; may be empty
}

// Limits on the texts of a callback, in bytes.
const (
	maxToldName    = 256
	maxToldMessage = 2000
)

// ParseTold reads the body of a callback. Keys that it does not know are
// refused: most often they are misspelt ones.
func ParseTold(body []byte) (t Told, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return t, fmt.Errorf("read body: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return t, errors.New("read body: there is more than one value")
	}
	switch {
	case t.Key == "" || len(t.Key) > maxToldName:
		return t, fmt.Errorf("key has %d bytes; give the key of the trigger", len(t.Key))
	case !slices.Contains([]schemas.RunState{schemas.RunRunning, schemas.RunSucceeded, schemas.RunFailed}, t.State):
		return t, errors.New("unsupported state; supported: running, succeeded, failed")
	case len(t.Version) > maxToldName || len(t.RunID) > maxToldName:
		return t, fmt.Errorf("version and run_id have %d and %d bytes; at most %d are taken", len(t.Version), len(t.RunID), maxToldName)
	case len(t.Message) > maxToldMessage:
		return t, fmt.Errorf("message has %d bytes; at most %d are taken", len(t.Message), maxToldMessage)
	}
	return t, nil
}

// CallbackServer takes callbacks and writes them down; the next round acts on
// them, in whichever instance makes it.
type CallbackServer struct {
	verifiers []*standardwebhooks.Webhook
	store     Store
	log       *slog.Logger
	metrics   runnerMetrics
	http      *http.Server
	addr      string
	done      chan struct{}
}

// ListenForCallbacks serves until Close. The configuration must be valid and
// have an address.
func ListenForCallbacks(cfg Callback, store Store, log *slog.Logger, set *metrics.Set) (*CallbackServer, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open callback listener: %w", err)
	}
	s := newCallbackServer(cfg, store, log, set)
	s.addr, s.done = l.Addr().String(), make(chan struct{})
	s.http = &http.Server{Handler: s, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("callback listener ended", "err", err)
		}
	}()
	return s, nil
}

func newCallbackServer(cfg Callback, store Store, log *slog.Logger, set *metrics.Set) *CallbackServer {
	return &CallbackServer{verifiers: signers(cfg.Secrets), store: store, log: log, metrics: runnerMetrics{set}}
}

// Addr is host:port as bound.
func (s *CallbackServer) Addr() string { return s.addr }

// Close finishes the requests under way, for a few seconds at most.
func (s *CallbackServer) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	<-s.done
}

// ServeHTTP answers 202 when what was told is durable, 401 to a signature that
// is wrong or older than five minutes, 404 to a key that is of no retraining.
func (s *CallbackServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	status, err := s.take(w, req)
	outcome := "taken"
	if err != nil {
		outcome = map[bool]string{true: "failed", false: "refused"}[status >= 500]
		s.log.Warn("callback", "status", status, "err", err)
		http.Error(w, err.Error(), status)
	} else {
		w.WriteHeader(status)
	}
	s.metrics.callbacks(outcome).Inc()
}

func (s *CallbackServer) take(w http.ResponseWriter, req *http.Request) (int, error) {
	switch {
	case req.URL.Path != CallbackPath:
		return http.StatusNotFound, fmt.Errorf("callbacks go to %s", CallbackPath)
	case req.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, errors.New("callbacks are sent by POST")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxCallback))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("at most %d bytes are taken", maxCallback)
	}
	if err != nil {
		return http.StatusBadRequest, errors.New("the body ended early")
	}
	signed := func(v *standardwebhooks.Webhook) bool { return v.Verify(body, req.Header) == nil }
	if !slices.ContainsFunc(s.verifiers, signed) {
		return http.StatusUnauthorized, errors.New("the signature is wrong or older than five minutes")
	}
	told, err := ParseTold(body)
	if err != nil {
		return http.StatusBadRequest, err
	}
	return s.write(req.Context(), told)
}

// write appends what was told to the log. The same again, a replay included,
// changes nothing: an end is final.
func (s *CallbackServer) write(ctx context.Context, told Told) (int, error) {
	rows, err := s.store.Retrainings(ctx)
	if err != nil {
		s.log.Warn("callback", "err", err)
		return http.StatusServiceUnavailable, errors.New("the store is away; try again")
	}
	i := slices.IndexFunc(rows, func(r schemas.Retraining) bool { return r.Key == told.Key && r.DecidedAt != nil })
	if i < 0 {
		return http.StatusNotFound, errors.New("no retraining has this key")
	}
	r := &rows[i]
	err = s.store.Audit(ctx, schemas.RetrainingEntry{
		Time: time.Now().UTC(), Tenant: r.Tenant, Model: r.Model, IncidentID: r.IncidentID, Kind: schemas.RetrainingCallback,
		State: string(told.State), Detail: told.Message, Actor: r.Target, Key: r.Key, RunID: told.RunID, Version: told.Version,
	})
	if err != nil {
		s.log.Warn("callback", "err", err)
		return http.StatusServiceUnavailable, errors.New("the store is away; try again")
	}
	return http.StatusAccepted, nil
}
