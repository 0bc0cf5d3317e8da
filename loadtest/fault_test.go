package loadtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

func TestSelect(t *testing.T) {
	for list, want := range map[string]int{"all": len(loadtest.Faults), "none": 0, "shift": 1, " category, frozen ": 2, "shift,shift": 1} {
		if got, err := loadtest.Select(list); err != nil || len(got) != want {
			t.Errorf("%q gives %d faults, %v; want %d", list, len(got), err, want)
		}
	}
	_, err := loadtest.Select("shift,categroy")
	if want := `unknown fault "categroy"; did you mean "category"? valid: all, none, shift, category, missing, frozen, concept`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := loadtest.Select("earthquake"); err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("got %v, want an error without a guess", err)
	}
}

// A fault changes its features and their consequences, from its start to its
// end, and nothing else: event by event, against the same run without it.
func TestFaultChangesOnlyWhatItSays(t *testing.T) {
	clean := fleet(t, 7, 20_000, loadtest.None)
	for _, fault := range loadtest.Faults {
		t.Run(fault.Name, func(t *testing.T) {
			faulty := fleet(t, 7, 20_000, fault.Name)
			in := faulty.Injected()[0]
			changed := map[string]int{}
			var was, is schemas.Event
			for i := range clean.Events {
				before, _ := clean.Event(i, &was)
				if after, _ := faulty.Event(i, &is); after != before {
					changed[loadtest.Outcomes]++
				}
				for feature := range differences(t, &was, &is) {
					changed[feature]++
					if !in.Covers(is.Model, feature) || is.Time.Before(in.Start) || !is.Time.Before(in.End) {
						t.Fatalf("event %d at %s: %s of %s changed", i, is.Time, feature, is.Model)
					}
				}
			}
			if n := changed[loadtest.Outcomes]; n > 0 && (fault.Name == "missing" || fault.Name == "frozen") {
				t.Errorf("what arrives changed the truth of %d events", n)
			}
			for _, feature := range in.Features {
				if changed[feature] < 100 {
					t.Errorf("%s changed in %d events only", feature, changed[feature])
				}
			}
		})
	}
}

// differences are the features in which two events differ. Nothing else may.
func differences(t *testing.T, a, b *schemas.Event) map[string]bool {
	t.Helper()
	x, y := values(a), values(b)
	out := map[string]bool{}
	for k := range x {
		if !reflect.DeepEqual(x[k], y[k]) {
			out[k] = true
		}
	}
	for k := range y {
		if _, ok := x[k]; !ok {
			out[k] = true
		}
	}
	rest, other := *a, *b
	for _, e := range []*schemas.Event{&rest, &other} {
		e.Features, e.Score, e.LatencyMS, e.Prediction = schemas.Features{}, nil, nil, ""
	}
	if !reflect.DeepEqual(rest, other) {
		t.Fatalf("%+v became %+v", rest, other)
	}
	return out
}

func values(e *schemas.Event) map[string]any {
	out := map[string]any{schemas.FeatureScore: *e.Score, schemas.FeatureLatency: *e.LatencyMS, schemas.FeaturePrediction: e.Prediction}
	for k, v := range e.Features.Numeric {
		out[k] = v
	}
	for k, v := range e.Features.Categorical {
		out[k] = v
	}
	return out
}

func TestInjectedIsTheTruth(t *testing.T) {
	f := fleet(t, 1, 1000, "category")
	in := f.Injected()
	if len(in) != 1 || !in[0].Start.Equal(start.Add(15*time.Minute)) || !in[0].End.Equal(start.Add(30*time.Minute)) {
		t.Fatalf("%+v", in)
	}
	text, err := json.Marshal(in[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"name":"category"`, `"model":"ranking"`, `"features":["device"]`, `"start":"2026-03-01T12:15:00Z"`, `"strength":0.35`} {
		if !strings.Contains(string(text), key) {
			t.Errorf("no %s in %s", key, text)
		}
	}
	if text, err := json.Marshal(fleet(t, 1, 1000, "none").Injected()); err != nil || string(text) != "[]" {
		t.Errorf("without faults: %s %v", text, err)
	}
}

func TestReferences(t *testing.T) {
	dir := t.TempDir()
	if err := loadtest.WriteReferences(dir, 1, 50, start); err != nil {
		t.Fatal(err)
	}
	for _, model := range loadtest.Models() {
		text, err := os.ReadFile(filepath.Join(dir, model+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != 51 || !strings.HasPrefix(lines[0], "timestamp,") || !strings.HasSuffix(lines[0], ",prediction,score,latency_ms,label") {
			t.Errorf("%s: %d lines, %s", model, len(lines), lines[0])
		}
		if strings.Contains(string(text), "NaN") {
			t.Errorf("%s has a faulty row", model)
		}
	}
}
