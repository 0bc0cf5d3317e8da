package multivariate

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

func planOf(t *testing.T, m detectors.Model) *detectors.Plan {
	t.Helper()
	m.Name = "m"
	p, err := detectors.NewPlan(detectors.DefaultConfig(), m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The configuration knows the detectors by a list of their names.
func TestConfigurationKnowsTheNames(t *testing.T) {
	var names []string
	for _, d := range All() {
		names = append(names, d.Name)
	}
	if got := detectors.JointNames(); !reflect.DeepEqual(got, names) {
		t.Errorf("the configuration knows %v, registered are %v", got, names)
	}
	p := planOf(t, detectors.Model{Detectors: []string{detectors.JointSet}, Thresholds: map[string]float64{"mahalanobis": 1}})
	if !reflect.DeepEqual(p.Joint(), names) {
		t.Errorf("%q stands for %v", detectors.JointSet, p.Joint())
	}
	if got := planOf(t, detectors.Model{}).Joint(); len(got) > 0 {
		t.Errorf("the default set reads rows: %v", got)
	}
}

// rowsTable has two features that move together, or against each other, and
// one that stands alone.
func rowsTable(rng *rand.Rand, n int, sign float64) *tabular.Table {
	t := &tabular.Table{Name: "rows", Rows: n, Columns: []tabular.Column{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "latency"}, {Name: "label"}}}
	for range n {
		a := rng.NormFloat64()
		for i, v := range []float64{a, sign*a + 0.6*rng.NormFloat64(), rng.NormFloat64(), rng.ExpFloat64(), 1} {
			t.Columns[i].Numbers = append(t.Columns[i].Numbers, v)
		}
	}
	return t
}

// stored plays the store: the windows of two versions.
type stored map[string]*tabular.Table

func (s stored) Rows(_ context.Context, _ schemas.ModelKey, version string, _ schemas.Span, _ uint64, columns []string, limit int) ([][]float64, error) {
	t := s[version]
	if t == nil {
		return nil, errors.New("no such version")
	}
	var out [][]float64
	for i := range min(t.Rows, limit) {
		row := make([]float64, len(columns))
		for k, c := range columns {
			row[k] = t.Column(c).Numbers[i]
		}
		out = append(out, row)
	}
	return out, nil
}

// A relation that turns round is found by the detectors of relations, named by
// its columns, in the version that it turned in, and by no detector of single
// features, in one budget with them.
func TestComparerFindsABrokenRelation(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	p := planOf(t, detectors.Model{Detectors: []string{detectors.DefaultSet, detectors.JointSet}})
	roles := detectors.ReferenceFile{Latency: "latency", Exclude: []string{"label"}}
	table := rowsTable(rng, 8000, 1)
	features, err := detectors.SummarizeTable(table, roles)
	if err != nil {
		t.Fatal(err)
	}
	ref := detectors.MakeReference(p.Key, "training", "test", features)
	rows := OfTable(p, table, roles)
	if !reflect.DeepEqual(rows.Columns, []string{"a", "b", "c"}) || len(rows.Values) != p.JointRows() {
		t.Fatalf("%d rows of %v", len(rows.Values), rows.Columns)
	}
	windows := stored{"v1": rowsTable(rng, 3000, 1), "v2": rowsTable(rng, 3000, -1)}
	c := NewComparer(windows)
	span := schemas.Span{Start: time.Unix(0, 0).UTC(), End: time.Unix(3600, 0).UTC()}
	var found []schemas.WindowSummaries
	for _, version := range []string{"v1", "v2"} {
		f, err := detectors.SummarizeTable(windows[version], roles)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, schemas.WindowSummaries{ModelKey: p.Key, Version: version, Span: span, Rows: 3000, Features: f})
	}
	if none, err := c.Joint(t.Context(), p, &ref, found); err != nil || len(none) > 0 {
		t.Fatalf("without rows of the reference: %v, %v", none, err)
	}
	c.SetReference(&ref, rows)
	joint, err := c.Joint(t.Context(), p, &ref, found)
	if err != nil {
		t.Fatal(err)
	}
	alarms := map[string]string{}
	for _, s := range detectors.EvaluateJoint(p, nil, &ref, found, joint, span, span.End) {
		if s.State == schemas.StateAlarm {
			alarms[s.Version+" "+s.Feature+" "+s.Detector] = s.Reason
		}
	}
	for key := range alarms {
		if !strings.HasPrefix(key, "v2  ") {
			t.Errorf("alarm of %s: %s", key, alarms[key])
		}
	}
	for _, name := range []string{"pca_reconstruction", "correlation_change"} {
		if alarms["v2  "+name] == "" {
			t.Errorf("%s does not see the relation: %v", name, alarms)
		}
	}
	if text := alarms["v2  correlation_change"]; !strings.Contains(text, "'a' and 'b' went from ρ") {
		t.Errorf("the pair is not named: %s", text)
	}
	again, err := c.Joint(t.Context(), p, &ref, found)
	if err != nil || !reflect.DeepEqual(again, joint) {
		t.Error("the same rows give another answer")
	}
	found[0].Version = "v3"
	if _, err := c.Joint(t.Context(), p, &ref, found); err == nil {
		t.Error("the source's error is lost")
	}
}

func TestFeaturesByPattern(t *testing.T) {
	p := planOf(t, detectors.Model{
		Multivariate: detectors.Multivariate{Features: []string{"emb_*", "x"}, Rows: 200},
		Features:     map[string]detectors.FeatureRules{"emb_7": {Ignore: true}},
	})
	for name, want := range map[string]bool{"emb_1": true, "emb_7": false, "x": true, "y": false, schemas.FeatureScore: false} {
		if p.JointFeature(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	if p.JointRows() != 200 {
		t.Errorf("%d rows", p.JointRows())
	}
}
