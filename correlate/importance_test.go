package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Alarms of an incident are ranked by drift times importance, which it says.
func TestIncidentsRankByImportance(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	alarm := func(feature string, score, importance float64) schemas.Signal {
		return schemas.Signal{
			WindowStart: at, WindowEnd: at.Add(time.Hour), Tenant: "t", Model: "m", Feature: feature, Detector: "ks", State: schemas.StateAlarm,
			Score: score, Threshold: 0.1, Importance: importance, EvaluatedAt: at,
		}
	}
	of := func(signals ...schemas.Signal) schemas.Incident {
		t.Helper()
		got := New(DefaultConfig()).Observe(schemas.Evaluation{ModelKey: schemas.ModelKey{Tenant: "t", Model: "m"}, Span: signals[0].Span(), Signals: signals})
		if len(got) != 1 {
			t.Fatalf("%d incidents", len(got))
		}
		return got[0]
	}
	plain := of(alarm("zip", 0.5, 0), alarm("income", 0.3, 0))
	if !slices.Equal(plain.Features, []string{"zip", "income"}) {
		t.Errorf("without importance %v", plain.Features)
	}
	income := alarm("income", 0.3, 3)
	income.StrongestSegment, income.SegmentShare = "region=eu", 0.71
	ranked := of(alarm("zip", 0.5, 0.2), income)
	if !slices.Equal(ranked.Features, []string{"income", "zip"}) || !strings.Contains(ranked.Title, "strongest income") {
		t.Errorf("with importance %v: %s", ranked.Features, ranked.Title)
	}
	for _, text := range []string{"3 times as important as the average feature", "strongest in region=eu: 71 % of it"} {
		if !strings.Contains(ranked.Summary, text) {
			t.Errorf("%q is not in %q", text, ranked.Summary)
		}
	}
}
