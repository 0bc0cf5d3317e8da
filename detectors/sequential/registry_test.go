package sequential

import (
	"strings"
	"testing"
)

func TestRegisterIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range All() {
		if seen[e.Name] {
			t.Errorf("%s is registered twice", e.Name)
		}
		seen[e.Name] = true
		if e.Title == "" || e.Doc == "" || e.Use == "" || e.Cost == "" || e.Source == "" || len(e.Params) == 0 || e.make == nil {
			t.Errorf("%s: the entry is incomplete", e.Name)
		}
		for _, p := range e.Params {
			if p.Doc == "" || !(p.Min <= p.Max) || p.check(e.Name, p.Default) != nil {
				t.Errorf("%s.%s: %+v", e.Name, p.Name, p)
			}
		}
		d := mustNew(t, e.Name, nil)
		if d.Name() != e.Name || len(d.Params()) != len(e.Params) || d.Entry().Title != e.Title {
			t.Errorf("%s: made %s with %v", e.Name, d.Name(), d.Params())
		}
		if _, err := New(e.Name, d.Params()); err != nil {
			t.Errorf("%s: its own parameters: %v", e.Name, err)
		}
	}
}

func TestWarningsAreAsRegistered(t *testing.T) {
	each(t, func(t *testing.T, e Entry) {
		warns := false
		for seed := range uint64(20) {
			for _, s := range statuses(mustNew(t, e.Name, nil), jump(e.Domain, seed, 3000, 1500)) {
				warns = warns || s == Warning
			}
		}
		if warns != e.Warns {
			t.Errorf("it warned: %v; registered: %v", warns, e.Warns)
		}
	})
}

func TestMistakesNameTheWayOut(t *testing.T) {
	for _, c := range []struct {
		name string
		set  Params
		want []string
	}{
		{"adwim", nil, []string{`unknown detector "adwim"`, `did you mean "adwin"?`, "page_hinkley_scaled"}},
		{"hddm-a", nil, []string{`did you mean "hddm_a"?`}},
		{"something", nil, []string{"detectors: adwin, ddm"}},
		{"adwin", Params{"detla": 1}, []string{`adwin has no parameter "detla"`, `did you mean "delta"?`, "parameters: delta, clock"}},
		{"adwin", Params{"delta": 0}, []string{"adwin.delta = 0: want 1e-12 to 1"}},
		{"adwin", Params{"clock": 1.5, "detla": 1}, []string{"adwin.clock = 1.5: want a whole number", "detla"}},
		{"ddm", Params{"warning_threshold": 4}, []string{"ddm: warning_threshold is above"}},
		{"eddm", Params{"alpha": 0.5}, []string{"alpha is below beta"}},
		{"hddm_w", Params{"drift_confidence": 0.01}, []string{"warning_confidence is below"}},
		{"stepd", Params{"alpha_drift": 0.06}, []string{"alpha_warning is below"}},
		{"ecdd", Params{"arl": 200}, []string{"want 100, 400 or 1000"}},
		{"kswin", Params{"stat_size": 60}, []string{"more than half"}},
		{"kswin", Params{"stat_size": 5, "alpha": 1e-4}, []string{"no two samples of 5"}},
	} {
		_, err := New(c.name, c.set)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %v: %v; want %q", c.name, c.set, err, want)
			}
		}
	}
}

func TestParseSettings(t *testing.T) {
	got, err := ParseSettings([]string{"adwin.delta=0.01", "adwin.reset=false", "kswin.seed = 7", "hddm_a.two_sided=1"})
	if err != nil || got["adwin"]["delta"] != 0.01 || got["adwin"]["reset"] != 0 || got["kswin"]["seed"] != 7 || got["hddm_a"]["two_sided"] != 1 {
		t.Errorf("%v, %v", got, err)
	}
	_, err = ParseSettings([]string{"delta=1", "adwin.delta", "adwn.delta=1", "adwin.dleta=1", "adwin.delta=x", "adwin.delta=NaN", "adwin.reset=2"})
	for _, want := range []string{"want detector.parameter=value", `did you mean "adwin"?`, `did you mean "delta"?`, `"x" is not a number`, "adwin.delta = NaN", "adwin.reset = 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
