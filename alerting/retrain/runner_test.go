package retrain

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// hooked is a rig whose target is a webhook, which only callbacks tell about.
func hooked(t *testing.T, edits ...func(*Config)) (*rig, *orchestrator) {
	t.Helper()
	p := pipelines()[10]
	return newRig(t, p.listening(t), edits...), p.server
}

func (m *memory) say(kind, by, text string, more ...func(*schemas.RetrainingEntry)) {
	m.Lock()
	defer m.Unlock()
	e := schemas.RetrainingEntry{Kind: kind, Actor: by, Detail: text, Key: Key(schemas.ModelKey{Tenant: "default", Model: "credit"}, incidentID)}
	for _, f := range more {
		f(&e)
	}
	m.log = append(m.log, e)
}

func (m *memory) set(f func()) {
	m.Lock()
	defer m.Unlock()
	f()
}

func (m *memory) resolve(id string) {
	m.set(func() {
		at := place{schemas.ModelKey{Tenant: "default", Model: "credit"}, id}
		inc := m.incidents[at]
		inc.State = schemas.IncidentResolved
		m.incidents[at] = inc
	})
}

// decisions are the states and reasons of the log, in their order.
func (m *memory) decisions() string {
	m.Lock()
	defer m.Unlock()
	var out []string
	for _, e := range m.log {
		if e.Kind == schemas.RetrainingDecision || e.Kind == schemas.RetrainingStep {
			out = append(out, e.State+":"+e.Reason)
		}
	}
	return strings.Join(out, " ")
}

// From the decision to the verified recovery, by callbacks.
func TestRecovery(t *testing.T) {
	r, hook := hooked(t)
	r.store.ready(incident(incidentID, schemas.CauseConcept))
	r.round(t)
	r.store.say(schemas.RetrainingCallback, "hook", "epoch 3", func(e *schemas.RetrainingEntry) { e.State = string(schemas.RunRunning) })
	r.round(t)
	equal(t, "state while it runs", r.row(t, incidentID).State, schemas.RetrainingRunning)
	r.store.say(schemas.RetrainingCallback, "hook", "done", func(e *schemas.RetrainingEntry) {
		e.State, e.Version, e.RunID = string(schemas.RunSucceeded), "v3", "run-7"
	})
	r.store.say(schemas.RetrainingCallback, "hook", "late", func(e *schemas.RetrainingEntry) { e.State = string(schemas.RunFailed) }) // an end is final
	r.round(t)
	row := r.row(t, incidentID)
	equal(t, "state after the run", row.State, schemas.RetrainingTrained)
	equal(t, "version and run", row.NewVersion+" "+row.RunID, "v3 run-7")

	r.store.set(func() {
		r.store.versions = []schemas.VersionTraffic{{Version: "v2", First: noon.Add(-day), Rows: 5000}, {Version: "v4", First: noon.Add(9 * time.Hour), Rows: 5000}, {Version: "v3", First: noon.Add(9 * time.Hour), FirstSince: noon.Add(9 * time.Hour), Rows: 99}}
	})
	r.round(t)
	equal(t, "state with a few requests", r.row(t, incidentID).State, schemas.RetrainingTrained)
	r.store.set(func() { r.store.versions[2].Rows = 100 })
	r.round(t)
	equal(t, "state with requests", r.row(t, incidentID).State, schemas.RetrainingServing)

	r.store.resolve(incidentID)
	r.round(t)
	equal(t, "state without a verdict about the version", r.row(t, incidentID).State, schemas.RetrainingServing)
	r.store.set(func() {
		r.store.health = schemas.VersionHealth{Newest: noon.Add(40 * time.Hour), LastAlarm: noon.Add(20 * time.Hour), OK: 50}
	})
	r.round(t)
	equal(t, "state too soon after an alarm", r.row(t, incidentID).State, schemas.RetrainingServing)
	r.store.set(func() { r.store.health.Newest = noon.Add(44 * time.Hour) })
	r.round(t)
	equal(t, "state at the end", r.row(t, incidentID).State, schemas.RetrainingRecovered)
	equal(t, "log", r.store.decisions(), "exporting:drift sending:exported running:triggered trained:run_succeeded serving:served recovered:recovered")
	equal(t, "people told", len(r.told), 0)
	equal(t, "runs", len(hook.begun()), 1)
}

// A pipeline that never tells: the new version does.
func TestNewVersionWithoutACallback(t *testing.T) {
	r, _ := hooked(t)
	r.store.ready(incident(incidentID, schemas.CauseData))
	r.store.set(func() {
		r.store.versions = []schemas.VersionTraffic{{Version: "v2", First: noon.Add(-day), Rows: 5000}}
	})
	r.round(t)
	r.round(t)
	equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingRunning)
	r.store.set(func() {
		r.store.versions = append(r.store.versions, schemas.VersionTraffic{Version: "v3", First: noon.Add(9 * time.Hour), FirstSince: noon.Add(9 * time.Hour), Rows: 500})
	})
	r.round(t)
	row := r.row(t, incidentID)
	if row.State != schemas.RetrainingServing || row.NewVersion != "v3" || !row.ServedAt.Equal(noon.Add(9*time.Hour)) {
		t.Errorf("row %+v", row)
	}
}

// What does not end well in time is told to people, once, and the end of the
// incident as well.
func TestEscalations(t *testing.T) {
	served := func(r *rig) {
		r.store.set(func() {
			r.store.versions = []schemas.VersionTraffic{{Version: "v3", First: noon.Add(9 * time.Hour), FirstSince: noon.Add(9 * time.Hour), Rows: 500}}
		})
	}
	succeeded := func(r *rig) {
		r.store.say(schemas.RetrainingCallback, "hook", "", func(e *schemas.RetrainingEntry) { e.State = string(schemas.RunSucceeded) })
	}
	for _, c := range []struct {
		reason string
		bring  func(r *rig, hook *orchestrator)
		after  time.Duration
	}{
		{"run_late", func(*rig, *orchestrator) {}, 24 * time.Hour},
		{"run_failed", func(r *rig, _ *orchestrator) {
			r.store.say(schemas.RetrainingCallback, "hook", "out of memory", func(e *schemas.RetrainingEntry) { e.State = string(schemas.RunFailed) })
		}, 0},
		{"not_served", func(r *rig, _ *orchestrator) { succeeded(r) }, 7 * day},
		{"not_recovered", func(r *rig, _ *orchestrator) { succeeded(r); served(r) }, 3 * day},
	} {
		r, hook := hooked(t)
		r.store.ready(incident(incidentID, schemas.CauseData))
		r.round(t)
		c.bring(r, hook)
		r.round(t)
		if c.after > 0 {
			equal(t, c.reason+": told too soon", len(r.told), 0)
			r.pass(c.after)
			r.round(t)
		}
		r.round(t)
		row := r.row(t, incidentID)
		if row.State != schemas.RetrainingEscalated || row.Reason != c.reason || len(r.told) != 1 {
			t.Fatalf("%s: %s %s, told %d", c.reason, row.State, row.Reason, len(r.told))
		}
		told := r.told[0]
		if told.ID != incidentID+TellSuffix || told.Revision != RevisionEscalated || told.State != schemas.IncidentOpen || told.Severity != schemas.SeverityError || !strings.Contains(told.Title, "credit: retraining for "+incidentID) {
			t.Errorf("%s: told %+v", c.reason, told)
		}
		r.store.resolve(incidentID)
		r.round(t)
		equal(t, c.reason+": state at last", r.row(t, incidentID).State, schemas.RetrainingClosed)
		if len(r.told) != 2 || r.told[1].State != schemas.IncidentResolved || r.told[1].Revision != RevisionClosed || r.told[1].ResolvedAt == nil {
			t.Errorf("%s: told %+v", c.reason, r.told)
		}
	}
}

func TestTargetAwayIsEscalatedInTime(t *testing.T) {
	r, hook := hooked(t)
	r.store.ready(incident(incidentID, schemas.CauseData))
	hook.Close()
	r.round(t)
	for range 30 {
		r.pass(5 * time.Minute)
		r.round(t)
	}
	row := r.row(t, incidentID)
	if row.State != schemas.RetrainingEscalated || row.Reason != "not_triggered" || row.DecidedAt == nil {
		t.Errorf("row %+v", row)
	}
}

func TestApproval(t *testing.T) {
	wanted := func(c *Config) { c.Models[0].Approval = true }
	r, hook := hooked(t, wanted)
	r.store.ready(incident(incidentID, schemas.CauseData))
	r.round(t)
	r.round(t)
	equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingAsked)
	equal(t, "runs", len(hook.begun()), 0)
	if len(r.told) == 0 || r.told[0].Revision != RevisionApproval || r.told[0].Severity != schemas.SeverityWarning {
		t.Fatalf("told %+v", r.told)
	}
	r.store.say(schemas.RetrainingApproval, "somebody", "go")
	r.round(t)
	equal(t, "state when approved", r.row(t, incidentID).State, schemas.RetrainingRunning)
	equal(t, "runs when approved", len(hook.begun()), 1)
	last := r.told[len(r.told)-1]
	if last.Revision != RevisionSettled || last.State != schemas.IncidentResolved {
		t.Errorf("told at last %+v", last)
	}

	r, hook = hooked(t, wanted)
	r.store.ready(incident(incidentID, schemas.CauseData))
	r.round(t)
	r.store.say(schemas.RetrainingDenial, "somebody", "a holiday")
	r.round(t)
	row := r.row(t, incidentID)
	if row.State != schemas.RetrainingWithheld || row.Detail != "denied by somebody: a holiday" || len(hook.begun()) != 0 {
		t.Errorf("denied: %+v", row)
	}

	r, hook = hooked(t, wanted)
	r.store.ready(incident(incidentID, schemas.CauseData))
	r.round(t)
	r.pass(72 * time.Hour)
	r.round(t)
	equal(t, "reason when nobody approved", r.row(t, incidentID).Reason, "approval_not_in_time")
	r.round(t)
	equal(t, "a round later", r.row(t, incidentID).Reason, "approval_not_in_time")
	equal(t, "runs when nobody approved", len(hook.begun()), 0)
}

// Each decision is logged once, when it changes, the negative ones too.
func TestDecisionsAreLogged(t *testing.T) {
	r, hook := hooked(t)
	r.store.ready(incident(incidentID, schemas.CauseData))
	at := place{schemas.ModelKey{Tenant: "default", Model: "credit"}, incidentID}
	edit := func(f func(i *schemas.Incident)) {
		r.store.set(func() {
			inc := r.store.incidents[at]
			f(&inc)
			r.store.incidents[at] = inc
		})
	}
	diagnosis := *r.store.incidents[at].Diagnosis
	for _, f := range []func(){
		func() { edit(func(i *schemas.Incident) { i.Diagnosis = nil }) },
		func() { r.pass(time.Hour) },
		func() {
			edit(func(i *schemas.Incident) {
				i.Diagnosis = &schemas.Diagnosis{Causes: []schemas.Cause{{Kind: schemas.CauseInfrastructure, Confidence: 0.9}}}
			})
		},
		func() {
			edit(func(i *schemas.Incident) { i.Diagnosis = &diagnosis })
			r.store.set(func() { r.store.alarm = noon.Add(time.Hour) })
		},
		func() {
			r.store.set(func() { r.store.alarm, r.store.labelled = noon.Add(7*time.Hour), r.store.labelled[:50] })
		},
		func() { r.store.set(func() { r.store.labelled = r.store.labelled[:60] }) },
		func() { r.store.resolve(incidentID) },
	} {
		f()
		r.round(t)
		r.round(t)
	}
	equal(t, "log", r.store.decisions(), "waiting:no_diagnosis withheld:no_diagnosis withheld:cause_infrastructure waiting:not_persistent waiting:few_labels withheld:incident_over")
	equal(t, "runs", len(hook.begun()), 0)
	var text bytes.Buffer
	r.set.WritePrometheus(&text)
	if !strings.Contains(text.String(), `driftline_retrain_decisions_total{decision="withheld",reason="cause_infrastructure"} 1`) {
		t.Errorf("metrics:\n%s", &text)
	}
}

func TestOtherModelsAreLeftAlone(t *testing.T) {
	r, hook := hooked(t)
	other, foreign := incident("inc-aaaaaaaaaaaaaaaa", schemas.CauseData), incident("inc-bbbbbbbbbbbbbbbb", schemas.CauseData)
	other.Model, foreign.Tenant = "ranking", "other"
	r.store.ready(other)
	r.store.ready(foreign)
	r.round(t)
	if len(r.store.rows) != 0 || len(hook.begun()) != 0 {
		t.Errorf("rows %+v", r.store.rows)
	}
}

func TestPreviewChangesNothing(t *testing.T) {
	r, hook := hooked(t)
	r.store.ready(incident(incidentID, schemas.CauseData))
	r.store.ready(incident("inc-bbbbbbbbbbbbbbbb", schemas.CauseTraffic))
	found, err := r.Preview(t.Context())
	check(t, err)
	got := ""
	for _, p := range found {
		got += fmt.Sprintf("%s %s %s %s; ", p.IncidentID, p.Cause, p.Decision, p.Reason)
	}
	equal(t, "preview", got, "inc-0123456789abcdef data fire drift; inc-bbbbbbbbbbbbbbbb traffic withheld cause_traffic; ")
	if len(r.store.rows)+len(r.store.log)+len(hook.begun()) != 0 {
		t.Error("it changed something")
	}
}

// Whatever incidents come and go, and however often the process is replaced:
// of a model one retraining is under way, none comes within the cool-down or
// beyond the budget, each key begins one run, and no cause but data and
// concept ever begins any.
func TestLawsOverManyIncidents(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := pipelines()[2] // Airflow
	target, store, dataset := p.listening(t), newMemory(), t.TempDir()
	same := func(c *Config) {
		c.Dataset.Path, c.Models[0].CoolDown, c.Models[0].Budget, c.Models[0].BudgetPeriod = dataset, 6*time.Hour, 3, 3*day
		c.Models[0].RunWithin, c.Models[0].RecoverWithin = 12*time.Hour, 12*time.Hour
	}
	r := newRigOn(t, store, target, same)
	kindOf := map[string]schemas.CauseKind{}
	for step := range 300 {
		if rng.IntN(4) == 0 {
			id := fmt.Sprintf("inc-%016x", step)
			kind := kinds[rng.IntN(len(kinds))]
			if rng.IntN(2) == 0 {
				kind = schemas.CauseData
			}
			kindOf[Key(schemas.ModelKey{Tenant: "default", Model: "credit"}, id)] = kind
			store.ready(incident(id, kind))
		}
		if rng.IntN(5) == 0 && len(store.incidents) > 0 {
			for at := range store.incidents {
				store.resolve(at.incident)
				break
			}
		}
		p.server.stands([]string{"running", "running", "success", "failed"}[rng.IntN(4)])
		if rng.IntN(3) == 0 {
			store.set(func() {
				at := noon.Add(time.Duration(step) * time.Hour)
				store.versions = []schemas.VersionTraffic{{Version: fmt.Sprint("v", step), First: at, FirstSince: at, Rows: 500}}
				store.health = schemas.VersionHealth{Newest: at.Add(3 * day), OK: 5}
			})
		}
		if rng.IntN(10) == 0 { // another process takes over
			clock := r.now()
			r = newRigOn(t, store, target, same)
			r.clock = clock
		}
		r.pass(time.Duration(rng.IntN(180)) * time.Minute)
		r.round(t)
		flying := 0
		for _, row := range store.rows {
			if row.State.InFlight() {
				flying++
			}
		}
		if flying > 1 {
			t.Fatalf("%d retrainings of one model are under way", flying)
		}
	}
	var fired []time.Time
	for _, row := range store.rows {
		if row.DecidedAt != nil {
			fired = append(fired, *row.DecidedAt)
		}
	}
	for i, a := range fired {
		within := 0
		for k, b := range fired {
			if i != k && b.Sub(a).Abs() < 6*time.Hour {
				t.Fatalf("two retrainings at %s and %s", a, b)
			}
			if !b.Before(a) && b.Sub(a) < 3*day {
				within++
			}
		}
		if within > 3 {
			t.Fatalf("%d retrainings within 3 days of %s", within, a)
		}
	}
	runs := p.server.begun()
	seen := map[string]bool{}
	for _, key := range runs {
		if seen[key] || kindOf[key] != schemas.CauseData && kindOf[key] != schemas.CauseConcept {
			t.Errorf("run %s of kind %s", key, kindOf[key])
		}
		seen[key] = true
	}
	if len(runs) < 5 || len(runs) != len(fired) {
		t.Errorf("%d runs of %d fired retrainings", len(runs), len(fired))
	}
}

// A replica that is behind shows retrainings as they were, or not at all, and a
// round may be overtaken by a step that it began: nothing is sent twice.
func TestOldRevisionsBeginNothing(t *testing.T) {
	r, hook := hooked(t)
	r.store.ready(incident(incidentID, schemas.CauseData))
	r.store.behind = &[]schemas.Retraining{}
	for range 3 {
		r.round(t)
	}
	now := r.row(t, incidentID)
	for _, state := range []schemas.RetrainingState{schemas.RetrainingWaiting, schemas.RetrainingExporting, schemas.RetrainingSending} {
		old := now
		old.State, old.Revision = state, 1
		r.store.behind = &[]schemas.Retraining{old}
		r.round(t)
		r.advance(t.Context(), old, nil)
		r.Wait()
	}
	equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingRunning)
	equal(t, "runs", len(hook.begun()), 1)
	equal(t, "log", r.store.decisions(), "exporting:drift sending:exported running:triggered")
	r.store.behind = nil
	r.round(t)
	equal(t, "revisions to be read back", len(r.busy.known), 0)
}
