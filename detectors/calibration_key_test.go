package detectors

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// A calibration that was stored is taken in the place of making it, exactly as it
// was, and made anew when anything changed that it depends on.
func TestCalibrationsAreReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 20))
	table := &tabular.Table{Name: "t", Rows: 4000, Columns: []tabular.Column{
		{Name: "x", Kind: tabular.Numeric}, {Name: "c", Kind: tabular.Categorical}, {Name: "at", Kind: tabular.Time},
	}}
	for i := range table.Rows {
		table.Columns[0].Numbers = append(table.Columns[0].Numbers, rng.NormFloat64())
		table.Columns[1].Strings = append(table.Columns[1].Strings, string(rune('a'+rng.IntN(3))))
		table.Columns[2].Times = append(table.Columns[2].Times, day(2).Add(time.Duration(i)*time.Minute))
	}
	roles := ReferenceFile{Timestamp: "at"}
	base := DefaultConfig()
	base.MinRows = 20
	model := Model{Name: "m", Detectors: []string{"psi", "ks", "linf", "out_of_range"}}
	calibrated := func(c Config, m Model, of *tabular.Table, known *schemas.Calibration) schemas.Calibration {
		t.Helper()
		features, err := SummarizeTable(of, roles)
		if err != nil {
			t.Fatal(err)
		}
		ref := MakeReference(m.Key(), "training", "test", features)
		if err := mustPlan(t, c, m).calibrateOn(of, roles, &ref, known); err != nil {
			t.Fatal(err)
		}
		return *ref.Calibration
	}
	made := calibrated(base, model, table, nil)
	b, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var stored schemas.Calibration
	if err := json.Unmarshal(b, &stored); err != nil || !reflect.DeepEqual(stored, made) {
		t.Fatalf("what was stored reads back as something else: %v", err)
	}
	stored.Windows = -1 // a mark
	if got := calibrated(base, model, table, &stored); !reflect.DeepEqual(got, stored) {
		t.Error("the stored calibration is not taken")
	}
	change := func(what string, edit func(*Config, *Model, *tabular.Table)) {
		c, m, of := base, model, *table
		m.Features = map[string]FeatureRules{}
		of.Columns = append([]tabular.Column(nil), table.Columns...)
		edit(&c, &m, &of)
		got := calibrated(c, m, &of, &stored)
		if got.Key == stored.Key || got.Windows == -1 {
			t.Errorf("the stored calibration is taken although %s changed", what)
		}
	}
	change("the window", func(c *Config, _ *Model, _ *tabular.Table) { c.Window = Every(2 * time.Hour) })
	change("the least number of rows", func(c *Config, _ *Model, _ *tabular.Table) { c.MinRows = 21 })
	change("persistence", func(c *Config, _ *Model, _ *tabular.Table) { c.AlarmOf = 2 })
	change("the bins", func(c *Config, _ *Model, _ *tabular.Table) { c.Bins = 12 })
	change("the base of logarithms", func(c *Config, _ *Model, _ *tabular.Table) { c.JSBase = "e" })
	change("the list of detectors", func(_ *Config, m *Model, _ *tabular.Table) { m.Detectors = append(m.Detectors, "energy") })
	change("a feature that is ignored", func(_ *Config, m *Model, _ *tabular.Table) { m.Features["x"] = FeatureRules{Ignore: true} })
	change("a limit", func(_ *Config, m *Model, _ *tabular.Table) { m.Features["x"] = FeatureRules{Max: new(3.5)} })
	change("a value", func(_ *Config, _ *Model, of *tabular.Table) {
		of.Columns[0].Numbers = append([]float64(nil), of.Columns[0].Numbers...)
		of.Columns[0].Numbers[7] = 9
	})
	change("the time of a row", func(_ *Config, _ *Model, of *tabular.Table) {
		of.Columns[2].Times = append([]time.Time(nil), of.Columns[2].Times...)
		of.Columns[2].Times[7] = day(3)
	})
}

// BenchmarkStart is what the reference of a model costs at a start: read and
// calibrated, and read with a calibration that was stored.
func BenchmarkStart(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 21))
	table := &tabular.Table{Name: "t", Rows: 24 * 60 * 200, Columns: []tabular.Column{{Name: "at", Kind: tabular.Time}}}
	for range 20 {
		c := tabular.Column{Name: "x" + string(rune('a'+len(table.Columns))), Kind: tabular.Numeric}
		for range table.Rows {
			c.Numbers = append(c.Numbers, rng.NormFloat64())
		}
		table.Columns = append(table.Columns, c)
	}
	for i := range table.Rows {
		table.Columns[0].Times = append(table.Columns[0].Times, day(2).Add(time.Duration(i)*18*time.Second))
	}
	roles := ReferenceFile{Timestamp: "at"}
	m := Model{Name: "m"}
	plan := mustPlan(b, DefaultConfig(), m)
	run := func(known *schemas.Calibration) *schemas.Calibration {
		features, err := SummarizeTable(table, roles)
		if err != nil {
			b.Fatal(err)
		}
		ref := MakeReference(m.Key(), "training", "bench", features)
		if err := plan.calibrateOn(table, roles, &ref, known); err != nil {
			b.Fatal(err)
		}
		return ref.Calibration
	}
	var known *schemas.Calibration
	b.Run("calibrated", func(b *testing.B) {
		for b.Loop() {
			known = run(nil)
		}
	})
	b.Run("read back", func(b *testing.B) {
		for b.Loop() {
			run(known)
		}
	})
}
