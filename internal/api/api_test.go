package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The tokens of the tests: a role each for all tenants, and an admin of one.
var tokens = map[string]string{
	"viewer": "viewer-0123456789abcdef", "operator": "operator-0123456789abcdef", "admin": "admin-0123456789abcdef", "acme": "acme-0123456789abcdef0",
}

type service struct {
	*testing.T
	*httptest.Server
	db  *clickhouse.DB
	log *bytes.Buffer
}

var noon = time.Now().UTC().Truncate(time.Minute).Add(-2 * time.Hour)

// start a service over the real store, with two tenants' findings.
func start(t *testing.T, edit func(*api.Config)) *service {
	t.Helper()
	engine := embeddedtest.ClickHouse(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{engine.Addr()}
	db, err := clickhouse.Open(cfg)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(t.Context(), io.Discard))
	seed(t, db)
	c := api.DefaultConfig()
	c.Rate = 1e6
	for _, name := range []string{"viewer", "operator", "admin"} {
		c.Tokens = append(c.Tokens, api.Token{Name: name, Token: config.Secret(tokens[name]), Role: api.Role(name)})
	}
	c.Tokens = append(c.Tokens, api.Token{Name: "acme", Token: config.Secret(tokens["acme"]), Role: api.Admin, Tenant: "acme"})
	if edit != nil {
		edit(&c)
	}
	check(t, c.Validate())
	c.Listen = "127.0.0.1:0"
	log := &bytes.Buffer{}
	s, err := api.Listen(c, api.Options{
		DB: db, Audit: audit.New(db), Models: []schemas.ModelKey{{Tenant: "default", Model: "credit"}, {Tenant: "acme", Model: "secretmodel"}},
		Graph: func(_ context.Context, tenant, _ string, _, _ time.Time) ([]graph.Edge, error) {
			return []graph.Edge{{Source: graph.Entity("model/" + tenant), Target: "pod/a"}}, nil
		},
		Add: alerting.NewSilence, Expire: alerting.Expire, Config: func() (string, error) { return "models: []\n", nil }, Log: slog.New(slog.NewTextHandler(log, nil)), Metrics: metrics.NewSet(),
	})
	check(t, err)
	t.Cleanup(s.Close)
	return &service{t, &httptest.Server{URL: "http://" + s.Addr()}, db, log}
}

func seed(t *testing.T, db *clickhouse.DB) {
	t.Helper()
	for _, m := range []schemas.ModelKey{{Tenant: "default", Model: "credit"}, {Tenant: "acme", Model: "secretmodel"}} {
		var signals []schemas.Signal
		for w := range 5 {
			for f := range 5 {
				at := noon.Add(time.Duration(w) * 5 * time.Minute)
				s := schemas.Signal{
					Tenant: m.Tenant, Model: m.Model, Version: "1", Feature: fmt.Sprintf("%s-feature-%d", m.Model, f), Detector: "psi", WindowStart: at, WindowEnd: at.Add(5 * time.Minute),
					Score: 0.1 * float64(f), Unit: "1", Threshold: 0.2, PValue: 0.01, NWindow: 1000, State: schemas.StateOK, Reason: m.Model + " reason", EvaluatedAt: at.Add(6 * time.Minute),
				}
				if f > 2 {
					s.State = schemas.StateAlarm
				}
				signals = append(signals, s)
			}
		}
		check(t, db.PutSignals(t.Context(), signals))
		for i := range 3 {
			inc := schemas.Incident{
				ID: fmt.Sprintf("inc-%s-%d", m.Model, i), Revision: 1, Tenant: m.Tenant, Model: m.Model, State: schemas.IncidentOpen, Severity: schemas.SeverityWarning,
				Title: m.Model + ": drift in income", Summary: "income moved | <b>much</b>", Onset: noon.Add(time.Duration(i) * time.Minute), OpenedAt: noon.Add(5 * time.Minute), UpdatedAt: noon.Add(10 * time.Minute),
				Versions: []string{"1"}, Features: []string{"income"}, Signals: signals[:1],
				Diagnosis: &schemas.Diagnosis{At: noon.Add(6 * time.Minute), Causes: []schemas.Cause{{Entity: "gpu/n1/0", Kind: schemas.CauseInfrastructure, Title: "GPU n1/0 is throttling for heat", Confidence: 0.9, Path: []string{"gpu/n1/0", "pod/a", "model/" + m.Model}, Onset: noon}}, Advice: "Do not retrain."},
			}
			check(t, db.PutIncident(t.Context(), inc))
		}
		check(t, db.PutSilence(t.Context(), schemas.Silence{ID: "sil-" + m.Model, Tenant: m.Tenant, Matchers: []string{"model=" + m.Model}, StartsAt: noon, EndsAt: time.Now().Add(time.Hour), Author: "ana", Comment: "known", UpdatedAt: noon}))
	}
}

// ask as the bearer of a token; empty for none.
func (s *service) ask(method, path, token string, body any) (int, []byte, http.Header) {
	s.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		check(s, err)
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.URL+path, reader)
	check(s, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	check(s, err)
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	check(s, err)
	return resp.StatusCode, out, resp.Header
}

func get[T any](s *service, path, token string) (out T) {
	s.Helper()
	code, body, _ := s.ask(http.MethodGet, path, token, nil)
	if code != http.StatusOK {
		s.Fatalf("%s: %d %s", path, code, body)
	}
	check(s, json.Unmarshal(body, &out))
	return out
}

type page[T any] struct {
	Items []T
	Next  string
}

// The description is what was reviewed, and every operation has what it needs.
func TestOpenAPIIsAsReviewed(t *testing.T) {
	text, err := api.OpenAPI()
	check(t, err)
	var pretty bytes.Buffer
	check(t, json.Indent(&pretty, text, "", "  "))
	const file = "testdata/openapi.json"
	if *update {
		check(t, os.MkdirAll("testdata", 0o755))
		check(t, os.WriteFile(file, append(pretty.Bytes(), '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(bytes.TrimSpace(want), bytes.TrimSpace(pretty.Bytes())) {
		t.Errorf("%s is another one (%v); go test ./internal/api -run OpenAPI -update writes it", file, err)
	}
	if !bytes.Contains(text, []byte(`"openapi":"3.1.0"`)) {
		t.Error("it is not OpenAPI 3.1")
	}
}

// operation of the description.
type operation struct{ method, path string }

func operations(t *testing.T) (out []operation) {
	t.Helper()
	text, err := api.OpenAPI()
	check(t, err)
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	check(t, json.Unmarshal(text, &d))
	for path, methods := range d.Paths {
		for method := range methods {
			out = append(out, operation{strings.ToUpper(method), path})
		}
	}
	if len(out) < 15 {
		t.Fatalf("%d operations", len(out))
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return out
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func (o operation) at(value string) string {
	return placeholder.ReplaceAllString(o.path, url.PathEscape(value))
}

// bodies that are right, for operations that take one.
var bodies = map[string]any{
	"/api/v1/incidents/{id}/actions":    map[string]any{"kind": "comment", "comment": "seen"},
	"/api/v1/incidents/{id}/retraining": map[string]any{"decision": "approval", "comment": "yes"},
	"/api/v1/query":                     everything(),
	"/api/v1/silences":                  map[string]any{"matchers": []string{"model=credit"}, "ends_at": time.Now().Add(time.Hour), "comment": "known"},
}

func (o operation) body() any {
	if o.method == http.MethodPost {
		return bodies[o.path]
	}
	return nil
}

// Without a right token nothing is answered, whatever is asked.
func TestEveryOperationNeedsAToken(t *testing.T) {
	s := start(t, nil)
	for _, o := range operations(t) {
		for _, token := range []string{"", "wrong", tokens["viewer"][:len(tokens["viewer"])-1], tokens["viewer"] + "0", strings.ToUpper(tokens["admin"])} {
			code, body, h := s.ask(o.method, o.at("inc-credit-0"), token, o.body())
			if code != http.StatusUnauthorized || h.Get("WWW-Authenticate") == "" || !strings.HasPrefix(h.Get("Content-Type"), "application/problem+json") {
				t.Errorf("%v with token %q: %d %s", o, token, code, body)
			}
		}
	}
	if strings.Contains(s.log.String(), "0123456789abcdef") {
		t.Error("a token is in the log")
	}
}

// What a role may not is refused, on every operation that changes something.
func TestRoles(t *testing.T) {
	s := start(t, nil)
	for _, o := range operations(t) {
		if (o.method == http.MethodGet || o.path == "/api/v1/query") && !strings.Contains(o.path, "audit") && !strings.Contains(o.path, "config") {
			continue
		}
		if code, body, _ := s.ask(o.method, o.at("inc-credit-0"), tokens["viewer"], o.body()); code != http.StatusForbidden {
			t.Errorf("a viewer's %v: %d %s", o, code, body)
		}
	}
	if code, body, _ := s.ask(http.MethodPost, "/api/v1/config/reload", tokens["operator"], nil); code != http.StatusForbidden {
		t.Errorf("an operator reloads: %d %s", code, body)
	}
}

// A token of one tenant neither reads nor changes what belongs to another, on
// any operation, by any parameter.
func TestTenantsAreApart(t *testing.T) {
	s := start(t, nil)
	for _, o := range operations(t) {
		if strings.HasSuffix(o.path, "/stream") {
			continue // TestStream
		}
		for _, id := range []string{"inc-credit-0", "credit", "sil-credit"} {
			for _, query := range []string{"", "?tenant=default"} {
				if query != "" && o.method != http.MethodGet {
					continue
				}
				code, body, _ := s.ask(o.method, o.at(id)+query, tokens["acme"], o.body())
				if bytes.Contains(body, []byte("credit-feature")) || bytes.Contains(body, []byte("credit: drift")) || bytes.Contains(body, []byte("credit reason")) {
					t.Errorf("%v %s%s shows another tenant's: %d %s", o, id, query, code, body)
				}
				if o.method != http.MethodGet && o.path != "/api/v1/silences" && o.path != "/api/v1/query" && code < 400 {
					t.Errorf("%v %s changes another tenant's: %d %s", o, id, code, body)
				}
			}
		}
	}
	code, body, _ := s.ask(http.MethodPost, "/api/v1/silences", tokens["acme"], map[string]any{"tenant": "default", "matchers": []string{"model=credit"}, "ends_at": time.Now().Add(time.Hour), "comment": "known"})
	if code != http.StatusForbidden {
		t.Errorf("a silence for another tenant: %d %s", code, body)
	}
	if got := get[page[schemas.Incident]](s, "/api/v1/incidents", tokens["acme"]); len(got.Items) != 3 {
		t.Errorf("its own incidents: %d", len(got.Items))
	}
	all, err := s.db.Actions(t.Context(), time.Time{})
	if err != nil || len(all) > 0 {
		t.Errorf("%d actions, %v", len(all), err)
	}
}

// Values are never part of a question's text.
func TestInjection(t *testing.T) {
	s := start(t, nil)
	evil := []string{"' OR 1=1 --", "x'; DROP TABLE incidents; --", `\' UNION SELECT * FROM incidents --`, "{tenant:String}", "%27%20OR%201%3D1", "credit\x00", strings.Repeat("a", 190)}
	for _, o := range operations(t) {
		if strings.HasSuffix(o.path, "/stream") || o.method != http.MethodGet {
			continue
		}
		for _, e := range evil {
			for _, name := range []string{"tenant", "model", "feature", "version", "segment", "detector", "metric"} {
				path := o.at(e) + "?" + name + "=" + url.QueryEscape(e)
				code, body, _ := s.ask(http.MethodGet, path, tokens["admin"], nil)
				if code >= 500 || bytes.Contains(body, []byte("credit: drift")) || bytes.Contains(body, []byte("credit-feature")) {
					t.Errorf("%s: %d %s", path, code, body)
				}
			}
		}
	}
	if got := get[page[schemas.Incident]](s, "/api/v1/incidents", tokens["viewer"]); len(got.Items) != 6 {
		t.Errorf("%d incidents are left", len(got.Items))
	}
}

func TestBadRequests(t *testing.T) {
	s := start(t, nil)
	for path, want := range map[string]int{
		"/api/v1/signals?limit=0": 422, "/api/v1/signals?limit=1001": 422, "/api/v1/signals?state=bad": 422, "/api/v1/signals?cursor=%2525": 422, "/api/v1/signals?cursor=e30x": 422,
		"/api/v1/signals?from=yesterday": 422, "/api/v1/signals?form=2026-01-01T00:00:00Z": 422, "/api/v1/signals?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": 422,
		"/api/v1/signals?from=2020-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": 422, "/api/v1/incidents/inc-none": 404, "/api/v1/nothing": 404, "/api/v1/incidents?state=odd": 422,
	} {
		if code, body, _ := s.ask(http.MethodGet, path, tokens["admin"], nil); code != want {
			t.Errorf("%s: %d %s, want %d", path, code, body, want)
		}
	}
	big := map[string]any{"kind": "comment", "comment": strings.Repeat("a", 100<<10)}
	if code, body, _ := s.ask(http.MethodPost, "/api/v1/incidents/inc-credit-0/actions", tokens["operator"], big); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d %s", code, body)
	}
	for name, deed := range map[string]map[string]any{
		"no kind": {"comment": "x"}, "odd kind": {"kind": "explode"}, "no comment": {"kind": "comment"}, "no reason": {"kind": "false_positive"}, "unknown member": {"kind": "comment", "comment": "x", "author": "root"},
		"until of a comment": {"kind": "comment", "comment": "x", "until": time.Now().Add(time.Hour)}, "past": {"kind": "mute", "comment": "x", "until": noon}, "for ever": {"kind": "mute", "comment": "x", "until": time.Now().AddDate(1, 0, 0)},
	} {
		if code, body, _ := s.ask(http.MethodPost, "/api/v1/incidents/inc-credit-0/actions", tokens["operator"], deed); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
}

// A token that asks faster than it may is told to wait; others are not.
func TestPace(t *testing.T) {
	s := start(t, func(c *api.Config) { c.Rate = 1 })
	refused := 0
	for range 10 {
		if code, _, h := s.ask(http.MethodGet, "/api/v1/silences", tokens["viewer"], nil); code == http.StatusTooManyRequests && h.Get("Retry-After") != "" {
			refused++
		}
	}
	if code, _, _ := s.ask(http.MethodGet, "/api/v1/silences", tokens["admin"], nil); refused < 5 || code != http.StatusOK {
		t.Errorf("%d of 10 refused, another token: %d", refused, code)
	}
}

// Pages together are the list, each item once, however large pages are.
func TestPages(t *testing.T) {
	s := start(t, nil)
	whole := get[page[schemas.Signal]](s, "/api/v1/signals?limit=1000", tokens["viewer"]).Items
	if len(whole) != 50 || !whole[0].WindowEnd.After(whole[49].WindowEnd) {
		t.Fatalf("%d signals", len(whole))
	}
	for _, limit := range []int{1, 7, 50} {
		var got []schemas.Signal
		for next := ""; ; {
			p := get[page[schemas.Signal]](s, fmt.Sprintf("/api/v1/signals?limit=%d&cursor=%s", limit, next), tokens["viewer"])
			got = append(got, p.Items...)
			if next = p.Next; next == "" {
				break
			}
		}
		if a, b := fmt.Sprint(got), fmt.Sprint(whole); a != b {
			t.Errorf("pages of %d: %d signals, %d in the whole", limit, len(got), len(whole))
		}
	}
	var ids []string
	for next := ""; ; {
		p := get[page[schemas.Incident]](s, "/api/v1/incidents?limit=2&cursor="+next, tokens["viewer"])
		for _, inc := range p.Items {
			ids = append(ids, inc.ID)
		}
		if next = p.Next; next == "" {
			break
		}
	}
	if len(ids) != 6 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 6 {
		t.Errorf("incidents by pages: %v", ids)
	}
	if got := get[page[schemas.Signal]](s, "/api/v1/signals?model=credit&state=alarm&feature=credit-feature-4", tokens["viewer"]); len(got.Items) != 5 {
		t.Errorf("filtered: %d", len(got.Items))
	}
}

// What is done about an incident is in the incident, in its export and in the
// audit, under the name of the token.
func TestIncidentsLife(t *testing.T) {
	s := start(t, nil)
	act := func(kind string, more map[string]any) {
		t.Helper()
		deed := map[string]any{"kind": kind}
		maps.Copy(deed, more)
		if code, body, _ := s.ask(http.MethodPost, "/api/v1/incidents/inc-credit-1/actions", tokens["operator"], deed); code != http.StatusCreated {
			t.Fatalf("%s: %d %s", kind, code, body)
		}
	}
	act("acknowledge", nil)
	act("mute", map[string]any{"comment": "known until tonight"})
	act("comment", map[string]any{"comment": "the vendor | was <told>"})
	act("wrong_cause", map[string]any{"comment": "it is the cooling of the rack"})
	inc := get[schemas.Incident](s, "/api/v1/incidents/inc-credit-1", tokens["viewer"])
	if inc.State != schemas.IncidentAcknowledged || len(inc.Actions) != 4 || inc.Actions[0].Author != "operator" || inc.Muted(time.Now()) == nil || inc.Judgement().Kind != schemas.ActionWrongCause {
		t.Errorf("%+v", inc)
	}
	if judged, err := s.db.JudgedIncidents(t.Context(), noon); err != nil || len(judged) != 1 || judged[0].ID != inc.ID {
		t.Errorf("judged: %v, %v", judged, err)
	}
	x := get[api.Export](s, "/api/v1/incidents/inc-credit-1/export", tokens["viewer"])
	if len(x.Timeline) < 7 || !slices.IsSortedFunc(x.Timeline, func(a, b api.Moment) int { return a.Time.Compare(b.Time) }) || !slices.Contains(x.BlastRadius, "gpu/n1/0") {
		t.Errorf("%+v", x)
	}
	_, md, h := s.ask(http.MethodGet, "/api/v1/incidents/inc-credit-1/export.md", tokens["viewer"], nil)
	for _, want := range []string{"# credit: drift in income", "## Causes", "## Timeline", `the vendor \| was &lt;told&gt;`, "acknowledge"} {
		if !strings.Contains(string(md), want) || !strings.HasPrefix(h.Get("Content-Type"), "text/markdown") {
			t.Errorf("no %q in %s", want, md)
		}
	}
	entries := get[page[schemas.AuditEntry]](s, "/api/v1/audit", tokens["admin"]).Items
	if len(entries) != 5 || entries[1].Action != "incident.acknowledge" || entries[1].Actor != "operator" || entries[1].Object != "incident/inc-credit-1" {
		t.Errorf("%+v", entries)
	}
	if r := get[audit.Report](s, "/api/v1/audit/verification?head="+entries[4].Hash, tokens["admin"]); len(r.Findings) > 0 || r.Entries != 5 {
		t.Errorf("%+v", r)
	}
	check(t, s.db.Conn().Exec(t.Context(), "ALTER TABLE audit_log DELETE WHERE seq = 3 SETTINGS mutations_sync = 2"))
	if r := get[audit.Report](s, "/api/v1/audit/verification", tokens["admin"]); len(r.Findings) == 0 || r.Findings[0].Seq != 4 {
		t.Errorf("an entry was deleted: %+v", r)
	}
}

func TestModels(t *testing.T) {
	s := start(t, nil)
	got := get[page[api.Model]](s, "/api/v1/models", tokens["viewer"]).Items
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, m := range got {
		if !m.Configured || m.Open != 3 || m.Severity != schemas.SeverityWarning {
			t.Errorf("%+v", m)
		}
	}
	if f := get[page[schemas.Signal]](s, "/api/v1/models/credit/features", tokens["viewer"]).Items; len(f) != 5 || !f[0].WindowEnd.Equal(noon.Add(25*time.Minute)) {
		t.Errorf("%+v", f)
	}
	for _, path := range []string{"/api/v1/models/credit/performance", "/api/v1/references", "/api/v1/changes", "/api/v1/graph?model=credit", "/api/v1/pipeline", "/api/v1/silences", "/api/v1/retrainings", "/api/v1/openapi.json"} {
		if code, body, _ := s.ask(http.MethodGet, path, tokens["viewer"], nil); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// Without tokens the API is for this machine alone, and not for what a web page
// makes a browser send.
func TestWithoutTokens(t *testing.T) {
	s := start(t, func(c *api.Config) { c.Tokens = nil })
	if code, _, _ := s.ask(http.MethodGet, "/api/v1/models", "", nil); code != http.StatusOK {
		t.Errorf("from this machine: %d", code)
	}
	for name, edit := range map[string]func(*http.Request){
		"rebound name":  func(r *http.Request) { r.Host = "evil.example:9470" },
		"other origin":  func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"opaque origin": func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/models", nil)
		check(t, err)
		edit(r)
		resp, err := http.DefaultClient.Do(r)
		check(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	long := config.Secret(strings.Repeat("x", 20))
	for want, edit := range map[string]func(*api.Config){
		"give tokens, or a loopback":  func(c *api.Config) { c.Listen = "0.0.0.0:9470" },
		"cert and key go together":    func(c *api.Config) { c.Cert = "a.pem" },
		"fewer than 20 characters":    func(c *api.Config) { c.Tokens = []api.Token{{Name: "a", Token: "short"}} },
		"unsupported role":            func(c *api.Config) { c.Tokens = []api.Token{{Name: "a", Token: long, Role: "root"}} },
		"is that of another entry":    func(c *api.Config) { c.Tokens = []api.Token{{Name: "a", Token: long}, {Name: "b", Token: long}} },
		"name \"a\" is given twice":   func(c *api.Config) { c.Tokens = []api.Token{{Name: "a", Token: long}, {Name: "a", Token: long + "y"}} },
		"tokens[0].name: is missing":  func(c *api.Config) { c.Tokens = []api.Token{{Token: long}} },
		"give requests a second":      func(c *api.Config) { c.Rate = 0 },
		"give a duration such as 10s": func(c *api.Config) { c.Timeout = 0 },
	} {
		c := api.DefaultConfig()
		edit(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
