package schemas_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

func action(n int, kind schemas.ActionKind) schemas.Action {
	at := time.Date(2026, 3, 1, 12, n, 0, 0, time.UTC)
	a := schemas.Action{ID: fmt.Sprint("act-", n), Time: at, IncidentID: "inc-1", Kind: kind, Author: "ana"}
	if kind == schemas.ActionMute {
		until := at.Add(time.Hour)
		a.Until = &until
	}
	return a
}

// Actions count once, in the order of their times, however they arrive.
func TestActionsInAnyOrder(t *testing.T) {
	var all []schemas.Action
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range 30 {
		all = append(all, action(n, schemas.ActionKinds[rng.IntN(len(schemas.ActionKinds))]))
	}
	want := schemas.Incident{ID: "inc-1", State: schemas.IncidentOpen}
	want.Apply(all...)
	for range 20 {
		got := schemas.Incident{ID: "inc-1", State: schemas.IncidentOpen}
		for _, k := range rng.Perm(2 * len(all)) {
			got.Apply(all[k%len(all)])
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if got.Apply(all...) {
			t.Fatal("the same actions are news")
		}
	}
}

func TestWhatActionsMean(t *testing.T) {
	inc := schemas.Incident{ID: "inc-1", State: schemas.IncidentOpen}
	if inc.Apply(schemas.Action{ID: "x", IncidentID: "inc-2", Kind: schemas.ActionAcknowledge}) {
		t.Error("took another incident's action")
	}
	inc.Apply(action(1, schemas.ActionAcknowledge), action(2, schemas.ActionMute))
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if inc.State != schemas.IncidentAcknowledged || inc.Muted(noon.Add(30*time.Minute)) == nil || inc.Muted(noon.Add(62*time.Minute)) != nil {
		t.Errorf("%+v", inc)
	}
	inc.Apply(action(3, schemas.ActionUnmute), action(4, schemas.ActionUnacknowledge), action(5, schemas.ActionFalsePositive))
	if inc.State != schemas.IncidentOpen || inc.Muted(noon.Add(30*time.Minute)) != nil || !inc.FalsePositive() {
		t.Errorf("%+v", inc)
	}
	if inc.Apply(action(6, schemas.ActionConfirm)); inc.FalsePositive() || inc.Judgement().Kind != schemas.ActionConfirm {
		t.Error("a later judgement does not count")
	}
	inc.State = schemas.IncidentResolved
	if inc.Apply(action(7, schemas.ActionAcknowledge)); inc.State != schemas.IncidentResolved {
		t.Error("what is over was acknowledged into being")
	}
}
