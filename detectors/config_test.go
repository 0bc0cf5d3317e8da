package detectors

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/driftline/driftline/internal/config"
)

var (
	_ config.Validator = Config{}
	_ config.Validator = Model{}
)

func TestDefaultConfigIsValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigFromYAML(t *testing.T) {
	text := `
window: 1mo
lateness: 90s
false_alarm_every: 7d
detectors: [psi, ks]
`
	c := DefaultConfig()
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c.Window != Months(1) || c.Lateness != 90*time.Second || c.FalseAlarmEvery != Every(7*24*time.Hour) || c.MinRows != 100 {
		t.Errorf("read %+v", c)
	}
	out, err := yaml.Marshal(c)
	if err != nil || !strings.Contains(string(out), "window: 1mo\n") {
		t.Errorf("written %s, %v", out, err)
	}
}

// Every mistake is reported at once, each by its key.
func TestValidateReportsAllMistakes(t *testing.T) {
	lateness := -time.Second
	for _, c := range []struct {
		what config.Validator
		keys []string
	}{
		{
			Config{Lateness: -1, Idle: -1, Settle: -1, Correction: "holm", Bins: 1, JSBase: "10", Detectors: []string{"psi", "kss"}},
			[]string{"window", "lateness", "idle", "settle", "min_rows", "false_alarm_every", "budget_per", "correction", "alarm_of", "alarm_windows", "hold", "psi_bins", "js_base", "detectors[1]"},
		},
		{
			Model{
				Lateness: &lateness, Detectors: []string{"x"}, Thresholds: map[string]float64{"ks": math.NaN(), "kz": 1},
				Features: map[string]FeatureRules{"age": {Thresholds: map[string]float64{"psi": -1}}},
			},
			[]string{"name", "lateness", "detectors[0]", "thresholds.ks", "thresholds.kz", "features.age.thresholds.psi"},
		},
	} {
		err := c.what.Validate()
		if err == nil {
			t.Fatal("no error")
		}
		if _, ok := errors.AsType[*config.Fault](err); !ok {
			t.Errorf("%v holds no Fault", err)
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.keys) {
			t.Errorf("%d mistakes, want %d:\n%v", len(lines), len(c.keys), err)
		}
		for _, key := range c.keys {
			if !strings.Contains("\n"+err.Error(), "\n"+key+": ") {
				t.Errorf("%s is not reported:\n%v", key, err)
			}
		}
	}
}

func TestPlanMergesModelOverConfig(t *testing.T) {
	lateness := time.Duration(0)
	p := mustPlan(t, DefaultConfig(), Model{
		Name: "m", Window: Every(24 * time.Hour), Lateness: &lateness, MinRows: 7, Detectors: []string{"ks", "psi"},
		Thresholds: map[string]float64{"ks": 0.3}, Features: map[string]FeatureRules{"age": {Thresholds: map[string]float64{"ks": 0.4}}},
	})
	ks, _ := Lookup("ks")
	psi, _ := Lookup("psi")
	if p.Key.Tenant != "default" || p.Lateness != 0 || p.MinRows != 7 || len(p.detectors) != 2 ||
		p.threshold(&ks, "age") != 0.4 || p.threshold(&ks, "income") != 0.3 || p.threshold(&psi, "age") != 0.2 {
		t.Errorf("plan %+v", p)
	}
	near(t, "level of a day in 30", p.Level, 1.0/30, 1e-12)
	near(t, "level of an hour in 30 days", mustPlan(t, DefaultConfig(), Model{Name: "m"}).Level, 1.0/720, 1e-12)
	near(t, "level of a month in 30 days", mustPlan(t, DefaultConfig(), Model{Name: "m", Window: Months(1)}).Level, 0.05, 0)
}
