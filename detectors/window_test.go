package detectors

import (
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

func TestWindowSpan(t *testing.T) {
	for _, c := range []struct{ window, at, start, end string }{
		{"5m", "2026-03-01T10:04:59Z", "2026-03-01T10:00:00Z", "2026-03-01T10:05:00Z"},
		{"5m", "2026-03-01T10:05:00Z", "2026-03-01T10:05:00Z", "2026-03-01T10:10:00Z"},
		{"1h", "2026-03-01T10:30:00+02:00", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z"},
		{"24h", "2026-03-01T23:59:59Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"1d", "1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"7d", "2026-03-01T10:00:00Z", "2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z"}, // Monday to Monday
		{"1mo", "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"3mo", "2026-05-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"},
		{"1mo", "1969-12-15T00:00:00Z", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"},
	} {
		w, err := ParseWindow(c.window)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		s := w.Span(at)
		if got := s.Start.Format(time.RFC3339) + " " + s.End.Format(time.RFC3339); got != c.start+" "+c.end {
			t.Errorf("%s at %s: %s, want %s %s", c.window, c.at, got, c.start, c.end)
		}
	}
}

func TestWindowOverlapping(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 4, 0, 0, time.UTC)
	for _, c := range []struct {
		window Window
		length time.Duration
		want   int
	}{
		{Every(5 * time.Minute), time.Minute, 1},
		{Every(5 * time.Minute), 2 * time.Minute, 2},
		{Every(5 * time.Minute), time.Hour, 13},
		{Months(1), 31 * 24 * time.Hour, 2},
		{Every(time.Minute), 0, 0},
		{Window{}, time.Hour, 0},
	} {
		got := c.window.Overlapping(schemas.Span{Start: at, End: at.Add(c.length)})
		if len(got) != c.want {
			t.Errorf("%v over %v: %v", c.window, c.length, got)
		}
		for i := 1; i < len(got); i++ {
			if !got[i].Start.Equal(got[i-1].End) {
				t.Errorf("%v: a gap between %v and %v", c.window, got[i-1], got[i])
			}
		}
	}
}

func TestParseWindowRefuses(t *testing.T) {
	for _, text := range []string{"", "0m", "5", "m", "-1h", "1.5h", "1y", "5 m", "99999999d", "999mo", "1mo2d"} {
		if w, err := ParseWindow(text); err == nil {
			t.Errorf("%q is read as %v", text, w)
		}
	}
}

// Whatever parses prints as something that parses to the same window, and
// every instant lies in the window that Span gives for it.
func FuzzWindow(f *testing.F) {
	for _, s := range []string{"5m", "1h", "24h", "1d", "7d", "1mo", "90s", "2w"} {
		f.Add(s, int64(1_772_000_000))
		f.Add(s, int64(-1))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		w, err := ParseWindow(text)
		if err != nil {
			return
		}
		out, err := w.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again Window
		if err := again.UnmarshalText(out); err != nil || again != w {
			t.Fatalf("%q prints as %q, read as %v, %v", text, out, again, err)
		}
		at := time.Unix(unix%(1<<36), 0)
		s := w.Span(at)
		if !s.Contains(at) || w.Span(s.Start) != s || len(w.Overlapping(s)) != 1 {
			t.Fatalf("%v at %v: span %v", w, at, s)
		}
	})
}
