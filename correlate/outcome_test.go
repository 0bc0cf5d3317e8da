package correlate_test

import (
	"strings"
	"testing"

	"github.com/driftline/driftline/schemas"
)

// outcome is an alarm, or not, about the model's answers.
func outcome(name string, s schemas.Signal) schemas.Signal {
	s.Detector, s.Reason = name, "ROC AUC 0.61 realised, 0.8 estimated"
	return s
}

// What labels say of a model is an incident of its own, titled by the gravest
// that they say; drift that begins at the same time is another one.
func TestOutcomesAreIncidentsOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		title   string
		signals []schemas.Signal
	}{
		{"credit: concept drift since 2026-03-01T14:00:00Z (concept_gap_roc_auc 0.19)", []schemas.Signal{
			outcome("performance_roc_auc", alarm("", 0.3)), outcome("concept_gap_roc_auc", alarm("", 0.19)), outcome("sequential_adwin", alarm("", 0.5)),
		}},
		{"credit: concept drift since 2026-03-01T14:00:00Z (sequential_adwin 0.5)", []schemas.Signal{outcome("sequential_adwin", alarm("", 0.5)), outcome("concept_gap_roc_auc", ok(""))}},
		{"credit: performance fell since 2026-03-01T14:00:00Z (performance_roc_auc 0.3)", []schemas.Signal{outcome("performance_roc_auc", alarm("", 0.3))}},
		{"credit: performance is estimated to have fallen since 2026-03-01T14:00:00Z (estimated_roc_auc 0.2)", []schemas.Signal{outcome("estimated_roc_auc", alarm("", 0.2))}},
		{"credit: challenger is worse since 2026-03-01T14:00:00Z (challenger 0.2)", []schemas.Signal{outcome("challenger", alarm("", 0.2))}},
	} {
		told := run(evaluation(0, append([]schemas.Signal{alarm("income", 0.4)}, c.signals...)...))
		want(t, told, 2)
		drift, inc := told[0], told[1]
		if inc.Title != c.title || inc.Severity != schemas.SeverityError || !strings.Contains(inc.Summary, "0.61 realised") {
			t.Errorf("%s: title %q, summary %q", inc.Severity, inc.Title, inc.Summary)
		}
		if !strings.Contains(drift.Title, "drift in income") || drift.ID == inc.ID {
			t.Errorf("drift: %s", dump(drift))
		}
	}
}

// An estimate comes first and labels later: that they show concept drift is news,
// however small beside the estimate.
func TestLabelsSayMoreThanEstimates(t *testing.T) {
	told := run(evaluation(0, outcome("estimated_roc_auc", alarm("", 0.9))), evaluation(1, outcome("concept_gap_roc_auc", alarm("", 0.2))))
	want(t, told, 2)
	if told[0].ID != told[1].ID || !strings.HasPrefix(told[1].Title, "credit: concept drift since 2026-03-01T14:00:00Z") {
		t.Errorf("%s, then %s", dump(told[0]), dump(told[1]))
	}
}

func TestOutcomesResolve(t *testing.T) {
	evs := []schemas.Evaluation{evaluation(0, outcome("concept_gap_roc_auc", alarm("", 0.3)))}
	for n := 1; n < 4; n++ {
		evs = append(evs, evaluation(n, outcome("concept_gap_roc_auc", ok(""))))
	}
	if inc := want(t, run(evs...), 2); inc.State != schemas.IncidentResolved || !strings.HasPrefix(inc.Title, "credit: concept drift resolved at ") {
		t.Errorf("%s", dump(inc))
	}
}
