package fleet

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/loadtest/scenario"
	"github.com/driftline/driftline/schemas"
)

// One scenario through the real pipeline: the GPU is found and named, and
// training again is not advised.
func TestPlay(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	s, err := scenario.Open("thermal_throttle")
	if err != nil {
		t.Fatal(err)
	}
	s.Length = 25 * time.Minute
	r, err := Play(t.Context(), s, Options{Seed: 1, Speed: 60, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Faults[0]; !v.Found || !v.CauseRight || !v.AdviceRight || v.Advised || len(r.FalseAlarms) > 0 {
		t.Errorf("%s: %+v, %+v", r.Line(), v, r.FalseAlarms)
	}
}

// What counts as found, named and advised.
func TestJudge(t *testing.T) {
	s, err := scenario.Open("thermal_throttle")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	w, err := s.World(1, start)
	if err != nil {
		t.Fatal(err)
	}
	reached := w.Reached("gpu/node-1/0")
	others := slices.DeleteFunc(w.Models(), func(m string) bool { return slices.Contains(reached, m) })
	if len(reached) == 0 || len(others) == 0 {
		t.Fatalf("the GPU reaches %v, not %v", reached, others)
	}
	incident := func(model string, minute int, kind schemas.CauseKind, entity string, retrain bool) schemas.Incident {
		at := start.Add(time.Duration(minute) * time.Minute)
		return schemas.Incident{
			ID: model + entity, Model: model, Onset: at, OpenedAt: at.Add(5 * time.Minute),
			Diagnosis: &schemas.Diagnosis{Retrain: retrain, Causes: []schemas.Cause{{Kind: kind, Entity: entity, Confidence: 0.9}}},
		}
	}
	for name, c := range map[string]struct {
		incidents    []schemas.Incident
		found, right bool
		advice       bool
		delay        float64
		falseAlarms  int
	}{
		"nothing":             {nil, false, false, true, 0, 0},
		"right":               {[]schemas.Incident{incident(reached[0], 15, schemas.CauseInfrastructure, "gpu/node-1/0", false)}, true, true, true, 300, 0},
		"another GPU":         {[]schemas.Incident{incident(reached[0], 15, schemas.CauseInfrastructure, "gpu/node-2/0", false)}, true, false, true, 300, 0},
		"data":                {[]schemas.Incident{incident(reached[0], 20, schemas.CauseData, "", true)}, true, false, false, 600, 0},
		"one of two is right": {[]schemas.Incident{incident(reached[0], 20, schemas.CauseData, "", false), incident(reached[0], 25, schemas.CauseInfrastructure, "gpu/node-1/0", false)}, true, true, true, 600, 0},
		"too early":           {[]schemas.Incident{incident(reached[0], 5, schemas.CauseInfrastructure, "gpu/node-1/0", false)}, false, false, true, 0, 1},
		"another model":       {[]schemas.Incident{incident(others[0], 15, schemas.CauseInfrastructure, "gpu/node-1/0", false)}, false, false, true, 0, 1},
	} {
		r := judge(s, w, c.incidents)
		v := r.Faults[0]
		if v.Found != c.found || v.CauseRight != c.right || v.AdviceRight != c.advice || v.DelaySeconds != c.delay || len(r.FalseAlarms) != c.falseAlarms {
			t.Errorf("%s: %+v, %+v", name, v, r.FalseAlarms)
		}
	}
}
