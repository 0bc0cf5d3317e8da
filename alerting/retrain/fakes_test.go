package retrain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

// memory is a store without a database. Any call of it can be made to fail.
type memory struct {
	sync.Mutex
	rows      map[place]schemas.Retraining
	log       []schemas.RetrainingEntry
	incidents map[place]schemas.Incident
	alarm     time.Time
	labelled  []schemas.LabelledEvent
	versions  []schemas.VersionTraffic
	health    schemas.VersionHealth
	behind    *[]schemas.Retraining // what a replica that is behind shows instead of rows
	calls     int
	fail      func(call int, what string) error
}

var errAway = errors.New("the store is away")

func newMemory() *memory {
	return &memory{rows: map[place]schemas.Retraining{}, incidents: map[place]schemas.Incident{}}
}

// enter counts a call; it holds the lock when it returns nil.
func (m *memory) enter(what string) error {
	m.Lock()
	m.calls++
	if m.fail != nil {
		if err := m.fail(m.calls, what); err != nil {
			m.Unlock()
			return err
		}
	}
	return nil
}

func (m *memory) Retrainings(context.Context) (out []schemas.Retraining, err error) {
	if err := m.enter("retrainings"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	if m.behind != nil {
		return slices.Clone(*m.behind), nil
	}
	for _, r := range m.rows {
		out = append(out, r)
	}
	return out, nil
}

func (m *memory) PutRetraining(_ context.Context, r schemas.Retraining) error {
	if err := m.enter("put"); err != nil {
		return err
	}
	defer m.Unlock()
	at := place{r.ModelKey(), r.IncidentID}
	if r.Revision > m.rows[at].Revision {
		m.rows[at] = r
	}
	return nil
}

func (m *memory) Audit(_ context.Context, e schemas.RetrainingEntry) error {
	if err := m.enter("audit"); err != nil {
		return err
	}
	defer m.Unlock()
	m.log = append(m.log, e)
	return nil
}

func (m *memory) RetrainingInputs(context.Context) (out []schemas.RetrainingEntry, err error) {
	if err := m.enter("inputs"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	for _, e := range m.log {
		if e.Kind == schemas.RetrainingApproval || e.Kind == schemas.RetrainingDenial || e.Kind == schemas.RetrainingCallback {
			out = append(out, e)
		}
	}
	return out, nil
}

func (m *memory) Incidents(_ context.Context, state schemas.IncidentState) (out []schemas.Incident, err error) {
	if err := m.enter("incidents"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	for _, i := range m.incidents {
		if i.State == state {
			out = append(out, i)
		}
	}
	return out, nil
}

func (m *memory) Incident(_ context.Context, key schemas.ModelKey, id string) (*schemas.Incident, error) {
	if err := m.enter("incident"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	if i, ok := m.incidents[place{key, id}]; ok {
		return &i, nil
	}
	return nil, nil
}

func (m *memory) LastAlarm(context.Context, schemas.ModelKey, []string, time.Time) (time.Time, error) {
	if err := m.enter("last alarm"); err != nil {
		return time.Time{}, err
	}
	defer m.Unlock()
	return m.alarm, nil
}

func (m *memory) CountLabelled(context.Context, schemas.ModelKey, schemas.Span) (uint64, error) {
	if err := m.enter("count"); err != nil {
		return 0, err
	}
	defer m.Unlock()
	return uint64(len(m.labelled)), nil
}

func (m *memory) VersionsSince(context.Context, schemas.ModelKey, time.Time) ([]schemas.VersionTraffic, error) {
	if err := m.enter("versions"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	return slices.Clone(m.versions), nil
}

func (m *memory) VersionHealth(context.Context, schemas.ModelKey, string, time.Time) (schemas.VersionHealth, error) {
	if err := m.enter("health"); err != nil {
		return schemas.VersionHealth{}, err
	}
	defer m.Unlock()
	return m.health, nil
}

func (m *memory) FeatureSchemas(context.Context, schemas.ModelKey, schemas.Span) ([]*schemas.FeatureSchema, error) {
	if err := m.enter("schemas"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	return versions(), nil
}

func (m *memory) EachLabelled(_ context.Context, _ schemas.ModelKey, _ schemas.Span, limit uint64, do func(*schemas.LabelledEvent) error) error {
	if err := m.enter("labelled"); err != nil {
		return err
	}
	rows := slices.Clone(m.labelled)
	m.Unlock()
	for i := range min(uint64(len(rows)), limit) {
		if err := do(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// versions of the model of the tests: the second has its features in another
// order, and one more.
func versions() []*schemas.FeatureSchema {
	v1 := schemas.NewFeatureSchema(schemas.SchemaKey{Tenant: "default", Model: "credit", Version: "v1"}).
		Extended(schemas.Numeric, "income").Extended(schemas.Numeric, "age").Extended(schemas.Categorical, "country")
	v2 := schemas.NewFeatureSchema(schemas.SchemaKey{Tenant: "default", Model: "credit", Version: "v2"}).
		Extended(schemas.Numeric, "age").Extended(schemas.Numeric, "income").Extended(schemas.Numeric, "_label").Extended(schemas.Categorical, "country").Extended(schemas.Categorical, "age")
	return []*schemas.FeatureSchema{v1, v2}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// labelled are n rows of both versions.
func labelled(n int) (out []schemas.LabelledEvent) {
	nan := float32(math.NaN())
	for i := range n {
		e := schemas.LabelledEvent{
			Time: noon.Add(time.Duration(i) * time.Second), RequestID: fmt.Sprintf("r%05d", i), Version: "v1", Segment: "eu", Label: "repaid", LabelledAt: noon.Add(time.Hour),
			Numeric: []float32{0.5, 20, float32(1000 + i), 40}, Categorical: []string{"approve", "DE"},
		}
		if i%3 == 1 {
			value := float64(i)
			e.Version, e.Value, e.Label, e.Segment = "v2", &value, "", ""
			e.Numeric, e.Categorical = []float32{0.25, nan, 41, float32(1000 + i), 7}, []string{"decline", "", "old"}
		}
		out = append(out, e)
	}
	return out
}

// incident of the tests: data drift, diagnosed.
func incident(id string, kind schemas.CauseKind) schemas.Incident {
	return schemas.Incident{
		ID: id, Revision: 1, Tenant: "default", Model: "credit", State: schemas.IncidentOpen, Severity: schemas.SeverityError, Title: "credit: drift in income",
		Onset: noon, OpenedAt: noon.Add(time.Hour), UpdatedAt: noon.Add(time.Hour), Versions: []string{"v1", "v2"}, Features: []string{"income"},
		Signals:   []schemas.Signal{{Feature: "income", Detector: "ks", Reference: "training@ab12cd34"}},
		Diagnosis: &schemas.Diagnosis{Causes: []schemas.Cause{{Kind: kind, Title: "the population moved", Confidence: 0.9}}, Retrain: kind == schemas.CauseData || kind == schemas.CauseConcept},
	}
}

const incidentID = "inc-0123456789abcdef"

// rig is a Runner on a clock of its own.
type rig struct {
	*Runner
	store *memory
	set   *metrics.Set
	told  []schemas.Incident
	clock time.Time
	mu    sync.Mutex // guards told and clock
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clock
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock = r.clock.Add(d)
}

func modelFor(target string) Model {
	var m Model
	m.SetDefaults()
	m.Name, m.Target, m.MinLabelledRows = "credit", target, 100
	return m
}

// newRig has one model, one target and enough of everything to fire.
func newRig(t *testing.T, target Target, edits ...func(*Config)) *rig {
	t.Helper()
	return newRigOn(t, newMemory(), target, edits...)
}

func newRigOn(t *testing.T, store *memory, target Target, edits ...func(*Config)) *rig {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Targets, cfg.Models, cfg.Dataset.Path = []Target{target}, []Model{modelFor(target.Name)}, t.TempDir()
	for _, edit := range edits {
		edit(&cfg)
	}
	r := &rig{store: store, set: metrics.NewSet(), clock: noon.Add(8 * time.Hour)}
	var err error
	r.Runner, err = New(cfg, store, Options{Metrics: r.set, Version: "1.2.3", now: r.now, Tell: func(_ context.Context, inc schemas.Incident) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, inc)
		return nil
	}})
	check(t, err)
	t.Cleanup(r.Close)
	return r
}

// ready puts an incident and all that it takes to fire into the store.
func (m *memory) ready(inc schemas.Incident) {
	m.Lock()
	defer m.Unlock()
	m.incidents[place{inc.ModelKey(), inc.ID}] = inc
	m.alarm = noon.Add(7 * time.Hour)
	if m.labelled == nil {
		m.labelled = labelled(120)
	}
}

// round until its steps have ended.
func (r *rig) round(t *testing.T) {
	t.Helper()
	check(t, r.Round(t.Context()))
	r.Wait()
}

func (r *rig) row(t *testing.T, id string) schemas.Retraining {
	t.Helper()
	r.store.Lock()
	defer r.store.Unlock()
	row, ok := r.store.rows[place{schemas.ModelKey{Tenant: "default", Model: "credit"}, id}]
	if !ok {
		t.Fatalf("no retraining for %s", id)
	}
	return row
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
