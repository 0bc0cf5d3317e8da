package ingest

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

// modelIngester agrees on features within memory and writes nothing.
func modelIngester(s Schemas, maxFeatures int) *Ingester {
	cfg := DefaultConfig()
	cfg.MaxFeatures = maxFeatures
	return New(cfg, Options{Windows: "windows", Schemas: s, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
}

// numericEvent has the given features in the given order.
func numericEvent(names []string, values []float64) *rawEvent {
	e := &rawEvent{}
	e.reset()
	e.model, e.numValues = []byte("m"), values
	for _, n := range names {
		e.numNames = append(e.numNames, []byte(n))
	}
	return e
}

// placed makes c.numRow and c.catRow those of the event.
func placed(t *testing.T, c *eventColumns, e *rawEvent) error {
	t.Helper()
	c.layoutOf(e)
	err := c.locate(t.Context(), e)
	if err == nil {
		c.fill(e)
	}
	return err
}

// Whatever order and subset of features comes next, the memo of the previous
// event never leads astray: values are where the schema says, the last of
// duplicates wins, everything else is missing.
func TestLayoutFollowsEveryOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	c := newEventColumns(modelIngester(localSchemas{}, 100), Topic{Tenant: "t"})
	known := 3
	for range 20_000 {
		if known < 60 && rng.IntN(50) == 0 {
			known++
		}
		var names []string
		want := map[string]float64{}
		values := make([]float64, rng.IntN(12))
		for i := range values {
			names = append(names, fmt.Sprint("f", rng.IntN(known)))
			values[i] = float64(rng.IntN(1000))
			want[names[i]] = values[i]
		}
		if rng.IntN(2) == 0 { // mostly producers keep an order
			slices.Sort(names)
			clear(want)
			for i, n := range names {
				want[n] = values[i]
			}
		}
		if err := placed(t, c, numericEvent(names, values)); err != nil {
			t.Fatal(err)
		}
		for i, got := range c.numRow {
			v, ok := want[c.layout.schema.Numeric[i]]
			if ok && got != float32(v) || !ok && !math.IsNaN(float64(got)) {
				t.Fatalf("%v %v: %s is %v, want %v (%v)", names, values, c.layout.schema.Numeric[i], got, v, ok)
			}
		}
	}
}

// A feature is numeric or categorical by its value, and may be both.
func TestLayoutKeepsKindsApart(t *testing.T) {
	c := newEventColumns(modelIngester(localSchemas{}, 100), Topic{Tenant: "t"})
	e := numericEvent([]string{"a"}, []float64{1})
	e.catNames, e.catValues = [][]byte{[]byte("a")}, [][]byte{[]byte("x")}
	if err := placed(t, c, e); err != nil {
		t.Fatal(err)
	}
	if c.numRow[2] != 1 || string(c.catRow[1]) != "x" {
		t.Errorf("got %v and %q", c.numRow, c.catRow)
	}
}

// A name that is refused is refused again, also where the event before it had
// the same fault at the same place.
func TestLayoutRefusesReservedNamesEveryTime(t *testing.T) {
	reserved := []string{"", schemas.FeatureScore, schemas.FeatureLatency, schemas.FeaturePrediction}
	for _, first := range reserved {
		for _, second := range reserved {
			c := newEventColumns(modelIngester(localSchemas{}, 100), Topic{Tenant: "t"})
			for _, name := range []string{first, second, second} {
				for _, names := range [][]string{{"a", name}, {name}} {
					if err := placed(t, c, numericEvent(names, []float64{7, 7}[:len(names)])); reasonOf(err) != "bad_feature" {
						t.Errorf("%q after %q: %v; _score is %v", names, first, err, c.numRow[:1])
					}
				}
			}
		}
	}
}

// The limit counts what the version would have; a refusal changes nothing.
func TestLayoutBoundsFeatures(t *testing.T) {
	c := newEventColumns(modelIngester(localSchemas{}, 5), Topic{Tenant: "t"})
	if err := placed(t, c, numericEvent([]string{"a", "b"}, []float64{1, 2})); err != nil {
		t.Fatal(err)
	}
	if err := placed(t, c, numericEvent([]string{"a", "c"}, []float64{1, 2})); reasonOf(err) != "too_many_features" {
		t.Errorf("a third feature of five with three built in: %v", err)
	}
	if err := placed(t, c, numericEvent([]string{"b", "a"}, []float64{1, 2})); err != nil {
		t.Errorf("known features after a refusal: %v", err)
	}
}

// Versions, models and tenants have layouts of their own; a record without a
// tenant has the topic's.
func TestLayoutsAreApart(t *testing.T) {
	c := newEventColumns(modelIngester(localSchemas{}, 100), Topic{Tenant: "t"})
	for i, key := range []schemas.SchemaKey{{}, {Tenant: "t"}, {Tenant: "u"}, {Version: "2"}, {Model: "n"}, {}} {
		e := numericEvent([]string{fmt.Sprint("f", i)}, []float64{1})
		e.tenant, e.version, e.model = []byte(key.Tenant), []byte(key.Version), []byte(or(key.Model, "m"))
		if err := placed(t, c, e); err != nil {
			t.Fatal(err)
		}
		want := schemas.SchemaKey{Tenant: or(key.Tenant, "t"), Model: or(key.Model, "m"), Version: key.Version}
		if c.layout.schema.Key != want {
			t.Errorf("layout of %v for %v", c.layout.schema.Key, want)
		}
	}
	if len(c.all) != 4 {
		t.Errorf("%d layouts", len(c.all))
	}
	if got := c.layout.schema.Numeric[2:]; !slices.Equal(got, []string{"f0", "f1", "f5"}) {
		t.Errorf("features %q", got)
	}
}
