package demo

import (
	"testing"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// What should not be is named: a run for broken inputs, two runs, and none
// where the population moved.
func TestRetrainingsAreJudged(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	injected := []loadtest.Injected{
		{Name: "shift", Model: "credit", Features: []string{"income"}, Start: at, End: at.Add(time.Hour)},
		{Name: "missing", Model: "vision", Features: []string{"emb_03"}, Start: at, End: at.Add(time.Hour)},
	}
	for _, c := range []struct {
		model, feature string
		runs           int
		wrong          string
	}{
		{"credit", "income", 1, ""},
		{"credit", "income", 0, "no run although the population moved"},
		{"credit", "income", 2, "2 runs"},
		{"vision", "emb_03", 0, ""},
		{"vision", "emb_03", 1, "a run although inputs are broken"},
		{"ranking", "device", 0, ""},
	} {
		l := newLedger(injected)
		inc := schemas.Incident{ID: "inc-1", Revision: 1, Model: c.model, Features: []string{c.feature}, Onset: at.Add(window), UpdatedAt: at}
		l.incident(&inc)
		l.retraining(&schemas.Retraining{IncidentID: "inc-1", Model: c.model, State: schemas.RetrainingWaiting})
		got := l.judged(func(string) int { return c.runs })
		if len(got) != 1 || got[0].Wrong != c.wrong {
			t.Errorf("%s with %d runs: %+v, want %q", c.model, c.runs, got, c.wrong)
		}
	}
}

func TestPipelineChecksItsTrigger(t *testing.T) {
	r, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if got := post(t, r.url()+retrainPath, `{"data":{"incident":"inc-1"}}`, nil); got != 400 || r.runs("inc-1") != 0 {
		t.Errorf("an unsigned trigger: %d, %d runs", got, r.runs("inc-1"))
	}
}
