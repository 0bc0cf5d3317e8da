package backtest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

var historiesTable = flag.String("histories-table", "", "write what backtests find in real histories to this file, as Markdown")

// split parts a gzipped CSV file at its row'th row: the reference before it,
// the data after it. Rows that come regularly get the times that they lack.
func split(t *testing.T, path string, row int, every time.Duration) (reference, data string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var parts [2]strings.Builder
	lines := bufio.NewScanner(z)
	for i := -1; lines.Scan(); i++ {
		line := lines.Text() + "\n"
		switch {
		case every > 0 && i < 0:
			line = "time," + line
		case every > 0:
			line = historyStart.Add(time.Duration(i)*every).Format(time.RFC3339) + "," + line
		}
		line = strings.Replace(line, ",,", ",number,", 1) // a column without a name
		if i < row {
			parts[0].WriteString(line)
		}
		if i < 0 || i >= row {
			parts[1].WriteString(line)
		}
	}
	reference, data = filepath.Join(t.TempDir(), "reference.csv"), filepath.Join(t.TempDir(), "data.csv")
	for i, name := range []string{reference, data} {
		if err := os.WriteFile(name, []byte(parts[i].String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return reference, data
}

// historyStart is when files begin that do not say so: a Monday.
var historyStart = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// taxiEvents are the labelled anomalies of the taxi trips: marathon,
// Thanksgiving, Christmas, New Year and the blizzard.
func taxiEvents(t *testing.T) (out []schemas.Span) {
	t.Helper()
	text, err := os.ReadFile(testkit.TestData(t, "nab", "combined_windows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][][2]string
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, w := range all["realKnownCause/nyc_taxi.csv"] {
		var s schemas.Span
		if s.Start, err = time.Parse("2006-01-02 15:04:05.000000", w[0]); err != nil {
			t.Fatal(err)
		}
		if s.End, err = time.Parse("2006-01-02 15:04:05.000000", w[1]); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// A history is a file of which the first rows are the reference.
type history struct {
	name, note string
	file       []string
	reference  int           // rows
	every      time.Duration // between rows that have no times
	options    Options
	window     string
	changes    func(*testing.T) []schemas.Span // nil: nobody knows
	found      int                             // at least, of the changes
	outside    int                             // at most, windows that alarm elsewhere
}

// from a row on, of rows that come so often.
func from(row int, every time.Duration) func(*testing.T) []schemas.Span {
	return func(*testing.T) []schemas.Span {
		start := historyStart.Add(time.Duration(row) * every)
		return []schemas.Span{{Start: start, End: start.AddDate(100, 0, 0)}}
	}
}

var histories = []history{
	{
		name: "nyc_taxi", note: "trips by half-hour, days; July to September 2014 as reference", file: []string{"nab", "nyc_taxi.csv.gz"},
		reference: 4416, window: "1d", options: Options{Timestamp: "timestamp"}, changes: taxiEvents, found: 4, outside: 0,
	},
	{
		name: "nyc_taxi, wasserstein", note: "the same by half days, one detector with the whole budget", file: []string{"nab", "nyc_taxi.csv.gz"},
		reference: 4416, window: "12h", options: Options{Timestamp: "timestamp", Detectors: []string{"wasserstein"}}, changes: taxiEvents, found: 5, outside: 3,
	},
	{
		name: "rainfall", note: "daily weather, months; 16 years as reference, changed from row 12,000 on", file: []string{"rainfall", "rainfall_data.csv.gz"},
		reference: 6000, every: 24 * time.Hour, window: "1mo", options: Options{Label: "rain", Exclude: []string{"number"}}, changes: from(12_000, 24*time.Hour), found: 1, outside: 120, // the air got clearer at row 8,190, which nobody labelled
	},
	{
		name: "electricity", note: "prices by half-hour, weeks; 30 weeks as reference, trade with Victoria begins near row 17,760", file: []string{"electricity", "electricity.csv.gz"},
		reference: 10_080, every: 30 * time.Minute, window: "1w", options: Options{Label: "class"}, changes: from(17_424, 30*time.Minute), found: 1, outside: 3,
	},
}

// What backtests of data drift find in the histories of others: changes that
// are known, and alarms at other times.
func TestHistories(t *testing.T) {
	var page strings.Builder
	fmt.Fprintf(&page, "| HISTORY | | WINDOWS | ALARMED | FOUND | OUTSIDE |\n|---|---|--:|--:|--:|--:|\n")
	for _, h := range histories {
		o := h.options
		o.Model, o.Config, o.Thresholds = h.name, detectors.DefaultConfig(), Calibrated
		o.Config.MinRows = 12
		var err error
		if o.Window, err = ParseWindowSpec(h.window); err != nil {
			t.Fatal(err)
		}
		o.Reference, o.Data = split(t, testkit.TestData(t, h.file...), h.reference, h.every)
		if h.every > 0 {
			o.Timestamp = "time"
		}
		r := run(t, o)
		alarmed := map[schemas.Span]string{}
		for i := range r.Signals {
			if s := &r.Signals[i]; s.State == schemas.StateAlarm {
				alarmed[s.Span()] = s.Reason
			}
		}
		changes := h.changes(t)
		found, outside := map[int]bool{}, 0
		for _, s := range slices.SortedFunc(maps.Keys(alarmed), func(a, b schemas.Span) int { return a.Start.Compare(b.Start) }) {
			if k := slices.IndexFunc(changes, s.Overlaps); k >= 0 {
				found[k] = true
			} else {
				outside++
				t.Logf("%s: outside, %s: %s", h.name, r.At(s.Start), alarmed[s])
			}
		}
		t.Logf("%s: %d of %d windows alarmed, %d of %d changes, %d outside", h.name, len(alarmed), r.Summary.Windows, len(found), len(changes), outside)
		fmt.Fprintf(&page, "| %s | %s | %d | %d | %d/%d | %d |\n", h.name, h.note, r.Summary.Windows, len(alarmed), len(found), len(changes), outside)
		if len(found) < h.found || outside > h.outside {
			t.Errorf("%s: %d of %d changes found, want %d; %d windows outside, want at most %d", h.name, len(found), len(changes), h.found, outside, h.outside)
		}
	}
	if *historiesTable != "" {
		if err := os.WriteFile(*historiesTable, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
