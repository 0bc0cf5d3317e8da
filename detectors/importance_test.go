package detectors

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Importance is read from a file and from the entry, which has the last word; in
// signals it is against the average.
func TestImportance(t *testing.T) {
	file := filepath.Join(t.TempDir(), "importance.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("feature,importance\nc,3\nx,7\nother,0\n")
	m, err := Model{Name: "m", ImportanceFrom: file, Importance: map[string]float64{"x": 6}}.WithImportance()
	if want := map[string]float64{"c": 3, "x": 6, "other": 0}; err != nil || !reflect.DeepEqual(m.Importance, want) {
		t.Fatalf("read %v, %v; want %v", m.Importance, err, want)
	}
	m.Detectors = []string{"missing"}
	p := mustPlan(t, DefaultConfig(), m)
	ref := reference(SummarizeStrings("c", []string{"a"}), SummarizeNumbers("x", []float64{1}), SummarizeNumbers("z", []float64{1}))
	got := map[string]float64{}
	for _, s := range EvaluateWindow(p, ref, nil, schemas.Span{}, time.Time{}) {
		got[s.Feature] = s.Importance
	}
	if want := map[string]float64{"c": 1, "x": 2, "z": 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("signals have %v, want %v: three features with 3 on average", got, want)
	}
	if v := p.importanceOf("other"); v != leastImportance {
		t.Errorf("a feature without importance counts %v", v)
	}
	for _, text := range []string{"name,importance\nx,1\n", "feature,importance\nx,-1\n", "feature,importance\nx,much\n"} {
		write(text)
		if _, err := (Model{Name: "m", ImportanceFrom: file}).WithImportance(); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := (Model{Name: "m", Importance: map[string]float64{"x": -1}}).Validate(); err == nil || !strings.Contains(err.Error(), "importance.x") {
		t.Errorf("a negative importance: %v", err)
	}
}
