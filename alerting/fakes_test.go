package alerting

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// journal in memory; every method of it can be made to fail.
type journal struct {
	sync.Mutex
	rows []schemas.Notification
	fail func(n schemas.Notification) error
}

func (j *journal) Append(_ context.Context, rows ...schemas.Notification) error {
	j.Lock()
	defer j.Unlock()
	for _, n := range rows {
		if j.fail != nil {
			if err := j.fail(n); err != nil {
				return err
			}
		}
	}
	j.rows = append(j.rows, rows...)
	return nil
}

func (j *journal) Delivered(_ context.Context, incidentID, receiver string) (uint64, error) {
	j.Lock()
	defer j.Unlock()
	var out uint64
	for _, n := range j.rows {
		settled := n.Status == schemas.NotificationDelivered || n.Status == schemas.NotificationDropped
		if settled && n.IncidentID == incidentID && n.Receiver == receiver {
			out = max(out, n.Revision)
		}
	}
	return out, nil
}

// of lists the statuses of one receiver in their order.
func (j *journal) of(receiver string) string {
	j.Lock()
	defer j.Unlock()
	var out []string
	for _, n := range j.rows {
		if n.Receiver == receiver {
			out = append(out, string(n.Status))
		}
	}
	return strings.Join(out, " ")
}

// errors lists those of one receiver.
func (j *journal) errors(receiver string) string {
	j.Lock()
	defer j.Unlock()
	var out []string
	for _, n := range j.rows {
		if n.Receiver == receiver && n.Error != "" {
			out = append(out, n.Error)
		}
	}
	return strings.Join(out, "; ")
}

func (j *journal) last() schemas.Notification {
	j.Lock()
	defer j.Unlock()
	return j.rows[len(j.rows)-1]
}

// request that a fake receiver saw.
type request struct {
	at     time.Time
	header http.Header
	body   []byte
	status int
}

// server is a fake receiver: it plays its script, one step a request, and then
// judges requests by the published rules.
type server struct {
	sync.Mutex
	judge  func(r *http.Request, body []byte) error
	script []http.HandlerFunc
	seen   []request
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	s.step()(rec, r)
	if rec.Code == http.StatusOK && s.judge != nil {
		rec.Code = http.StatusAccepted
		if err := s.judge(r, body); err != nil {
			rec.Code = http.StatusBadRequest
			rec.Body = bytes.NewBufferString(err.Error())
		}
	}
	s.Lock()
	s.seen = append(s.seen, request{time.Now(), r.Header.Clone(), body, rec.Code})
	s.Unlock()
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (s *server) step() http.HandlerFunc {
	s.Lock()
	defer s.Unlock()
	if len(s.script) == 0 {
		return func(http.ResponseWriter, *http.Request) {}
	}
	f := s.script[0]
	s.script = s.script[1:]
	return f
}

func (s *server) requests() []request {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.seen)
}

// answers with a status and, when given, a Retry-After.
func answers(status int, retryAfter ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, v := range retryAfter {
			w.Header().Set("Retry-After", v)
		}
		w.WriteHeader(status)
	}
}

// hangs until the client goes away.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func times(n int, f http.HandlerFunc) []http.HandlerFunc {
	return slices.Repeat([]http.HandlerFunc{f}, n)
}

// listen starts a fake receiver on loopback.
func listen(t *testing.T, s *server) string {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL
}

func listenFunc(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return srv.URL
}

// pipes is a network inside a synctest bubble, where the clock is fake: each
// host is a fake receiver.
type pipes map[string]*pipeListener

func (p pipes) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	l := p[host]
	if l == nil {
		return nil, errors.New("no such host")
	}
	client, srv := net.Pipe()
	select {
	case l.conns <- srv:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve starts a fake receiver at http://host.
func (p pipes) serve(t *testing.T, host string, s *server) {
	t.Helper()
	l := p.listen(host)
	srv := &http.Server{Handler: s}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() { _ = srv.Close(); wg.Wait() })
}

// listen at a host of the network.
func (p pipes) listen(host string) *pipeListener {
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	p[host] = l
	return l
}

type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// The secrets of the tests.
var (
	routingKey    = config.Secret("0123456789abcdef0123456789abcdef")
	webhookSecret = config.Secret("whsec_" + base64.StdEncoding.EncodeToString([]byte("the first secret of the tests 32")))
	oldSecret     = config.Secret("whsec_" + base64.StdEncoding.EncodeToString([]byte("an older secret of the tests 032")))
)

func pagerDutyTo(url string) Receiver {
	var r Receiver
	r.SetDefaults()
	r.Name, r.AllowPrivate, r.PagerDuty = "pager-a", true, &PagerDuty{RoutingKey: routingKey, BaseURL: url}
	return r
}

func webhookTo(url string) Receiver {
	var r Receiver
	r.SetDefaults()
	r.Name, r.AllowPrivate, r.Webhook = "webhook-a", true, &Webhook{URL: config.Secret(url), Secrets: []config.Secret{webhookSecret}}
	return r
}

// rig is a Dispatcher with what it writes to.
type rig struct {
	*Dispatcher
	journal *journal
	metrics *metrics.Set
	log     *lockedBuffer
}

// newRig makes a Dispatcher with short pauses, or with the real ones in a
// network of pipes.
func newRig(t *testing.T, network pipes, receivers ...Receiver) *rig {
	t.Helper()
	r := &rig{journal: &journal{}, metrics: metrics.NewSet(), log: &lockedBuffer{}}
	o := Options{Log: slog.New(slog.NewJSONHandler(r.log, nil)), Metrics: r.metrics, Version: "1.2.3", backoff: time.Millisecond}
	if network != nil {
		o.dial, o.backoff = network.dial, 0
	}
	d, err := New(Config{ExternalURL: "https://grafana.example/d/driftline", Receivers: receivers}, r.journal, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	r.Dispatcher = d
	return r
}

// again is the same rig after a crash: a new process with the same journal.
func (r *rig) again(t *testing.T, receivers ...Receiver) *rig {
	t.Helper()
	next := newRig(t, nil, receivers...)
	d, err := New(Config{Receivers: receivers}, r.journal, Options{backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	next.Dispatcher, next.journal = d, r.journal
	return next
}

func (r *rig) exposition() string {
	var out bytes.Buffer
	r.metrics.WritePrometheus(&out)
	return out.String()
}

type lockedBuffer struct {
	sync.Mutex
	b bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.Lock()
	defer l.Unlock()
	return l.b.String()
}

// incident of the tests, revision 1.
func incident() schemas.Incident {
	at := time.Date(2026, 3, 1, 14, 5, 0, 0, time.UTC)
	return schemas.Incident{
		ID: "inc-0123456789abcdef", Revision: 1, Tenant: "default", Model: "credit", State: schemas.IncidentOpen, Severity: schemas.SeverityError,
		Title: "credit: drift in income since 2026-03-01T14:05:00Z (ks 0.41)", Summary: "Drift in income.",
		Onset: at, OpenedAt: at.Add(5 * time.Minute), UpdatedAt: at.Add(5 * time.Minute),
		Versions: []string{"7"}, Features: []string{"income"},
		Signals: []schemas.Signal{{
			WindowStart: at, WindowEnd: at.Add(5 * time.Minute), Tenant: "default", Model: "credit", Version: "7", Feature: "income", Detector: "ks",
			Score: 0.41, Unit: "probability", Threshold: 0.1, PValue: 1e-9, NReference: 50_000, NWindow: 1000, Reference: "training@ab12cd34ef56",
			State: schemas.StateAlarm, Reason: "KS of income is 0.41.", EvaluatedAt: at.Add(6 * time.Minute),
		}},
	}
}

func revision(n uint64) schemas.Incident {
	i := incident()
	i.Revision = n
	return i
}

func resolved(n uint64) schemas.Incident {
	i := revision(n)
	at := i.UpdatedAt.Add(15 * time.Minute)
	i.State, i.UpdatedAt, i.ResolvedAt = schemas.IncidentResolved, at, &at
	return i
}

// notify must succeed.
func (r *rig) notify(t *testing.T, inc schemas.Incident) {
	t.Helper()
	if err := r.Notify(t.Context(), inc); err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
