package correlate_test

import (
	"slices"
	"testing"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/schemas"
)

// blamed is an open incident of a model with its likeliest cause.
func blamed(t *testing.T, c *correlate.Correlator, model string, from int, entity string, confidence float64) schemas.Incident {
	t.Helper()
	ev := evaluation(from, alarm("income", 0.4))
	ev.Model = model
	for i := range ev.Signals {
		ev.Signals[i].Model = model
	}
	inc := want(t, feed(c, ev), 1)
	told, news := c.Diagnose(inc.ModelKey(), inc.ID, &schemas.Diagnosis{Causes: []schemas.Cause{{Entity: entity, Kind: schemas.CauseInfrastructure, Title: entity, Confidence: confidence}}})
	if !news {
		t.Fatal("no diagnosis")
	}
	return told
}

// Models that one cause makes ill have one incident that stands for all; it need
// not be kept by the same instance.
func TestOneCauseIsOneIncident(t *testing.T) {
	here, there := correlate.New(correlate.DefaultConfig()), correlate.New(correlate.DefaultConfig())
	a := blamed(t, there, "a", 0, "gpu/n1:0", 0.9)
	b := blamed(t, here, "b", 1, "gpu/n1:0", 0.8)
	other := blamed(t, here, "c", 1, "gpu/n2:0", 0.9)
	unsure := blamed(t, here, "d", 1, "gpu/n1:0", 0.3)
	all := []schemas.Incident{a, b, other, unsure}

	merged := want(t, here.Merge(all), 1)
	if merged.ID != b.ID || merged.MergedInto != a.ID || merged.Revision != b.Revision+1 {
		t.Fatalf("got %s", dump(merged))
	}
	want(t, here.Merge(all), 0)
	want(t, there.Merge(all), 0) // the first stands for itself
	a.Actions = []schemas.Action{{Kind: schemas.ActionFalsePositive}}
	if back := want(t, here.Merge([]schemas.Incident{a, merged}), 1); back.MergedInto != "" {
		t.Errorf("merged into a false positive: %s", dump(back))
	}
	a.Actions = nil
	want(t, here.Merge(all), 1)
	if alone := want(t, here.Merge(all[1:]), 1); alone.MergedInto != "" || alone.State != schemas.IncidentOpen {
		t.Errorf("the first is over, and the next does not take its place: %s", dump(alone))
	}
	if !here.Caused() || correlate.New(correlate.DefaultConfig()).Caused() {
		t.Error("whether anything is to be merged")
	}
}

// Whatever the order, all agree on who stands for whom.
func TestLawMergingAgrees(t *testing.T) {
	c := correlate.New(correlate.DefaultConfig())
	var all []schemas.Incident
	for i, model := range []string{"a", "b", "c", "d", "e"} {
		all = append(all, blamed(t, c, model, i/2, "gpu/n1:0", 0.9))
	}
	into := map[string]int{}
	for range 5 {
		slices.Reverse(all[1:])
		all = append(all[1:], all[0])
		c.Merge(all)
	}
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		for _, inc := range c.Open(schemas.ModelKey{Tenant: all[0].Tenant, Model: key}) {
			into[inc.MergedInto]++
		}
	}
	if len(into) != 2 || into[""] != 1 {
		t.Errorf("merged into %v", into)
	}
}
