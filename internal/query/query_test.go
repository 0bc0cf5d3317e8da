package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

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

// seeded is a store with a fleet in it.
func seeded(t testing.TB, f querytest.Fleet) *query.Asker {
	t.Helper()
	engine := embeddedtest.ClickHouse(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{engine.Addr()}
	db, err := clickhouse.Open(cfg)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(t.Context(), io.Discard))
	check(t, f.Seed(t.Context(), db))
	return &query.Asker{DB: db}
}

func of(f querytest.Fleet) query.Range {
	return query.Range{From: f.From, To: f.To.Add(time.Minute), MaxPoints: 500}
}

// whole questions that have answers about the small fleet.
func whole(kind string) query.Query {
	q := query.Query{Kind: kind}
	switch kind {
	case "distribution", "distribution_series":
		q.Models, q.Features = []string{"m0"}, []string{"f0"}
	case "incident_causes":
		q.ID = querytest.Incident
	case "infra":
		q.Metrics = []string{"gpu_temperature_celsius"}
	}
	return q
}

func TestEveryKind(t *testing.T) {
	fleet := querytest.Small()
	a := seeded(t, fleet)
	ask := func(t *testing.T, q query.Query, r query.Range) data.Frames {
		t.Helper()
		frames, err := a.Ask(t.Context(), q, r)
		check(t, err)
		for _, f := range frames {
			if _, err := json.Marshal(f); err != nil {
				t.Fatal(err)
			}
		}
		return frames
	}
	column := func(t *testing.T, f *data.Frame, name string) *data.Field {
		t.Helper()
		field, i := f.FieldByName(name)
		if i < 0 {
			t.Fatalf("no field %s in %v", name, f.Fields)
		}
		return field
	}
	for _, k := range query.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			frames := ask(t, whole(k.Name), of(fleet))
			if len(frames) == 0 || len(frames[0].Fields) == 0 || frames[0].Rows() == 0 {
				t.Fatalf("nothing: %v", frames)
			}
			if m := frames[0].Meta; m == nil || m.Type == "" || m.ExecutedQueryString == "" || strings.Contains(m.ExecutedQueryString, "{p") {
				t.Fatalf("meta %+v", m)
			}
		})
		t.Run(k.Name+" of a time without data", func(t *testing.T) {
			q := whole(k.Name)
			if k.Name == "incident_causes" {
				t.Skip("an incident is what it is at any time")
			}
			long := query.Range{From: time.Unix(1e9, 0), To: time.Unix(1e9+3600, 0)}
			for _, f := range ask(t, q, long) {
				if f.Meta.Type == "" || f.Rows() != 0 {
					t.Fatalf("%d rows of type %q", f.Rows(), f.Meta.Type)
				}
			}
		})
	}
	t.Run("the feature that drifts comes first", func(t *testing.T) {
		rank := ask(t, query.Query{Kind: "drift_rank"}, of(fleet))[0]
		if f, s := column(t, rank, "feature").At(0), column(t, rank, "state").At(0); f != "f0" || s != "alarm" {
			t.Fatalf("%v %v", f, s)
		}
		if at := column(t, rank, "first_seen").At(0).(*time.Time); !at.Equal(fleet.Broken()) {
			t.Errorf("first seen %v, broken at %v", at, fleet.Broken())
		}
		heat := ask(t, query.Query{Kind: "drift_heatmap", Models: []string{"m0"}}, of(fleet))[0]
		if heat.Fields[1].Name != "f0" || len(heat.Fields) != fleet.Features+1 {
			t.Fatalf("%s of %d", heat.Fields[1].Name, len(heat.Fields))
		}
		for i := range heat.Rows() {
			end := heat.Fields[0].At(i).(time.Time)
			if v := *heat.Fields[1].At(i).(*float64); (v >= 1) != end.After(fleet.Broken()) {
				t.Fatalf("%v at %v", v, end)
			}
		}
		models := ask(t, query.Query{Kind: "fleet"}, of(fleet))[0]
		if m, s, w := column(t, models, "model").At(0), column(t, models, "state").At(0), column(t, models, "worst_feature").At(0); m != "m0" || s != "alarm" || w != "f0" {
			t.Fatalf("%v %v %v", m, s, w)
		}
		if s := column(t, models, "state").At(1); s != "ok" {
			t.Errorf("the second is %v", s)
		}
	})
	t.Run("the largest is kept, never averaged away", func(t *testing.T) {
		highest := func(points int) (m float64) {
			r := of(fleet)
			r.MaxPoints = points
			f := ask(t, query.Query{Kind: "drift_series", Models: []string{"m0"}, Features: []string{"f0"}, Detectors: []string{"psi"}}, r)
			if n := f[0].Rows(); n > points {
				t.Errorf("%d points of at most %d", n, points)
			}
			for i := range f[0].Rows() {
				m = max(m, f[0].Fields[1].At(i).(float64))
			}
			if points < 50 && !strings.Contains(f[0].Meta.Notices[0].Text, "largest") {
				t.Errorf("notices %v", f[0].Meta.Notices)
			}
			return m
		}
		if fine, coarse := highest(1000), highest(5); fine != coarse || fine < 0.6 {
			t.Errorf("%v of all points, %v of few", fine, coarse)
		}
	})
	t.Run("bins show what moved", func(t *testing.T) {
		r := of(fleet)
		r.From = fleet.Broken()
		frames := ask(t, query.Query{Kind: "distribution", Models: []string{"m0"}, Features: []string{"f0", "f2"}}, r)
		if len(frames) != 2 {
			t.Fatal(frames)
		}
		for i, f := range frames {
			if psi := f.Meta.Custom.(map[string]any)["psi"].(float64); psi < 0.2 {
				t.Errorf("%d: PSI %v", i, psi)
			}
			var ref, cur float64
			for k := range f.Rows() {
				ref += column(t, f, "reference").At(k).(float64)
				cur += column(t, f, "current").At(k).(float64)
			}
			if ref < 0.999 || ref > 1.001 || cur < 0.999 || cur > 1.001 {
				t.Errorf("%d: shares sum to %v and %v", i, ref, cur)
			}
		}
		if column(t, frames[0], "bin_lo").At(0).(*float64) == nil || column(t, frames[1], "bin_lo").At(0).(*float64) != nil {
			t.Error("only numbers have edges")
		}
	})
	t.Run("performance has bands and says what is provisional", func(t *testing.T) {
		f := ask(t, query.Query{Kind: "performance", Models: []string{"m0"}}, of(fleet))[0]
		if len(f.Fields) != 10 || !slices.ContainsFunc(f.Meta.Notices, func(n data.Notice) bool { return strings.Contains(n.Text, "waited for") }) {
			t.Fatalf("%d fields, notices %v", len(f.Fields), f.Meta.Notices)
		}
		low, at, high := column(t, f, "realised_lower").At(0).(*float64), column(t, f, "realised").At(0).(*float64), column(t, f, "realised_upper").At(0).(*float64)
		if !(*low < *at && *at < *high) {
			t.Errorf("%v %v %v", *low, *at, *high)
		}
	})
	t.Run("counters become rates", func(t *testing.T) {
		f := ask(t, query.Query{Kind: "infra", Metrics: []string{"requests_total"}, Measure: "rate", Filters: []query.Filter{{Key: "node", Operator: "=", Value: "n0"}}}, query.Range{From: fleet.From, To: fleet.To, Interval: 10 * time.Minute})
		if len(f) != 1 {
			t.Fatalf("%d series", len(f))
		}
		if v := f[0].Fields[1].At(2).(float64); v < 0.33 || v > 0.34 {
			t.Errorf("10 in 30 s are %v per second", v)
		}
	})
	t.Run("evidence comes with its series", func(t *testing.T) {
		frames := ask(t, whole("incident_causes"), of(fleet))
		var names []string
		for _, f := range frames[4:] {
			names = append(names, f.Fields[1].Labels["metric"])
		}
		if !slices.Equal(names, []string{"gpu_temperature_celsius", "f0 psi"}) {
			t.Errorf("series of %v", names)
		}
	})
	t.Run("an alert rule gets numbers or a refusal that names the sibling", func(t *testing.T) {
		r := of(fleet)
		r.Alert = true
		for _, k := range query.Kinds() {
			frames, err := a.Ask(t.Context(), whole(k.Name), r)
			var m *query.Mistake
			switch {
			case !k.Alertable:
				if !errors.As(err, &m) || !strings.Contains(err.Error(), "ask for ") {
					t.Errorf("%s: %v", k.Name, err)
				}
			case err != nil:
				t.Errorf("%s: %v", k.Name, err)
			default:
				for _, f := range frames {
					for _, field := range f.Fields {
						if field.Type() == data.FieldTypeString {
							t.Errorf("%s has text in %s", k.Name, field.Name)
						}
					}
				}
			}
		}
	})
	t.Run("filters", func(t *testing.T) {
		for text, want := range map[string]int{`{"key":"model","operator":"=","value":"m1"}`: 1, `{"key":"model","operator":"!=","value":"m1"}`: 2, `{"key":"model","operator":"=~","value":"m[01]"}`: 2, `{"key":"model","operator":"!~","value":"m"}`: 3, `{"key":"model","operator":"=|","values":["m0","m2"]}`: 2, `{"key":"model","operator":"!=|","values":["m0","m2"]}`: 1, `{"key":"gpu","operator":"=","value":"0"}`: 3} {
			var f query.Filter
			check(t, json.Unmarshal([]byte(text), &f))
			got := ask(t, query.Query{Kind: "fleet", Filters: []query.Filter{f}}, of(fleet))[0]
			if got.Rows() != want {
				t.Errorf("%s: %d models, want %d", text, got.Rows(), want)
			}
		}
	})
	t.Run("filters on what references do not have", func(t *testing.T) {
		for _, f := range []query.Filter{{Key: "detector", Operator: "!~", Value: "silent_.*"}, {Key: "feature", Operator: "=~", Value: "f.*"}, {Key: "version", Operator: "=", Value: "1"}, {Key: "state", Operator: "!=", Value: "no_data"}} {
			for _, kind := range []string{"drift_heatmap", "drift_series", "drift_rank"} {
				if got := ask(t, query.Query{Kind: kind, Models: []string{"m0"}, Filters: []query.Filter{f}}, of(fleet)); got[0].Rows() == 0 {
					t.Errorf("%s with %+v is empty", kind, f)
				}
			}
		}
	})
	t.Run("nothing of another tenant", func(t *testing.T) {
		other := &query.Asker{DB: a.DB, Tenant: "acme"}
		for _, k := range query.Kinds() {
			frames, err := other.Ask(t.Context(), whole(k.Name), of(fleet))
			if k.Name == "incident_causes" {
				if err == nil {
					t.Error("an incident of another tenant is seen")
				}
				continue
			}
			check(t, err)
			for _, f := range frames {
				if f.Rows() > 0 {
					t.Errorf("%s: %d rows", k.Name, f.Rows())
				}
			}
		}
		for _, name := range query.OptionNames() {
			got, err := other.Options(t.Context(), name, of(fleet), map[string][]string{"tenant": {"default"}})
			check(t, err)
			if len(got) > 0 {
				t.Errorf("%s: %v", name, got)
			}
		}
		if _, err := other.Ask(t.Context(), query.Query{Kind: "fleet", Tenant: "default"}, of(fleet)); err == nil {
			t.Error("another tenant may be asked for")
		}
	})
	t.Run("options", func(t *testing.T) {
		for name, want := range map[string][]string{"models": {"m0", "m1", "m2"}, "features": {"f0", "f1", "f2", "f3", "f4", "f5"}, "nodes": {"n0", "n1", "n2"}, "incidents": {querytest.Incident}, "performance": {"roc_auc"}, "segments": {"north", "south"}} {
			got, err := a.Options(t.Context(), name, of(fleet), nil)
			check(t, err)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v", name, got)
			}
		}
		got, err := a.Options(t.Context(), "nodes", of(fleet), map[string][]string{"node": {"n1"}, "metric": {"no such"}})
		check(t, err)
		if len(got) != 0 {
			t.Errorf("nodes of no metric: %v", got)
		}
	})
	t.Run("a question that is given up stops in the store", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Ask(ctx, query.Query{Kind: "drift_series"}, of(fleet)); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestMistakesSayWhatToAsk(t *testing.T) {
	now := time.Now()
	hour := query.Range{From: now.Add(-time.Hour), To: now}
	for want, c := range map[string]struct {
		q query.Query
		r query.Range
	}{
		"the kinds are":       {query.Query{Kind: "nosuch"}, hour},
		"v2":                  {query.Query{Kind: "fleet", V: 2}, hour},
		"ends before":         {query.Query{Kind: "fleet"}, query.Range{From: now, To: now}},
		"longer than 400":     {query.Query{Kind: "fleet"}, query.Range{From: now.AddDate(-2, 0, 0), To: now}},
		"limit is 1001":       {query.Query{Kind: "fleet", Limit: 1001}, hour},
		"it has max, mean":    {query.Query{Kind: "infra", Measure: "median"}, hour},
		"it has deploys":      {query.Query{Kind: "events", Presets: []string{"x"}}, hour},
		"the operators are":   {query.Query{Kind: "fleet", Filters: []query.Filter{{Key: "model", Operator: "~"}}}, hour},
		"missing closing":     {query.Query{Kind: "fleet", Filters: []query.Filter{{Key: "model", Operator: "=~", Value: "("}}}, hour},
		"give its id":         {query.Query{Kind: "incident_causes"}, hour},
		"name it in models":   {query.Query{Kind: "distribution"}, hour},
		"name it in features": {query.Query{Kind: "distribution_series", Models: []string{"m"}}, hour},
	} {
		_, err := (&query.Asker{}).Ask(t.Context(), c.q, c.r)
		var m *query.Mistake
		if !errors.As(err, &m) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
