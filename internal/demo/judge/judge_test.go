package judge_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/demo/judge"
	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

const window = 2 * time.Minute

var faults = []loadtest.Injected{
	{Name: "shift", Model: "credit", Features: []string{"income", "utilisation"}, Consequences: []string{"_score", "_prediction"}, Start: minute(10), Strength: 1, Description: "incomes rise"},
	{Name: "category", Model: "ranking", Features: []string{"device"}, Consequences: []string{"_score"}, Start: minute(10), End: minute(20), Strength: 1, Description: "new devices"},
	{Name: "frozen", Model: "ranking", Features: []string{"popularity"}, Start: minute(30), Strength: 1, Description: "stuck"},
}

// signal of a window that starts at a minute.
func signal(feature string, at int) schemas.Signal {
	return schemas.Signal{WindowStart: minute(at), WindowEnd: minute(at).Add(window), Feature: feature, Detector: "ks", Score: .41234, Unit: "distance", Threshold: .1, State: schemas.StateAlarm}
}

func incident(id, model string, signals ...schemas.Signal) schemas.Incident {
	inc := schemas.Incident{
		ID: id, Revision: 1, Model: model, State: schemas.IncidentOpen, Severity: schemas.SeverityError, Title: model + " drifts",
		Onset: signals[0].WindowStart, OpenedAt: signals[0].WindowEnd, UpdatedAt: signals[0].WindowEnd, Signals: signals,
	}
	for _, s := range signals {
		inc.Onset, inc.UpdatedAt = earlier(inc.Onset, s.WindowStart), later(inc.UpdatedAt, s.WindowEnd)
		inc.Features = append(inc.Features, s.Feature)
	}
	return inc
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// verdict in short: found faults, missed faults, unexplained features.
func verdict(r judge.Result) string {
	var out []string
	for _, f := range r.Found {
		out = append(out, "found "+f.Fault+" by "+strings.Join(f.Features, "+"))
	}
	for _, f := range r.Missed {
		out = append(out, "missed "+f.Name)
	}
	for _, f := range r.FalseAlarms {
		out = append(out, "false "+f.Model+"/"+strings.Join(f.Features, "+"))
	}
	return strings.Join(out, "; ")
}

func TestJudge(t *testing.T) {
	const rest = "; missed category; missed frozen"
	tests := map[string]struct {
		incidents []schemas.Incident
		want      string
	}{
		"nothing":            {nil, "missed shift" + rest},
		"a fault's feature":  {[]schemas.Incident{incident("i", "credit", signal("income", 10))}, "found shift by income" + rest},
		"its first window":   {[]schemas.Incident{incident("i", "credit", signal("income", 9))}, "found shift by income" + rest},
		"a window too early": {[]schemas.Incident{incident("i", "credit", signal("income", 8))}, "missed shift" + rest + "; false credit/income"},
		"another model":      {[]schemas.Incident{incident("i", "vision", signal("income", 10))}, "missed shift" + rest + "; false vision/income"},
		"another feature":    {[]schemas.Incident{incident("i", "credit", signal("age", 10))}, "missed shift" + rest + "; false credit/age"},
		"with consequences":  {[]schemas.Incident{incident("i", "credit", signal("_score", 10), signal("utilisation", 12))}, "found shift by utilisation" + rest},
		"consequences alone": {[]schemas.Incident{incident("i", "credit", signal("_score", 10))}, "missed shift" + rest},
		"more than the fault": {
			[]schemas.Incident{incident("i", "credit", signal("income", 10), signal("age", 10))},
			"found shift by income" + rest + "; false credit/age",
		},
		"a fault that joins an older incident": {
			[]schemas.Incident{incident("i", "ranking", signal("device", 10), signal("popularity", 30))},
			"found category by device; found frozen by popularity; missed shift",
		},
		"after the end of the fault": {
			[]schemas.Incident{incident("i", "ranking", signal("device", 20))},
			"missed shift; missed category; missed frozen; false ranking/device",
		},
		"the model as a whole": {
			[]schemas.Incident{{ID: "i", Model: "credit", Onset: minute(12)}}, "missed shift" + rest + "; false credit/",
		},
		"features without signals": {
			[]schemas.Incident{{ID: "i", Model: "credit", Onset: minute(12), Features: []string{"income"}}}, "found shift by income" + rest,
		},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			got := verdict(judge.Judge(faults, c.incidents, window))
			if !sameParts(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// sameParts compares verdicts whatever the order of their parts.
func sameParts(a, b string) bool {
	count := func(s string) map[string]int {
		out := map[string]int{}
		for part := range strings.SplitSeq(s, "; ") {
			out[part]++
		}
		return out
	}
	return reflect.DeepEqual(count(a), count(b))
}

// What alarmed in any revision counts, and the earliest alarm is the detection.
func TestJudgeReadsAllRevisions(t *testing.T) {
	first := incident("i", "credit", signal("income", 10), signal("age", 10))
	second := incident("i", "credit", signal("income", 16))
	second.Revision, second.Severity, second.OpenedAt = 2, schemas.SeverityCritical, first.OpenedAt
	r := judge.Judge(faults[:1], []schemas.Incident{first, second}, window)
	if got := verdict(r); got != "found shift by income; false credit/age" {
		t.Fatal(got)
	}
	want := judge.Found{
		Fault: "shift", Incident: "i", Model: "credit", Features: []string{"income"}, Severity: schemas.SeverityCritical,
		DetectedAt: minute(12), DelaySeconds: 120, Detector: "ks", Feature: "income", Score: .41234, Unit: "distance", Threshold: .1,
	}
	if !reflect.DeepEqual(r.Found[0], want) {
		t.Errorf("got  %+v\nwant %+v", r.Found[0], want)
	}
}

func TestResultAsJSON(t *testing.T) {
	r := judge.Judge(nil, nil, window)
	b, err := json.Marshal(r)
	if err != nil || string(b) != `{"injected":[],"found":[],"missed":[],"false_alarms":[]}` || !r.OK() {
		t.Errorf("%s %v", b, err)
	}
}
