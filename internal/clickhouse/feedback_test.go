package clickhouse_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

func put(t *testing.T, db *clickhouse.DB, table string, rows ...[]any) {
	t.Helper()
	b, err := db.Conn().PrepareBatch(t.Context(), "INSERT INTO "+table)
	check(t, err)
	for _, r := range rows {
		check(t, b.Append(r...))
	}
	check(t, b.Send())
}

// Events are joined with their newest labels, once for each request id, in an
// order that does not depend on how they were stored; others stay out.
func TestLabelledRows(t *testing.T) {
	db, _ := open(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	nan := float32(math.NaN())
	var noValue *float64
	half := 0.5
	event := func(tenant, model, id string, after time.Duration, offset int64) []any {
		return []any{tenant, model, "v1", "eu", at.Add(after), id, "", "", "", "", []float32{0.25, nan, 7}, []string{"yes", "red"}, "t", int32(0), offset}
	}
	insertEvents := "inference_events (tenant, model, version, segment, timestamp, request_id, deployment, pod, node, gpu, num, cat, _topic, _partition, _offset)"
	put(
		t, db, insertEvents,
		event("default", "m", "b", time.Minute, 2), event("default", "m", "a", time.Minute, 1), event("default", "m", "a", 2*time.Minute, 5), // sent twice
		event("default", "m", "unlabelled", 0, 3), event("default", "m", "", 0, 4), event("other", "m", "c", 0, 6), event("default", "n", "c", 0, 7),
		event("default", "m", "early", -time.Millisecond, 8), event("default", "m", "end", time.Hour, 9),
	)
	label := func(tenant, model, id, said string, value *float64, after time.Duration, offset int64) []any {
		return []any{tenant, model, id, at.Add(after), said, value, "l", int32(0), offset}
	}
	put(
		t, db, "labels (tenant, model, request_id, timestamp, label, value, _topic, _partition, _offset)",
		label("default", "m", "a", "good", &half, time.Hour, 1), label("default", "m", "a", "bad", noValue, 2*time.Hour, 2), // corrected, without a value
		label("default", "m", "b", "good", &half, 30*time.Hour, 3), label("other", "m", "unlabelled", "good", noValue, time.Hour, 4),
		label("default", "m", "early", "x", noValue, time.Hour, 5), label("default", "m", "end", "x", noValue, time.Hour, 6), label("default", "m", "", "x", noValue, time.Hour, 7),
	)
	check(t, db.PutFeatureSchema(t.Context(), []schemas.SchemaEntry{
		{SchemaKey: schemas.SchemaKey{Tenant: "default", Model: "m", Version: "v1"}, Kind: schemas.Numeric, Name: "income", Position: 2},
		{SchemaKey: schemas.SchemaKey{Tenant: "default", Model: "m", Version: "v1"}, Kind: schemas.Categorical, Name: "colour", Position: 1},
	}))

	key, span := schemas.ModelKey{Tenant: "default", Model: "m"}, schemas.Span{Start: at, End: at.Add(time.Hour)}
	var got []string
	each := func(limit uint64) {
		got = nil
		check(t, db.EachLabelled(t.Context(), key, span, limit, func(e *schemas.LabelledEvent) error {
			value := "none"
			if e.Value != nil {
				value = fmt.Sprint(*e.Value)
			}
			got = append(got, fmt.Sprint(e.RequestID, " ", e.Time.Sub(at), " ", e.Label, " ", value, " ", e.Numeric[2], " ", e.Categorical[1], " ", e.LabelledAt.Sub(at)))
			return nil
		}))
	}
	each(100)
	if want := []string{"a 1m0s bad none 7 red 2h0m0s", "b 1m0s good 0.5 7 red 30h0m0s"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	each(1)
	if len(got) != 1 {
		t.Errorf("a limit of 1 gives %q", got)
	}
	n, err := db.CountLabelled(t.Context(), key, span)
	check(t, err)
	if n != 2 {
		t.Errorf("%d labelled rows counted, want 2", n)
	}
	versions, err := db.FeatureSchemas(t.Context(), key, span)
	check(t, err)
	if len(versions) != 1 || versions[0].Numeric[2] != "income" || versions[0].Categorical[1] != "colour" {
		t.Errorf("schemas %+v", versions)
	}
}

func TestRetrainingReadsBackTheSame(t *testing.T) {
	db, _ := open(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	want := schemas.Retraining{
		Tenant: "default", Model: "m", IncidentID: "inc-1", Revision: 2, State: schemas.RetrainingRunning, Reason: "triggered", Detail: "d", Cause: schemas.CauseData, Target: "t", Key: "k",
		Versions: []string{"1", "2"}, Reference: "r", WindowStart: at, WindowEnd: at.Add(time.Hour), Rows: 3, Dataset: "file:///x", Manifest: "file:///m", SHA256: "s", RunID: "run",
		NewVersion: "3", Attempts: 4, Error: "e", SeenAt: at, DecidedAt: &at, StateAt: at, UpdatedAt: at,
	}
	older := want
	older.Revision, older.State = 1, schemas.RetrainingSending
	check(t, db.PutRetraining(t.Context(), want))
	check(t, db.PutRetraining(t.Context(), older)) // comes late
	waiting := schemas.Retraining{Tenant: "default", Model: "m", IncidentID: "inc-2", Revision: 1, State: schemas.RetrainingWaiting, Versions: []string{}, SeenAt: at.Add(1), StateAt: at, UpdatedAt: at}
	waiting.SeenAt = at.Add(time.Millisecond)
	check(t, db.PutRetraining(t.Context(), waiting))
	got, err := db.Retrainings(t.Context())
	check(t, err)
	if len(got) != 2 || !reflect.DeepEqual(got[0], want) || !reflect.DeepEqual(got[1], waiting) {
		t.Errorf("got  %+v\nwant %+v\nand  %+v", got, want, waiting)
	}
	for _, kind := range []string{schemas.RetrainingDecision, schemas.RetrainingApproval, schemas.RetrainingCallback} {
		check(t, db.Audit(t.Context(), schemas.RetrainingEntry{Time: at, Tenant: "default", Model: "m", IncidentID: "inc-1", Kind: kind, Key: "k", Actor: "somebody"}))
	}
	all, err := db.RetrainingLog(t.Context(), "k")
	check(t, err)
	inputs, err := db.RetrainingInputs(t.Context())
	check(t, err)
	if len(all) != 3 || len(inputs) != 2 || inputs[0].Actor != "somebody" || !inputs[0].Time.Equal(at) {
		t.Errorf("log %+v, inputs %+v", all, inputs)
	}
}

func TestWhatIsKnownOfVersions(t *testing.T) {
	db, _ := open(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := schemas.ModelKey{Tenant: "default", Model: "m"}
	signal := func(version, feature string, state schemas.State, after time.Duration) schemas.Signal {
		return schemas.Signal{Tenant: "default", Model: "m", Version: version, Feature: feature, Detector: "ks", State: state, WindowStart: at.Add(after), WindowEnd: at.Add(after + time.Hour), EvaluatedAt: at}
	}
	check(t, db.PutSignals(t.Context(), []schemas.Signal{
		signal("1", "x", schemas.StateAlarm, 0), signal("1", "x", schemas.StateAlarm, 3*time.Hour), signal("1", "y", schemas.StateAlarm, 5*time.Hour),
		signal("2", "x", schemas.StateOK, 6*time.Hour), signal("2", "x", schemas.StateInsufficient, 9*time.Hour), signal("2", "x", schemas.StateAlarm, 2*time.Hour),
	}))
	last, err := db.LastAlarm(t.Context(), key, []string{"x"}, at)
	check(t, err)
	if !last.Equal(at.Add(4 * time.Hour)) {
		t.Errorf("last alarm of x ends at %s", last)
	}
	none, err := db.LastAlarm(t.Context(), key, nil, at)
	check(t, err)
	if !none.IsZero() {
		t.Errorf("no features alarm at %s", none)
	}
	health, err := db.VersionHealth(t.Context(), key, "2", at.Add(5*time.Hour))
	check(t, err)
	if !health.Newest.Equal(at.Add(7*time.Hour)) || !health.LastAlarm.IsZero() || health.OK != 1 {
		t.Errorf("health %+v", health)
	}
	inc := schemas.Incident{ID: "inc-1", Tenant: "default", Model: "m", State: schemas.IncidentOpen, Revision: 1, Onset: at, OpenedAt: at, UpdatedAt: at}
	check(t, db.PutIncident(t.Context(), inc))
	found, err := db.Incident(t.Context(), key, "inc-1")
	check(t, err)
	if found == nil || found.ID != "inc-1" {
		t.Errorf("incident %+v", found)
	}
	if found, err = db.Incident(t.Context(), key, "inc-2"); found != nil || err != nil {
		t.Errorf("an incident that is not there gives %+v, %v", found, err)
	}
}
