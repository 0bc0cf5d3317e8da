package detectors

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

func day(n int, hour ...int) time.Time {
	at := time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC)
	for _, h := range hour {
		at = at.Add(time.Duration(h) * time.Hour)
	}
	return at
}

func span(from, to time.Time) schemas.Span { return schemas.Span{Start: from, End: to} }

func lengthOf(t *testing.T, text string) Window {
	t.Helper()
	w, err := ParseWindow(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSpansOfAReference(t *testing.T) {
	open := farFuture
	for _, c := range []struct {
		name      string
		file      ReferenceFile
		window    schemas.Span
		incidents []schemas.Span
		want      []schemas.Span
	}{
		{"trailing", ReferenceFile{Kind: "trailing"}, span(day(20, 5), day(20, 6)), nil, []schemas.Span{span(day(12), day(19))}},
		{"trailing, the same for the whole day", ReferenceFile{Kind: "trailing"}, span(day(20, 23), day(21)), nil, []schemas.Span{span(day(12), day(19))}},
		{
			"trailing, with its own lengths",
			ReferenceFile{Kind: "trailing", Length: lengthOf(t, "6h"), Guard: lengthOf(t, "2h"), Refresh: lengthOf(t, "1h")},
			span(day(20, 5), day(20, 6)), nil,
			[]schemas.Span{span(day(19, 21), day(20, 3))},
		},
		{
			"trailing goes back over an incident",
			ReferenceFile{Kind: "trailing"},
			span(day(20, 5), day(20, 6)),
			[]schemas.Span{span(day(14), day(16)), span(day(15), day(15, 5)), span(day(19, 1), day(19, 2))},
			[]schemas.Span{span(day(10), day(14)), span(day(16), day(19))},
		},
		{
			"trailing stays before an incident that is open",
			ReferenceFile{Kind: "trailing"},
			span(day(30), day(30, 1)),
			[]schemas.Span{span(day(20), open)},
			[]schemas.Span{span(day(13), day(20))},
		},
		{
			"trailing searches four lengths back",
			ReferenceFile{Kind: "trailing", Length: lengthOf(t, "2d")},
			span(day(20, 5), day(20, 6)),
			[]schemas.Span{span(day(12), open)},
			[]schemas.Span{span(day(11), day(12))},
		},
		{
			"trailing with incidents",
			ReferenceFile{Kind: "trailing", IncludeIncidents: true},
			span(day(20, 5), day(20, 6)),
			[]schemas.Span{span(day(14), open)},
			[]schemas.Span{span(day(12), day(19))},
		},
		{"range", ReferenceFile{Kind: "range", From: new(day(1)), To: new(day(5))}, span(day(5), day(6)), nil, []schemas.Span{span(day(1), day(5))}},
		{"a window within its range", ReferenceFile{Kind: "range", From: new(day(1)), To: new(day(5))}, span(day(4), day(5)), nil, nil},
		{
			"same hour",
			ReferenceFile{Kind: "same_hour_of_week", Weeks: 2},
			span(day(20, 5), day(20, 6)), nil,
			[]schemas.Span{span(day(6, 5), day(6, 6)), span(day(13, 5), day(13, 6))},
		},
		{
			"same hour without a week's incident",
			ReferenceFile{Kind: "same_hour_of_week", Weeks: 2},
			span(day(20, 5), day(20, 6)),
			[]schemas.Span{span(day(13, 5), day(13, 7))},
			[]schemas.Span{span(day(6, 5), day(6, 6))},
		},
		{"side by side", ReferenceFile{Kind: "version", Version: "v1"}, span(day(20, 5), day(20, 6)), nil, []schemas.Span{span(day(20, 5), day(20, 6))}},
		{"another version's past", ReferenceFile{Kind: "version", Version: "v1", Length: lengthOf(t, "1d")}, span(day(20, 5), day(20, 6)), nil, []schemas.Span{span(day(18), day(19))}},
	} {
		rule := c.file.rule()
		if got := rule.spans(c.window, c.incidents); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if err := c.file.check("reference"); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// No row of a reference made of the past is younger than the guard, and every
// window whose reference holds a row is within reach of it.
func TestLawReferencesKeepTheirGuardAndReach(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	minutes := func(n int) Window { return Every(time.Duration(1+rng.IntN(n)) * time.Minute) }
	for range 3000 {
		file := ReferenceFile{Kind: ReferenceTrailing, Length: minutes(4000), Guard: minutes(2000), Refresh: minutes(1500)}
		if rng.IntN(3) == 0 {
			file = ReferenceFile{Kind: ReferenceSameHour, Weeks: 1 + rng.IntN(3)}
		}
		var incidents []schemas.Span
		for range rng.IntN(4) {
			at := day(1).Add(time.Duration(rng.IntN(40*24*60)) * time.Minute)
			incidents = append(incidents, span(at, at.Add(time.Duration(1+rng.IntN(3000))*time.Minute)))
		}
		rule := file.rule()
		at := day(40).Add(time.Duration(rng.IntN(3000)) * time.Minute)
		w := span(at, at.Add(time.Hour))
		spans := rule.spans(w, incidents)
		total := time.Duration(0)
		for i, s := range spans {
			total += s.End.Sub(s.Start)
			if !s.Start.Before(s.End) || i > 0 && s.Start.Before(spans[i-1].End) {
				t.Fatalf("%+v: spans %v are empty or overlap", file, spans)
			}
			if file.Kind == ReferenceTrailing && s.End.After(w.Start.Add(-rule.guard)) {
				t.Fatalf("%+v: %v ends within the guard before %v", file, s, w.Start)
			}
			if slices.ContainsFunc(incidents, s.Overlaps) {
				t.Fatalf("%+v: %v is within an incident of %v", file, s, incidents)
			}
			row := s.Start.Add(time.Duration(rng.Int64N(int64(s.End.Sub(s.Start)/time.Minute))) * time.Minute)
			if reach := rule.reach(span(row, row.Add(time.Minute))); !reach.Overlaps(w) {
				t.Fatalf("%+v: a row of %v is in the reference of %v, out of its reach %v", file, row, w, reach)
			}
		}
		if file.Kind == ReferenceTrailing && (total > rule.length || len(incidents) == 0 && total != rule.length) {
			t.Fatalf("%+v: %s of production", file, total)
		}
	}
}

func TestReferencesThatMeanNothing(t *testing.T) {
	for want, f := range map[string]ReferenceFile{
		"reference.kind":    {Kind: "yesterday"},
		"reference.file":    {Kind: "trailing", File: "x.csv"},
		"reference.length":  {Kind: "range", From: new(day(1)), To: new(day(2)), Length: Every(time.Hour)},
		"reference.to":      {Kind: "range", From: new(day(2)), To: new(day(1))},
		"reference.weeks":   {Kind: "trailing", Weeks: 2},
		"reference.version": {Kind: "version"},
		"reference.guard":   {Kind: "trailing", Guard: Months(1)},
		"reference.refresh": {Kind: "trailing", Refresh: Every(90 * time.Second)},
	} {
		if err := f.check("reference"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want a fault of %s", f, err, want)
		}
	}
}

func TestSlidingWindows(t *testing.T) {
	p := mustPlan(t, DefaultConfig(), Model{Name: "m", Window: Every(time.Hour), Every: Every(15 * time.Minute)})
	from := day(2, 5)
	got := p.Windows(span(from.Add(20*time.Minute), from.Add(21*time.Minute)))
	var want []schemas.Span
	for _, m := range []int{-30, -15, 0, 15} {
		s := from.Add(time.Duration(m) * time.Minute)
		want = append(want, span(s, s.Add(time.Hour)))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("windows %v, want %v", got, want)
	}
	// Four times as many answers share the budget.
	if tumbling := mustPlan(t, DefaultConfig(), Model{Name: "m", Window: Every(time.Hour)}); p.Level != tumbling.Level/4 {
		t.Errorf("level %g, tumbling %g", p.Level, tumbling.Level)
	}
	for _, every := range []Window{Every(7 * time.Minute), Every(2 * time.Hour), Every(30 * time.Second), Months(1)} {
		if _, err := NewPlan(DefaultConfig(), Model{Name: "m", Window: Every(time.Hour), Every: every}); err == nil || !strings.Contains(err.Error(), "every") {
			t.Errorf("every %s: %v", every, err)
		}
	}
}

// A window is one that overlaps a span exactly when it is among those of the span.
func TestLawSlidingWindowsOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	for range 500 {
		step := time.Duration(1+rng.IntN(30)) * time.Minute
		length := step * time.Duration(1+rng.IntN(12))
		p := &Plan{Window: Every(length), Every: Every(step)}
		from := day(3).Add(time.Duration(rng.IntN(3000)) * time.Minute)
		of := span(from, from.Add(time.Duration(rng.IntN(200))*time.Minute))
		got := p.Windows(of)
		var want []schemas.Span
		for at := Every(step).Span(of.Start.Add(-2 * length)).Start; at.Before(of.End); at = at.Add(step) {
			if w := span(at, at.Add(length)); w.Overlaps(of) && of.Start.Before(of.End) {
				want = append(want, w)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s every %s over %v: %v, want %v", length, step, of, got, want)
		}
	}
}

// A reference merged of versions is what their rows together give.
func TestLawMergedVersionsAreAllRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	for range 50 {
		var numbers []float64
		var texts []string
		var parts []schemas.WindowSummaries
		for v := range 1 + rng.IntN(4) {
			var x []float64
			var c []string
			for range rng.IntN(300) {
				x, c = append(x, float64(rng.IntN(200))/10), append(c, string(rune('a'+rng.IntN(5))))
			}
			numbers, texts = append(numbers, x...), append(texts, c...)
			parts = append(parts, schemas.WindowSummaries{Version: string(rune('1' + v)), Rows: uint64(len(x)), Features: []schemas.Summary{SummarizeNumbers("x", x), SummarizeStrings("c", c)}})
		}
		got, rows := mergeVersions(parts)
		want := []schemas.Summary{SummarizeStrings("c", texts), SummarizeNumbers("x", numbers)}
		if rows != uint64(len(numbers)) {
			t.Fatalf("%d rows, want %d", rows, len(numbers))
		}
		for i := range want {
			if !alike(got[i].Mean, want[i].Mean) || !alike(got[i].Variance, want[i].Variance) {
				t.Fatalf("moments %v %v, want %v %v", got[i].Mean, got[i].Variance, want[i].Mean, want[i].Variance)
			}
			got[i].Mean, got[i].Variance = want[i].Mean, want[i].Variance
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("%+v, want %+v", got[i], want[i])
			}
		}
	}
}

func alike(a, b float64) bool { return abs(a-b) <= 1e-9*max(1, abs(a), abs(b)) }
