package datasource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/dataplane/sdata/numeric"
	"github.com/grafana/dataplane/sdata/timeseries"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"

	"github.com/driftline/driftline/grafana-plugin/pkg/datasource"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/query"
	"github.com/driftline/driftline/internal/query/querytest"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// host starts the built back end over the plugin protocol, as Grafana does.
type host struct {
	*testing.T
	db     *clickhouse.DB
	fleet  querytest.Fleet
	addr   string
	data   grpcplugin.DataClient
	diag   grpcplugin.DiagnosticsClient
	res    grpcplugin.ResourceClient
	stream grpcplugin.StreamClient
}

func start(t *testing.T) *host {
	t.Helper()
	engine := embeddedtest.ClickHouse(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{engine.Addr()}
	db, err := clickhouse.Open(cfg)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(t.Context(), io.Discard))
	h := &host{T: t, db: db, fleet: querytest.Small(), addr: engine.Addr()}
	check(t, h.fleet.Seed(t.Context(), db))

	binary := filepath.Join(t.TempDir(), fmt.Sprintf("gpx_driftline_datasource_%s_%s", runtime.GOOS, runtime.GOARCH))
	build := exec.Command("go", "build", "-o", binary, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		Cmd:             exec.Command(binary),
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: grpcplugin.ProtocolVersion, MagicCookieKey: grpcplugin.MagicCookieKey, MagicCookieValue: grpcplugin.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{grpcplugin.ProtocolVersion: {
			"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{}, "resource": &grpcplugin.ResourceGRPCPlugin{}, "data": &grpcplugin.DataGRPCPlugin{}, "stream": &grpcplugin.StreamGRPCPlugin{},
		}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true,
		Logger: hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
	})
	t.Cleanup(client.Kill)
	rpc, err := client.Client()
	check(t, err)
	part := func(name string) any {
		v, err := rpc.Dispense(name)
		check(t, err)
		return v
	}
	var ok [4]bool
	h.data, ok[0] = part("data").(grpcplugin.DataClient)
	h.diag, ok[1] = part("diagnostics").(grpcplugin.DiagnosticsClient)
	h.res, ok[2] = part("resource").(grpcplugin.ResourceClient)
	h.stream, ok[3] = part("stream").(grpcplugin.StreamClient)
	if slices.Contains(ok[:], false) {
		t.Fatalf("parts %v", ok)
	}
	return h
}

// with is the context of a data source that has some settings.
func (h *host) with(settings map[string]any, updated int) backend.PluginContext {
	h.Helper()
	all := map[string]any{"addr": h.addr}
	maps.Copy(all, settings)
	text, err := json.Marshal(all)
	check(h, err)
	return backend.PluginContext{Namespace: "default", PluginID: datasource.ID, User: &backend.User{Login: "ana", Role: "Editor"}, DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{
		UID: fmt.Sprint("u", updated), ID: int64(updated + 1), Name: "Driftline", JSONData: text, DecryptedSecureJSONData: map[string]string{"apiToken": "secret-token"}, Updated: time.Unix(int64(updated), 0),
	}}
}

func (h *host) ask(pctx backend.PluginContext, alert bool, queries ...string) map[string]backend.DataResponse {
	h.Helper()
	req := &backend.QueryDataRequest{PluginContext: pctx, Headers: map[string]string{}}
	if alert {
		req.Headers["FromAlert"] = "true"
	}
	for i, q := range queries {
		req.Queries = append(req.Queries, backend.DataQuery{RefID: string(rune('A' + i)), JSON: []byte(q), MaxDataPoints: 500, TimeRange: backend.TimeRange{From: h.fleet.From, To: h.fleet.To.Add(time.Minute)}})
	}
	got, err := h.data.QueryData(h.Context(), backend.ToProto().QueryDataRequest(req))
	check(h, err)
	out, err := backend.FromProto().QueryDataResponse(got)
	check(h, err)
	return out.Responses
}

func (h *host) get(pctx backend.PluginContext, method, path, body string) (int, string) {
	h.Helper()
	name, _, _ := strings.Cut(path, "?")
	s, err := h.res.CallResource(h.Context(), &pluginv2.CallResourceRequest{PluginContext: backend.ToProto().PluginContext(pctx), Path: name, Method: method, Url: path, Body: []byte(body)})
	check(h, err)
	r, err := s.Recv()
	check(h, err)
	return int(r.Code), string(r.Body)
}

// whole question of a kind about the small fleet.
func whole(kind string) string {
	switch kind {
	case "distribution", "distribution_series":
		return `{"kind":"` + kind + `","models":["m0"],"features":["f0"]}`
	case "incident_causes":
		return `{"kind":"incident_causes","id":"` + querytest.Incident + `"}`
	}
	return `{"v":1,"kind":"` + kind + `"}`
}

func TestDataSourceAsGrafanaRunsIt(t *testing.T) {
	h := start(t)
	ok := h.with(nil, 1)

	t.Run("health", func(t *testing.T) {
		r, err := h.diag.CheckHealth(t.Context(), &pluginv2.CheckHealthRequest{PluginContext: backend.ToProto().PluginContext(ok)})
		check(t, err)
		if r.Status != pluginv2.CheckHealthResponse_OK || !strings.Contains(r.Message, "3 models") || !strings.Contains(string(r.JsonDetails), `"clockSkewMs"`) {
			t.Errorf("%v %s %s", r.Status, r.Message, r.JsonDetails)
		}
		r, err = h.diag.CheckHealth(t.Context(), &pluginv2.CheckHealthRequest{PluginContext: backend.ToProto().PluginContext(h.with(map[string]any{"addr": "127.0.0.1:1"}, 2))})
		check(t, err)
		if r.Status != pluginv2.CheckHealthResponse_ERROR || !strings.Contains(r.Message, "does not answer") {
			t.Errorf("%v %s", r.Status, r.Message)
		}
		r, err = h.diag.CheckHealth(t.Context(), &pluginv2.CheckHealthRequest{PluginContext: backend.ToProto().PluginContext(h.with(map[string]any{"database": "nosuch"}, 3))})
		check(t, err)
		if r.Status != pluginv2.CheckHealthResponse_ERROR {
			t.Errorf("%v %s", r.Status, r.Message)
		}
	})

	t.Run("every kind, by the contract of its frames", func(t *testing.T) {
		for _, k := range query.Kinds() {
			r := h.ask(ok, false, whole(k.Name))["A"]
			if r.Error != nil || len(r.Frames) == 0 || r.Frames[0].Rows() == 0 {
				t.Errorf("%s: %v, %d frames", k.Name, r.Error, len(r.Frames))
				continue
			}
			contract(t, k.Name, r.Frames)
			if r.Frames[0].Meta.ExecutedQueryString == "" || r.Frames[0].RefID != "A" {
				t.Errorf("%s: meta %+v", k.Name, r.Frames[0].Meta)
			}
		}
	})

	t.Run("alert rules", func(t *testing.T) {
		for _, k := range query.Kinds() {
			r := h.ask(ok, true, whole(k.Name))["A"]
			switch {
			case !k.Alertable && (r.Status != backend.StatusBadRequest || r.ErrorSource != backend.ErrorSourceDownstream || !strings.Contains(r.Error.Error(), "ask for")):
				t.Errorf("%s: %d %s %v", k.Name, r.Status, r.ErrorSource, r.Error)
			case k.Alertable && r.Error != nil:
				t.Errorf("%s: %v", k.Name, r.Error)
			case k.Alertable:
				contract(t, k.Name, r.Frames)
			}
		}
	})

	t.Run("errors have their source, and one leaves the others alone", func(t *testing.T) {
		r := h.ask(ok, false, `{"kind":"fleet"}`, `{"kind":"nosuch"}`, `not json`)
		if r["A"].Error != nil || r["B"].Status != backend.StatusBadRequest || r["C"].Status != backend.StatusBadRequest || r["B"].ErrorSource != backend.ErrorSourceDownstream {
			t.Errorf("%+v", r)
		}
		away := h.ask(h.with(map[string]any{"addr": "127.0.0.1:1"}, 4), false, `{"kind":"fleet"}`)["A"]
		if away.Status != backend.StatusBadGateway || away.ErrorSource != backend.ErrorSourceDownstream {
			t.Errorf("%d %s %v", away.Status, away.ErrorSource, away.Error)
		}
	})

	t.Run("a data source of a tenant sees nothing of another", func(t *testing.T) {
		r := h.ask(h.with(map[string]any{"tenant": "acme"}, 5), false, `{"kind":"fleet"}`, `{"kind":"fleet","tenant":"default"}`)
		if r["A"].Error != nil || r["A"].Frames[0].Rows() != 0 || r["B"].Error == nil {
			t.Errorf("%+v", r)
		}
	})

	t.Run("new settings make a new instance", func(t *testing.T) {
		one := h.with(map[string]any{"tenant": "acme"}, 6)
		if n := h.ask(one, false, `{"kind":"fleet"}`)["A"].Frames[0].Rows(); n != 0 {
			t.Fatalf("%d models", n)
		}
		changed := h.with(nil, 6)
		changed.DataSourceInstanceSettings.Updated = time.Unix(1000, 0)
		if n := h.ask(changed, false, `{"kind":"fleet"}`)["A"].Frames[0].Rows(); n != 3 {
			t.Errorf("%d models", n)
		}
		wrong := h.with(map[string]any{"addr": "http://x"}, 7)
		if r := h.ask(wrong, false, `{"kind":"fleet"}`)["A"]; r.Error == nil || !strings.Contains(r.Error.Error(), "is not host:port") || r.ErrorSource != backend.ErrorSourceDownstream {
			t.Errorf("%s %v", r.ErrorSource, r.Error)
		}
	})

	t.Run("resources", func(t *testing.T) {
		span := fmt.Sprintf("from=%d&to=%d", h.fleet.From.UnixMilli(), h.fleet.To.UnixMilli()+1)
		for path, want := range map[string]string{
			"models?" + span: `["m0","m1","m2"]`, "features?model=m0&" + span: `["f0","f1","f2","f3","f4","f5"]`, "tags/values?key=node&" + span: `[{"text":"n0"},{"text":"n1"},{"text":"n2"}]`,
			"models?from=0&to=1": `[]`,
		} {
			if code, body := h.get(ok, "GET", path, ""); code != 200 || strings.TrimSpace(body) != want {
				t.Errorf("%s: %d %s", path, code, body)
			}
		}
		for path, want := range map[string]int{"kinds": 200, "tags/keys": 200, "nosuch": 400, "tags/values?key=x": 400} {
			if code, body := h.get(ok, "GET", path, ""); code != want {
				t.Errorf("%s: %d %s", path, code, body)
			}
		}
	})

	t.Run("actions go to the API under its token", func(t *testing.T) {
		var asked atomic.Pointer[http.Request]
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Store(r)
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"id":"act-1"}`))
		}))
		defer api.Close()
		with := h.with(map[string]any{"apiUrl": api.URL}, 8)
		if code, body := h.get(with, "POST", "api/incidents/inc-1/actions?x=1", `{"kind":"acknowledge"}`); code != 201 || !strings.Contains(body, "act-1") {
			t.Fatalf("%d %s", code, body)
		}
		if r := asked.Load(); r.URL.Path != "/api/v1/incidents/inc-1/actions" || r.Header.Get("Authorization") != "Bearer secret-token" || r.URL.RawQuery != "x=1" {
			t.Errorf("%v %v", r.URL, r.Header)
		}
		asked.Store(nil)
		looker := h.with(map[string]any{"apiUrl": api.URL}, 8)
		looker.User = &backend.User{Login: "bo", Role: "Viewer"}
		for _, c := range []struct {
			who          backend.PluginContext
			method, path string
			want         int
		}{
			{looker, "POST", "api/incidents/inc-1/actions", 403},
			{with, "GET", "api/audit", 403},
			{with, "POST", "api/config/reload", 403},
			{with, "GET", "api/incidents/../audit", 307},
			{with, "GET", "api/incidents/%2e%2e/audit", 403},
			{with, "DELETE", "api/incidents/inc-1", 403},
			{ok, "POST", "api/incidents/inc-1/actions", 501},
		} {
			if code, body := h.get(c.who, c.method, c.path, "{}"); code != c.want || strings.Contains(body, "secret-token") {
				t.Errorf("%s %s: %d %s", c.method, c.path, code, body)
			}
		}
		if r := asked.Load(); r != nil {
			t.Errorf("refused, but asked: %v", r.URL)
		}
		if code, _ := h.get(looker, "GET", "api/incidents", ""); code != 201 {
			t.Errorf("a viewer reads: %d", code)
		}
	})

	t.Run("a question that is given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.data.QueryData(ctx, backend.ToProto().QueryDataRequest(&backend.QueryDataRequest{PluginContext: ok, Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(`{"kind":"fleet"}`)}}}))
		if err == nil {
			t.Error("answered")
		}
		if r := h.ask(ok, false, `{"kind":"fleet"}`)["A"]; r.Error != nil {
			t.Errorf("afterwards: %v", r.Error)
		}
	})

	t.Run("streams", func(t *testing.T) { streams(t, h, ok) })

	t.Run("metrics of its own", func(t *testing.T) {
		m, err := h.diag.CollectMetrics(t.Context(), &pluginv2.CollectMetricsRequest{})
		check(t, err)
		if len(m.GetMetrics().GetPrometheus()) == 0 {
			t.Error("none")
		}
	})
}

// contract of Grafana's data plane for the types that it knows.
func contract(t *testing.T, kind string, frames data.Frames) {
	t.Helper()
	known := frames[0].Meta.Type
	if known == "" {
		t.Errorf("%s has no type", kind)
	}
	if known == data.FrameTypeTimeSeriesMulti || known == data.FrameTypeTimeSeriesWide {
		r, err := timeseries.CollectionReaderFromFrames(frames)
		check(t, err)
		if c, err := r.GetCollection(true); err != nil || c.Warning != nil || len(c.Refs) == 0 {
			t.Errorf("%s: %v, warning %v, %d series", kind, err, c.Warning, len(c.Refs))
		}
	}
	if known == data.FrameTypeNumericLong || known == data.FrameTypeNumericMulti {
		r, err := numeric.CollectionReaderFromFrames(frames)
		check(t, err)
		if c, err := r.GetCollection(false); err != nil || len(c.Refs) == 0 {
			t.Errorf("%s: %v, %d numbers", kind, err, len(c.Refs))
		}
	}
}

func streams(t *testing.T, h *host, pctx backend.PluginContext) {
	pp := backend.ToProto().PluginContext(pctx)
	body := json.RawMessage(`{"kind":"drift_series","models":["m0"],"features":["f0"],"detectors":["psi"]}`)
	path := "signals/" + datasource.HashOf(body)
	for _, c := range []struct {
		path string
		data []byte
		want pluginv2.SubscribeStreamResponse_Status
	}{{path, body, pluginv2.SubscribeStreamResponse_OK}, {"incidents", nil, pluginv2.SubscribeStreamResponse_OK}, {"nosuch", nil, pluginv2.SubscribeStreamResponse_NOT_FOUND}, {"signals/x", []byte(`{"kind":"fleet"}`), pluginv2.SubscribeStreamResponse_NOT_FOUND}} {
		r, err := h.stream.SubscribeStream(t.Context(), &pluginv2.SubscribeStreamRequest{PluginContext: pp, Path: c.path, Data: c.data})
		check(t, err)
		if r.Status != c.want {
			t.Errorf("%s: %v", c.path, r.Status)
		}
	}
	published, err := h.stream.PublishStream(t.Context(), &pluginv2.PublishStreamRequest{PluginContext: pp, Path: "incidents", Data: []byte(`{}`)})
	check(t, err)
	if published.Status != pluginv2.PublishStreamResponse_PERMISSION_DENIED {
		t.Error("anybody may publish")
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	receive := func(path string, body []byte) *data.Frame {
		run, err := h.stream.RunStream(ctx, &pluginv2.RunStreamRequest{PluginContext: pp, Path: path, Data: body})
		check(t, err)
		p, err := run.Recv()
		check(t, err)
		var f data.Frame
		check(t, json.Unmarshal(p.Data, &f))
		return &f
	}
	// What is streamed first is what is queried of the same time.
	got := receive(path, body)
	queried := h.ask(pctx, false, string(body))["A"].Frames[0]
	from := time.Now().Add(-2 * time.Hour)
	same := 0
	for i := range got.Rows() {
		at, _ := got.Fields[1].At(i).(time.Time)
		score, _ := got.Fields[2].FloatAt(i)
		for k := range queried.Rows() {
			if q, _ := queried.Fields[0].At(k).(time.Time); q.Equal(at) {
				if v, _ := queried.Fields[1].FloatAt(k); v == score {
					same++
				}
			}
		}
	}
	want := 0
	for k := range queried.Rows() {
		if q, _ := queried.Fields[0].At(k).(time.Time); q.After(from) {
			want++
		}
	}
	if same != got.Rows() || same < want-1 || want < 20 {
		t.Errorf("%d of %d streamed points are queried ones; queried %d", same, got.Rows(), want)
	}

	// A thousand listeners share one look at the store, and each hears.
	const many = 1000
	heard := make(chan error, many)
	for i := range many {
		one := json.RawMessage(fmt.Sprintf(`{"kind":"drift_series","models":["m0"],"limit":%d}`, i%900+1))
		run, err := h.stream.RunStream(ctx, &pluginv2.RunStreamRequest{PluginContext: pp, Path: "signals/" + datasource.HashOf(one), Data: one})
		check(t, err)
		go func() {
			_, err := run.Recv()
			heard <- err
		}()
	}
	// News: one window more.
	check(t, h.db.Conn().Exec(t.Context(), "INSERT INTO signals (tenant, model, version, feature, detector, window_start, window_end, score, unit, threshold, state, n_window, evaluated_at) SELECT 'default', 'm0', '1', 'f9', 'psi', now64(3), now64(3) + INTERVAL 10 MINUTE, 0.5, 'nats', 0.2, 'alarm', 500, now64(3)"))
	for range many {
		if err := <-heard; err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}
