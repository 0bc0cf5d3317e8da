package loadtest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fleet(t testing.TB, seed uint64, events uint64, faults string) *loadtest.Fleet {
	t.Helper()
	chosen, err := loadtest.Select(faults)
	if err != nil {
		t.Fatal(err)
	}
	f, err := loadtest.New(loadtest.Options{Seed: seed, Start: start, Length: time.Hour, Events: events, Faults: chosen})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func digest(f *loadtest.Fleet) string {
	h := sha256.New()
	for r := range f.Records() {
		fmt.Fprintf(h, "%s %d %s %d\n", r.Kind, r.Time.UnixMilli(), r.Key, len(r.Value))
		h.Write(r.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestSameSeedSameBytes(t *testing.T) {
	f := fleet(t, 1, 5000, loadtest.All)
	first := digest(f)
	if again := digest(f); again != first {
		t.Error("the same fleet gives other bytes the second time")
	}
	if digest(fleet(t, 1, 5000, loadtest.All)) != first {
		t.Error("the same seed gives other bytes")
	}
	if digest(fleet(t, 2, 5000, loadtest.All)) == first {
		t.Error("another seed gives the same bytes")
	}
}

func TestRecordsAreInOrderAndOfAllKinds(t *testing.T) {
	f := fleet(t, 1, 20_000, loadtest.None)
	n, last := map[loadtest.Kind]int{}, time.Time{}
	for r := range f.Records() {
		n[r.Kind]++
		if r.Time.Before(f.Start) || !r.Time.Before(f.End()) {
			t.Fatalf("%s at %s lies outside the run", r.Kind, r.Time)
		}
		if r.Kind == loadtest.Events {
			if r.Time.Before(last) {
				t.Fatalf("event at %s after one at %s", r.Time, last)
			}
			last = r.Time
		}
	}
	if n[loadtest.Events] != 20_000 || n[loadtest.Telemetry] != 240*4*5 || n[loadtest.Changes] != 1 {
		t.Errorf("%v, want 20000 events, 240 scrapes of 4 GPUs and 5 metrics, 1 change", n)
	}
	if n[loadtest.Jobs] != 43 { // 42 minutes: started, 41 heartbeats, succeeded
		t.Errorf("%d job events, want 43", n[loadtest.Jobs])
	}
	if share := float64(n[loadtest.Labels]) / 20_000; share < 0.4 || share > 0.5 {
		t.Errorf("%d labels for 20000 events", n[loadtest.Labels])
	}
}

// labelled counts what becomes of the labels.
func TestLabelsAreLateDoubledOrNever(t *testing.T) {
	f := fleet(t, 1, 20_000, loadtest.None)
	made, told := map[string]time.Time{}, map[string]int{}
	var delays []float64
	for r := range f.Records() {
		switch r.Kind {
		case loadtest.Events:
			made[r.Key] = r.Time
		case loadtest.Labels:
			told[r.Key]++
			if strings.HasPrefix(r.Key, "credit-") {
				delays = append(delays, r.Time.Sub(made[r.Key]).Minutes())
			}
		default: // telemetry, jobs and changes have no labels
		}
	}
	doubled := 0
	for _, n := range told {
		if n == 2 {
			doubled++
		}
	}
	slices.Sort(delays)
	if m := delays[len(delays)/2]; m < 3 || m > 5.5 {
		t.Errorf("median delay of credit's labels is %.1f minutes, want about 4", m)
	}
	if delays[0] < 0 {
		t.Errorf("a label %.1f minutes before its event", -delays[0])
	}
	if doubled == 0 || len(told) >= len(made) {
		t.Errorf("%d labels of %d events, %d of them doubled", len(told), len(made), doubled)
	}
}

// columns are the values of the events within [from, until) by model and feature.
type columns struct {
	numeric     map[string][]float64 // NaN is missing
	categorical map[string]map[string]int
	rows        map[string]int
}

func collect(f *loadtest.Fleet, from, until time.Time) columns {
	c := columns{map[string][]float64{}, map[string]map[string]int{}, map[string]int{}}
	category := func(key, value string) {
		if c.categorical[key] == nil {
			c.categorical[key] = map[string]int{}
		}
		c.categorical[key][value]++
	}
	var e schemas.Event
	for i := range f.Events {
		f.Event(i, &e)
		if e.Time.Before(from) || !e.Time.Before(until) {
			continue
		}
		c.rows[e.Model]++
		for k, v := range e.Features.Numeric {
			c.numeric[e.Model+"/"+k] = append(c.numeric[e.Model+"/"+k], v)
		}
		for k, v := range e.Features.Categorical {
			category(e.Model+"/"+k, v)
		}
		c.numeric[e.Model+"/"+schemas.FeatureScore] = append(c.numeric[e.Model+"/"+schemas.FeatureScore], *e.Score)
		c.numeric[e.Model+"/"+schemas.FeatureLatency] = append(c.numeric[e.Model+"/"+schemas.FeatureLatency], *e.LatencyMS)
		category(e.Model+"/"+schemas.FeaturePrediction, e.Prediction)
		category(e.Model+"/version", e.Version)
	}
	return c
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	return s[len(s)/2]
}

func TestDistributionsAreSane(t *testing.T) {
	f := fleet(t, 3, 30_000, loadtest.None)
	c := collect(f, f.Start, f.End())
	for key, want := range map[string][2]float64{ // of the median
		"credit/income": {2500, 3100}, "credit/age": {35, 45}, "credit/utilisation": {0.3, 0.5}, "credit/_score": {0.1, 0.4},
		"ranking/price": {30, 40}, "ranking/freshness_hours": {40, 60}, "ranking/_score": {0.4, 0.6},
		"vision/emb_03": {-0.1, 0.1}, "vision/_score": {0.4, 0.9}, "vision/_latency_ms": {38, 46},
	} {
		if m := median(c.numeric[key]); m < want[0] || m > want[1] {
			t.Errorf("median of %s is %g, want %g to %g", key, m, want[0], want[1])
		}
	}
	if r := correlation(c.numeric["credit/income"], c.numeric["credit/amount"]); r < 0.3 {
		t.Errorf("income and amount correlate by %.2f, want clearly", r)
	}
	if r := correlation(c.numeric["credit/utilisation"], c.numeric["credit/_score"]); r < 0.4 {
		t.Errorf("utilisation and score correlate by %.2f, want clearly", r)
	}
	if v := c.categorical["credit/version"]; v["v1"] < v["v2"] || v["v2"] == 0 {
		t.Errorf("versions %v, want both, v1 more often", v)
	}
	for key, values := range c.categorical {
		if strings.HasSuffix(key, schemas.FeaturePrediction) && len(values) < 2 {
			t.Errorf("%s is always %v", key, values)
		}
	}
}

func correlation(x, y []float64) float64 {
	mean := func(v []float64) (m float64) {
		for _, a := range v {
			m += a / float64(len(v))
		}
		return m
	}
	mx, my, xy, xx, yy := mean(x), mean(y), 0., 0., 0.
	for i := range x {
		xy, xx, yy = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx), yy+(y[i]-my)*(y[i]-my)
	}
	return xy / math.Sqrt(xx*yy)
}

func BenchmarkGenerate(b *testing.B) {
	f := fleet(b, 1, 200_000, loadtest.All)
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		for r := range f.Records() {
			if r.Kind == loadtest.Events {
				events++
			}
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
