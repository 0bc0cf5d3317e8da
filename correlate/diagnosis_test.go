package correlate_test

import (
	"testing"
	"time"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/schemas"
)

// What is wrong with a model's inputs at the time bears on what labels say, and
// rules that see them broken on drift too; other models, other times and outcomes
// bear on nothing.
func TestSymptomBesideOtherIncidents(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	incident := func(id, model, feature, detector string, hour int) schemas.Incident {
		at := noon.Add(time.Duration(hour) * time.Hour)
		return schemas.Incident{
			ID: id, Tenant: "default", Model: model, Onset: at, OpenedAt: at.Add(5 * time.Minute), UpdatedAt: at.Add(30 * time.Minute),
			Signals: []schemas.Signal{{Tenant: "default", Model: model, Feature: feature, Detector: detector, Score: 1, State: schemas.StateAlarm}},
		}
	}
	drift, unit := incident("a", "credit", "amount", "psi", 0), incident("b", "credit", "amount", "silent_unit_shift", 0)
	silent, gap := incident("c", "credit", "job/x", "silent_dead_man", 0), incident("d", "credit", "", "concept_gap_roc_auc", 0)
	other, before := incident("e", "fraud", "amount", "silent_unit_shift", 0), incident("f", "credit", "amount", "psi", -3)
	before.ResolvedAt = &before.UpdatedAt
	beside := []schemas.Incident{drift, unit, silent, gap, other, before}
	for _, c := range []struct {
		of   schemas.Incident
		want []string
	}{
		{drift, []string{"psi", "silent_unit_shift"}},
		{gap, []string{"concept_gap_roc_auc", "psi", "silent_unit_shift"}},
		{unit, []string{"silent_unit_shift"}},
	} {
		s, _ := correlate.SymptomOf(&c.of, beside)
		var got []string
		for _, signal := range s.Signals {
			got = append(got, signal.Detector)
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.of.ID, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.of.ID, got, c.want)
			}
		}
		if len(c.of.Signals) != 1 {
			t.Errorf("%s: the incident itself was changed", c.of.ID)
		}
	}
	// What drift is put down to is known of its features.
	drift.Diagnosis = &schemas.Diagnosis{Causes: []schemas.Cause{{Entity: "stage/batch", Kind: schemas.CauseInput, Confidence: 0.9}}}
	if s, _ := correlate.SymptomOf(&gap, []schemas.Incident{drift}); len(s.Broken) != 1 || s.Broken[0] != "amount" {
		t.Errorf("broken %v", s.Broken)
	}
	drift.Diagnosis.Causes[0].Kind = schemas.CauseData
	if s, _ := correlate.SymptomOf(&gap, []schemas.Incident{drift}); len(s.Broken) != 0 {
		t.Errorf("a population that moved is no broken input: %v", s.Broken)
	}
	if !correlate.Follows(&gap, &drift) || correlate.Follows(&drift, &gap) || correlate.Follows(&drift, &unit) {
		t.Error("which follow from which")
	}
}
