package outcomes_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/schemas"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour = schemas.Span{Start: noon, End: noon.Add(time.Hour)}
)

// world draws rows whose label is positive with a probability that grows with
// the score; turned, it falls.
type world struct {
	n        int
	version  string
	centre   float64 // of the scores' logits
	turned   bool
	labelled float64 // share of rows
}

func (w world) rows(seed uint64) []outcomes.Row {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]outcomes.Row, w.n)
	for i := range out {
		z := w.centre + 1.5*rng.NormFloat64()
		score, truth := 1/(1+math.Exp(-z)), "0"
		p := score
		if w.turned {
			p = 1 - score
		}
		if rng.Float64() < p {
			truth = "1"
		}
		predicted := "0"
		if score >= 0.5 {
			predicted = "1"
		}
		out[i] = outcomes.Row{
			Version: w.version, RequestID: fmt.Sprintf("%s-%06d", w.version, i), Time: noon.Add(time.Duration(i) * time.Second / 10),
			Prediction: predicted, Score: score, Value: math.NaN(), Labelled: rng.Float64() < w.labelled, Label: truth,
		}
		if !out[i].Labelled {
			out[i].Label = ""
		}
	}
	return out
}

func judge(change func(*outcomes.Plan)) *outcomes.Judge {
	p := outcomes.Plan{
		Key: schemas.ModelKey{Tenant: "default", Model: "credit"}, Level: 0.001, MinRows: 100,
		Performance: outcomes.Performance{Task: outcomes.Binary, Label: "label"},
	}
	if change != nil {
		change(&p)
	}
	return outcomes.NewJudge(p, outcomes.Reference{ID: "training@1", Scored: true, Rows: world{n: 20_000, labelled: 1}.rows(0)})
}

func states(signals []schemas.Signal) map[string]schemas.State {
	out := map[string]schemas.State{}
	for _, s := range signals {
		out[s.Version+"/"+s.Detector] = s.State
	}
	return out
}

// What the two questions, how well it did and how well it should have, say
// together is the table of docs/performance.md.
func TestWhatFellAndWhy(t *testing.T) {
	const performance, estimated, gap = "/performance_roc_auc", "/estimated_roc_auc", "/concept_gap_roc_auc"
	for name, c := range map[string]struct {
		world world
		want  map[string]schemas.State
	}{
		"all is well":            {world{n: 3000, labelled: 1}, map[string]schemas.State{performance: schemas.StateOK, estimated: schemas.StateOK, gap: schemas.StateOK}},
		"the concept turned":     {world{n: 3000, labelled: 1, turned: true}, map[string]schemas.State{performance: schemas.StateAlarm, estimated: schemas.StateOK, gap: schemas.StateAlarm}},
		"no label yet":           {world{n: 3000}, map[string]schemas.State{performance: schemas.StateNoData, estimated: schemas.StateOK, gap: schemas.StateNoData}},
		"labels for a tenth":     {world{n: 3000, labelled: 0.1, turned: true}, map[string]schemas.State{performance: schemas.StateInsufficient, estimated: schemas.StateOK, gap: schemas.StateInsufficient}},
		"too few rows to say so": {world{n: 60, labelled: 1, turned: true}, map[string]schemas.State{performance: schemas.StateInsufficient, estimated: schemas.StateInsufficient, gap: schemas.StateInsufficient}},
	} {
		v := judge(nil).Judge(outcomes.Window{Rows: c.world.rows(1), OneOf: 1}, hour, true, noon)
		if got := states(v.Signals); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, s := range v.Signals {
			if s.Reason == "" || !strings.Contains(s.Reason+s.Unit, "predictions are labelled") && s.State != schemas.StateInsufficient || s.PValue < 0 || s.PValue > 1 || s.Reference != "training@1" {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}

// Where everybody is alike the scores hardly tell rows apart: performance falls
// as it should, and nothing is wrong with the concept.
func TestPerformanceThatFallsAsItShould(t *testing.T) {
	rows := world{n: 8000, labelled: 1}.rows(2)
	var alike []outcomes.Row
	for _, r := range rows {
		if r.Score > 0.4 && r.Score < 0.6 {
			alike = append(alike, r)
		}
	}
	got := states(judge(nil).Judge(outcomes.Window{Rows: alike, OneOf: 1}, hour, true, noon).Signals)
	if got["/performance_roc_auc"] != schemas.StateAlarm || got["/estimated_roc_auc"] != schemas.StateAlarm || got["/concept_gap_roc_auc"] != schemas.StateOK {
		t.Errorf("%d rows: %v", len(alike), got)
	}
}

// A window without change alarms no more often than its level says: at 0.001
// for its three questions together, 400 windows have less than one alarm.
func TestFalseAlarmsOfOutcomes(t *testing.T) {
	j, false_ := judge(nil), 0
	for seed := range uint64(400) {
		v := j.Judge(outcomes.Window{Rows: world{n: 500, labelled: 0.8}.rows(seed + 10), OneOf: 1}, hour, true, noon)
		for _, s := range v.Signals {
			if s.State == schemas.StateAlarm {
				false_++
			}
		}
	}
	if false_ > 2 {
		t.Errorf("%d false alarms in 400 windows", false_)
	}
}

// Versions are judged apart, and in any order of rows alike.
func TestVersionsAreJudgedApart(t *testing.T) {
	rows := append(world{n: 2000, version: "1", labelled: 1}.rows(3), world{n: 2000, version: "2", labelled: 1, turned: true}.rows(4)...)
	v := judge(nil).Judge(outcomes.Window{Rows: rows, OneOf: 1}, hour, false, noon)
	got := states(v.Signals)
	if got["1/concept_gap_roc_auc"] != schemas.StateOK || got["2/concept_gap_roc_auc"] != schemas.StateAlarm || v.Labelled != 4000 || v.Coverage() != 1 {
		t.Errorf("%v, %d labelled", got, v.Labelled)
	}
	for _, s := range v.Stats {
		if s.Final || s.Realised == nil || s.Estimated == nil || s.Predictions != 2000 {
			t.Errorf("%+v", s)
		}
	}
}

// Windows taken one after the other, from snapshots, are the same as if they
// had been one: nothing is lost between them.
func TestFollowingFromSnapshots(t *testing.T) {
	j := judge(func(p *outcomes.Plan) { p.Sequential = []string{"adwin", "ddm", "hddm_a", "page_hinkley"} })
	rows := append(world{n: 3000, labelled: 1}.rows(5), world{n: 1500, labelled: 1, turned: true}.rows(6)...)
	for i := range rows {
		rows[i].RequestID, rows[i].Time = fmt.Sprintf("r-%06d", i), noon.Add(time.Duration(i)*time.Second/10)
	}
	_, whole, err := j.Follow("", outcomes.Window{Rows: rows, OneOf: 1}, hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	state, alarmed := "", map[string]int{}
	for i := 0; i < len(rows); i += 500 {
		signals, after, err := j.Follow(state, outcomes.Window{Rows: rows[i : i+500], OneOf: 1}, hour, noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range signals {
			if s.State != schemas.StateAlarm {
				continue
			}
			if alarmed[s.Detector]++; i < 3000 {
				t.Errorf("%s before the change: %s", s.Detector, s.Reason)
			}
		}
		state = after
	}
	if state != whole {
		t.Error("in parts the state is another one than in one go")
	}
	for _, name := range []string{"adwin", "ddm", "hddm_a", "page_hinkley"} {
		if alarmed[schemas.SequentialPrefix+name] == 0 {
			t.Errorf("%s has missed the change", name)
		}
	}
	if _, _, err := j.Follow("{", outcomes.Window{}, hour, noon); err == nil {
		t.Error("a broken state is taken")
	}
}

// The worse version is called so, and equal ones are not.
func TestChallenger(t *testing.T) {
	for _, c := range []struct {
		turned bool
		want   schemas.State
	}{{false, schemas.StateOK}, {true, schemas.StateAlarm}} {
		j := judge(func(p *outcomes.Plan) {
			p.Sequential, p.Challenger = []string{outcomes.NoSequential}, outcomes.Challenger{Champion: "1", Version: "2"}
		})
		rows := append(world{n: 3000, version: "1", labelled: 1}.rows(7), world{n: 3000, version: "2", labelled: 1, turned: c.turned}.rows(8)...)
		signals, _, err := j.Follow("", outcomes.Window{Rows: rows, OneOf: 1}, hour, noon)
		if err != nil {
			t.Fatal(err)
		}
		if len(signals) != 1 || signals[0].Detector != schemas.DetectorChallenger || signals[0].State != c.want {
			t.Errorf("turned %v: %+v", c.turned, signals)
		}
	}
}

// Without labels in the reference windows are measured, and said not to be judged.
func TestReferenceWithoutLabels(t *testing.T) {
	p := outcomes.Plan{Key: schemas.ModelKey{Model: "credit"}, Level: 0.001, MinRows: 100, Performance: outcomes.Performance{Task: outcomes.Binary}}
	j := outcomes.NewJudge(p, outcomes.Reference{Scored: true})
	if j.NotEstimated() == "" {
		t.Error("estimates without anything to learn from")
	}
	v := j.Judge(outcomes.Window{Rows: world{n: 1000, labelled: 1, turned: true}.rows(9), OneOf: 1}, hour, true, noon)
	if len(v.Signals) != 1 || v.Signals[0].State != schemas.StateNoData || !strings.Contains(v.Signals[0].Reason, "performance.label") || v.Stats[0].Realised == nil {
		t.Errorf("%+v", v)
	}
}
