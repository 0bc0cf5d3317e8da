package retrain

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// favourable are facts that fire.
func favourable() (*Model, Facts) {
	m := modelFor("t")
	return &m, Facts{
		Now: noon.Add(8 * time.Hour), Incident: incident(incidentID, schemas.CauseData), SeenAt: noon.Add(time.Hour), LastAlarm: noon.Add(7 * time.Hour), LabelledRows: 500,
	}
}

func TestGuard(t *testing.T) {
	cause := func(f *Facts) *schemas.Cause { return &f.Incident.Diagnosis.Causes[0] }
	for _, c := range []struct {
		name  string
		edit  func(m *Model, f *Facts)
		state schemas.RetrainingState
		why   Reason
	}{
		{"all speaks for it", func(*Model, *Facts) {}, schemas.RetrainingExporting, ReasonFire},
		{"concept", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseConcept }, schemas.RetrainingExporting, ReasonFire},
		{"infrastructure", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseInfrastructure }, schemas.RetrainingWithheld, "cause_infrastructure"},
		{"provider", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseProvider }, schemas.RetrainingWithheld, "cause_provider"},
		{"change", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseChange }, schemas.RetrainingWithheld, "cause_change"},
		{"false positive", func(_ *Model, f *Facts) {
			f.Incident.Apply(schemas.Action{ID: "act-1", IncidentID: f.Incident.ID, Kind: schemas.ActionFalsePositive, Author: "ana", Comment: "a holiday"})
		}, schemas.RetrainingWithheld, "false_positive"},
		{"input", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseInput }, schemas.RetrainingWithheld, "cause_input"},
		{"traffic", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseTraffic }, schemas.RetrainingWithheld, "cause_traffic"},
		{"unobserved", func(_ *Model, f *Facts) { cause(f).Kind = schemas.CauseUnobserved }, schemas.RetrainingWithheld, "cause_unobserved"},
		{"a kind that is not known here", func(_ *Model, f *Facts) { cause(f).Kind = "novel" }, schemas.RetrainingWithheld, "cause_novel"},
		{"data only second", func(_ *Model, f *Facts) {
			f.Incident.Diagnosis.Causes = []schemas.Cause{{Kind: schemas.CauseInput, Confidence: 0.5}, {Kind: schemas.CauseData, Confidence: 0.5}}
		}, schemas.RetrainingWithheld, "cause_input"},
		{"not diagnosed yet", func(_ *Model, f *Facts) { f.Incident.Diagnosis, f.SeenAt = nil, f.Now.Add(-59*time.Minute) }, schemas.RetrainingWaiting, ReasonUndiagnosed},
		{"never diagnosed", func(_ *Model, f *Facts) { f.Incident.Diagnosis, f.SeenAt = nil, f.Now.Add(-time.Hour) }, schemas.RetrainingWithheld, ReasonUndiagnosed},
		{"no cause", func(_ *Model, f *Facts) { f.Incident.Diagnosis.Causes = nil }, schemas.RetrainingWithheld, ReasonNoCause},
		{"advised against", func(_ *Model, f *Facts) { f.Incident.Diagnosis.Retrain = false }, schemas.RetrainingWithheld, ReasonAdvised},
		{"unsure", func(_ *Model, f *Facts) { cause(f).Confidence = 0.49 }, schemas.RetrainingWithheld, ReasonUnsure},
		{"confidence is no number", func(_ *Model, f *Facts) { cause(f).Confidence = math.NaN() }, schemas.RetrainingWithheld, ReasonUnsure},
		{"not for long", func(_ *Model, f *Facts) { f.LastAlarm = noon.Add(6*time.Hour - 1) }, schemas.RetrainingWaiting, ReasonShort},
		{"long enough", func(_ *Model, f *Facts) { f.LastAlarm = noon.Add(6 * time.Hour) }, schemas.RetrainingExporting, ReasonFire},
		{"no alarm is known", func(_ *Model, f *Facts) { f.LastAlarm = time.Time{} }, schemas.RetrainingWaiting, ReasonShort},
		{"few labels", func(_ *Model, f *Facts) { f.LabelledRows = 99 }, schemas.RetrainingWaiting, ReasonFewLabels},
		{"enough labels", func(_ *Model, f *Facts) { f.LabelledRows = 100 }, schemas.RetrainingExporting, ReasonFire},
		{"another under way", func(_ *Model, f *Facts) { f.InFlight = "inc-other" }, schemas.RetrainingWaiting, ReasonInFlight},
		{"cooling down", func(_ *Model, f *Facts) { f.LastFired = f.Now.Add(-day + 1) }, schemas.RetrainingWaiting, ReasonCoolDown},
		{"cooled down", func(_ *Model, f *Facts) { f.LastFired = f.Now.Add(-day) }, schemas.RetrainingExporting, ReasonFire},
		{"budget spent", func(_ *Model, f *Facts) { f.Fired = 4 }, schemas.RetrainingWaiting, ReasonBudget},
		{"budget left", func(_ *Model, f *Facts) { f.Fired = 3 }, schemas.RetrainingExporting, ReasonFire},
		{"dry run", func(m *Model, _ *Facts) { m.DryRun = true }, schemas.RetrainingDryRun, ReasonDryRun},
		{"dry run goes before approval", func(m *Model, f *Facts) { m.DryRun, m.Approval, f.Approval.Given = true, true, true }, schemas.RetrainingDryRun, ReasonDryRun},
		{"approval wanted", func(m *Model, _ *Facts) { m.Approval = true }, schemas.RetrainingAsked, ReasonApproval},
		{"approved", func(m *Model, f *Facts) { m.Approval, f.Approval.Given = true, true }, schemas.RetrainingExporting, ReasonFire},
		{"approval mends no other cause", func(m *Model, f *Facts) { m.Approval, f.Approval.Given, cause(f).Kind = true, true, schemas.CauseInput }, schemas.RetrainingWithheld, "cause_input"},
		{"nobody approved", func(m *Model, f *Facts) { m.Approval, f.AskedAt = true, f.Now.Add(-72*time.Hour) }, schemas.RetrainingWithheld, ReasonApprovalLate},
		{"denied", func(_ *Model, f *Facts) { f.Approval.Denied = true }, schemas.RetrainingWithheld, ReasonDenied},
		{"over", func(_ *Model, f *Facts) { f.Incident.State = schemas.IncidentResolved }, schemas.RetrainingWithheld, ReasonResolved},
	} {
		m, f := favourable()
		c.edit(m, &f)
		d := Decide(m, f)
		if d.State != c.state || d.Reason != c.why || d.Detail == "" || strings.Contains(d.Detail, "%!") {
			t.Errorf("%s: %+v, want %s %s", c.name, d, c.state, c.why)
		}
	}
}

var kinds = []schemas.CauseKind{
	schemas.CauseInfrastructure, schemas.CauseProvider, schemas.CauseChange, schemas.CauseInput, schemas.CauseTraffic, schemas.CauseData, schemas.CauseConcept, schemas.CauseUnobserved,
}

// anything are random facts, near the limits.
func anything(rng *rand.Rand) (*Model, Facts) {
	m, f := favourable()
	m.DryRun, m.Approval = rng.IntN(8) == 0, rng.IntN(3) == 0
	cause := &f.Incident.Diagnosis.Causes[0]
	cause.Kind, cause.Confidence = kinds[rng.IntN(len(kinds))], rng.Float64()*1.5
	f.Incident.Diagnosis.Retrain = rng.IntN(8) > 0
	f.LastAlarm, f.LabelledRows = noon.Add(time.Duration(rng.IntN(12))*time.Hour), uint64(rng.IntN(300))
	f.LastFired, f.Fired = f.Now.Add(-time.Duration(rng.IntN(48))*time.Hour), rng.IntN(6)
	f.Approval = Approval{Given: rng.IntN(2) == 0, Denied: rng.IntN(8) == 0}
	switch rng.IntN(10) {
	case 0:
		f.Incident.Diagnosis = nil
	case 1:
		f.Incident.Diagnosis.Causes = nil
	case 2:
		f.InFlight = "inc-other"
	case 3:
		f.Incident.State = schemas.IncidentResolved
	}
	return m, f
}

// What fires has everything that it takes, and what has it fires.
func TestGuardLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	fired := 0
	for range 50_000 {
		m, f := anything(rng)
		d := Decide(m, f)
		if again := Decide(m, f); again != d {
			t.Fatalf("twice the same facts: %+v and %+v", d, again)
		}
		var may bool
		if g := f.Incident.Diagnosis; g != nil && len(g.Causes) > 0 {
			c := g.Causes[0]
			may = (c.Kind == schemas.CauseData || c.Kind == schemas.CauseConcept) && g.Retrain && c.Confidence >= m.MinConfidence
		}
		may = may && f.Incident.State == schemas.IncidentOpen && !f.Approval.Denied && (!m.Approval || f.Approval.Given) && !m.DryRun
		may = may && f.LastAlarm.Sub(f.Incident.Onset) >= m.Persist && f.LabelledRows >= m.MinLabelledRows
		may = may && f.InFlight == "" && f.Now.Sub(f.LastFired) >= m.CoolDown && f.Fired < m.Budget
		if fires := d.State == schemas.RetrainingExporting; fires != may {
			t.Fatalf("%+v although %t by facts %+v of model %+v", d, may, f, m)
		}
		if !may {
			continue
		}
		fired++
		f.LabelledRows += uint64(rng.IntN(1000))
		f.LastAlarm = f.LastAlarm.Add(time.Duration(rng.IntN(1000)) * time.Minute)
		f.Now = f.Now.Add(time.Duration(rng.IntN(1000)) * time.Minute)
		if d := Decide(m, f); d.State != schemas.RetrainingExporting {
			t.Fatalf("more rows and more time withhold it: %+v", d)
		}
	}
	if fired < 300 {
		t.Errorf("only %d of the random facts fire", fired)
	}
}

func TestKeys(t *testing.T) {
	a := schemas.ModelKey{Tenant: "default", Model: "credit"}
	seen := map[string]bool{}
	for _, k := range []schemas.ModelKey{a, {Tenant: "defaultc", Model: "redit"}, {Tenant: "other", Model: "credit"}} {
		for _, id := range []string{incidentID, "inc-1", "", "Inc/../x", "inc-0123456789abcdef-0123456789abcdef-0123"} {
			key := Key(k, id)
			if len(key) < 32 || len(key) > 63 || !kubernetesForm.MatchString(key) || seen[key] {
				t.Errorf("key %q of %v %q", key, k, id)
			}
			seen[key] = true
			equal(t, "the same again", Key(k, id), key)
		}
	}
}
