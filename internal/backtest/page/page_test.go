package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

var update = flag.Bool("update", false, "write the golden files")

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func hour(k int) schemas.Span {
	return schemas.Span{Start: start.Add(time.Duration(k) * time.Hour), End: start.Add(time.Duration(k+1) * time.Hour)}
}

// sample is a run of five hours: amount alarms in the fourth, colour in the
// fifth, which the labels have not reached; the third has no data.
func sample() *backtest.Report {
	r := &backtest.Report{
		Summary: backtest.Summary{
			Model: "shop <1>", Reference: "training@abc", ReferenceRows: 5000, Rows: 2500, Window: "1h", Windows: 5, WindowsAlarmed: 2,
			Features: 2, Absent: []string{"x", "y"}, Signals: 10, Alarms: 2, Alarmed: []backtest.Alarmed{{Feature: "amount"}, {Feature: "colour"}},
			Level: 0.0014, From: start, To: start.Add(5 * time.Hour), AUC: new(0.81), Task: backtest.Binary, ThresholdMode: "calibrated", PerformanceAlarms: 1,
		},
		Plots: &backtest.Plots{Features: []backtest.FeaturePlot{
			{Feature: "amount", Kind: schemas.Numeric, Low: 0, High: 3, Reference: []float64{10, 20, 10}, References: [3]float64{0.5, 1.5, 2.5}},
			{Feature: "colour", Kind: schemas.Categorical, Names: []string{"red", "blue & green"}, Reference: []float64{30, 10}},
		}},
	}
	for k := range 5 {
		r.Plots.Windows = append(r.Plots.Windows, hour(k))
		for _, f := range []string{"amount", "colour"} {
			s := schemas.Signal{WindowStart: hour(k).Start, WindowEnd: hour(k).End, Feature: f, Detector: "ks", Threshold: 0.1, Score: 0.02 * float64(k), PValue: 1, State: schemas.StateOK}
			if k == 2 {
				s.State, s.Score = schemas.StateNoData, 0
			}
			if f == "amount" && k == 3 || f == "colour" && k == 4 {
				s.State, s.Score, s.PValue, s.Reason = schemas.StateAlarm, 0.3, 1e-9, "KS 0.3 ≥ 0.1: '"+f+"' moved"
			}
			r.Signals = append(r.Signals, s)
		}
		amounts, colours, deciles := []float64{1, 2, float64(k)}, []float64{3, float64(k)}, [3]float64{0.5, 1, 2}
		if k == 2 {
			amounts, colours, deciles = []float64{0, 0, 0}, []float64{0, 0}, [3]float64{math.NaN(), math.NaN(), math.NaN()}
		}
		p := &r.Plots.Features[0]
		p.Windows, p.Quantiles = append(p.Windows, amounts), append(p.Quantiles, deciles)
		r.Plots.Features[1].Windows = append(r.Plots.Features[1].Windows, colours)
		m := backtest.Measure{Metric: "roc_auc", N: 500, Estimated: new(0.8), EstimatedSE: new(0.02), State: schemas.StateOK}
		if k < 4 {
			m.Realised, m.RealisedSE = new(0.8-0.01*float64(k)), new(0.02)
		}
		if k == 3 {
			m.State, m.Realised, m.Reason = schemas.StateAlarm, new(0.6), "ROC AUC 0.6 realised, 0.8 estimated"
		}
		r.Performance = append(r.Performance, backtest.Performance{WindowStart: hour(k).Start, WindowEnd: hour(k).End, N: 500, Coverage: 1, State: m.State, Metrics: []backtest.Measure{m}})
	}
	return r
}

func write(t *testing.T, r *backtest.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// meaningful are the elements whose names an outline shows.
var meaningful = map[string]bool{
	"header": true, "main": true, "section": true, "article": true, "h1": true, "h2": true, "h3": true, "figure": true, "svg": true, "desc": true,
	"table": true, "tr": true, "th": true, "td": true, "details": true, "summary": true, "output": true, "a": true, "p": true,
}

// outline is the page as a reader who does not see it gets it: elements with a
// meaning, their names, and text; pictures by their descriptions. Every id is
// unique, and every reference to one leads somewhere.
func outline(t *testing.T, page string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.Entity = true, xml.HTMLEntity
	var out strings.Builder
	ids, refs := map[string]bool{}, []string{}
	depth, silent := 0, 0 // silent: within style, script or a hidden picture
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			depth++
			note := x.Name.Local
			hidden := note == "style" || note == "script"
			for _, a := range x.Attr {
				switch a.Name.Local {
				case "id":
					if ids[a.Value] {
						t.Errorf("two elements have the id %q", a.Value)
					}
					ids[a.Value] = true
				case "aria-labelledby", "aria-describedby":
					refs = append(refs, strings.Fields(a.Value)...)
				case "role", "scope", "aria-label", "aria-live", "title", "tabindex", "class":
				case "aria-hidden":
					hidden = true
				default:
					continue
				}
				note += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
			}
			if hidden || silent > 0 {
				silent++
			} else if meaningful[x.Name.Local] {
				fmt.Fprintf(&out, "%s%s\n", strings.Repeat(" ", depth), note)
			}
		case xml.EndElement:
			depth--
			silent = max(0, silent-1)
		case xml.CharData:
			if text := strings.Join(strings.Fields(string(x)), " "); text != "" && silent == 0 {
				fmt.Fprintf(&out, "%s %q\n", strings.Repeat(" ", depth), text)
			}
		}
	}
	for _, id := range refs {
		if !ids[id] {
			t.Errorf("nothing has the id %q, which another element is named by", id)
		}
	}
	return out.String()
}

func TestPageStructure(t *testing.T) {
	got := outline(t, write(t, sample()))
	file := filepath.Join("testdata", "outline.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the outline differs from %s (go test -update writes it):\n%s", file, got)
	}
}

// What a page must hold whatever the run was: nothing comes from elsewhere, no
// figure is broken, both themes are there, and both are small.
func TestPageLaws(t *testing.T) {
	silent, labels, rows := sample(), sample(), sample()
	silent.Performance, silent.Plots, silent.Signals = nil, nil, nil
	for i := range labels.Performance {
		labels.Performance[i].Metrics[0] = backtest.Measure{Metric: "mae", Reason: "no label is known", State: schemas.StateNoData}
	}
	labels.Summary.ThresholdMode = "chunks"
	rows.Rowwise, rows.Summary.Window = true, "rows=500"
	foreign := regexp.MustCompile(`(?i)https?:|src=|@import|url\(`)
	broken := regexp.MustCompile(`NaN|[^a-z]Inf|ZgotmplZ|%!|<no value>|[a-z]="[^"]*e\+\d`)
	for name, r := range map[string]*backtest.Report{"usual": sample(), "no signals": silent, "no labels": labels, "rows": rows, "long": long(120, 3000)} {
		page := write(t, r)
		outline(t, page)
		if found := foreign.FindString(page); found != "" {
			t.Errorf("%s: the page asks for something from elsewhere: %q", name, found)
		}
		if found := broken.FindString(page); found != "" {
			t.Errorf("%s: %q in the page", name, found)
		}
		if !strings.Contains(page, "prefers-color-scheme: dark") {
			t.Errorf("%s: no dark theme", name)
		}
		if len(page) > 1<<20 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		t.Logf("%s: %d bytes", name, len(page))
	}
	if page := write(t, rows); !strings.Contains(page, "windows of 500 rows") || strings.Contains(page, "1970") {
		t.Error("windows of rows are not named by rows")
	}
}

// long is a run of very many features and windows.
func long(features, windows int) *backtest.Report {
	r := &backtest.Report{Summary: backtest.Summary{Window: "1h", Windows: windows}}
	for k := range windows {
		for f := range features {
			s := schemas.Signal{WindowStart: hour(k).Start, WindowEnd: hour(k).End, Feature: fmt.Sprintf("feature_%03d", f), Detector: "ks", Threshold: 0.1, Score: 0.05, State: schemas.StateOK}
			if (k+f)%50 == 0 {
				s.State, s.Score, s.Reason = schemas.StateAlarm, 0.2, strings.Repeat("reason ", 12)
			}
			r.Signals = append(r.Signals, s)
		}
	}
	return r
}

// Contrast of text and of the marks of alarms on every colour that they lie
// upon: 4.5 and 3, as WCAG 2.2 asks for (1.4.3, 1.4.11). Steps of the scale
// must differ by lightness alone, for readers who see no hue.
func TestColours(t *testing.T) {
	light := colours(t, regexp.MustCompile(`(?s):root \{(.*?)\n\}`).FindStringSubmatch(source)[1])
	dark := colours(t, regexp.MustCompile(`(?s)dark\) \{\s*:root \{(.*?)\n  \}`).FindStringSubmatch(source)[1])
	for name, c := range map[string]map[string]float64{"light": light, "dark": dark} {
		for _, pair := range []struct {
			ink, on string
			least   float64
		}{
			{"ink", "card", 4.5},
			{"ink", "page", 4.5},
			{"soft", "card", 4.5},
			{"soft", "page", 4.5},
			{"est", "card", 3},
			{"bad", "card", 3},
			{"cur", "card", 3},
			{"ref", "card", 3},
			{"focus", "card", 3},
			{"dot", "h4", 3},
			{"dot", "h5", 3},
			{"dot7", "h6", 3},
			{"dot7", "h7", 3},
		} {
			if got := contrast(c[pair.ink], c[pair.on]); got < pair.least {
				t.Errorf("%s: contrast of --%s on --%s is %.2f, want %.1f", name, pair.ink, pair.on, got, pair.least)
			}
		}
		for k := range 7 {
			if k == 3 { // the threshold: blue below, orange above
				continue
			}
			a, b := c[fmt.Sprintf("h%d", k)], c[fmt.Sprintf("h%d", k+1)]
			if contrast(a, b) < 1.12 || (a > b) != (name == "light") {
				t.Errorf("%s: steps %d and %d of the scale have luminances %.3f and %.3f", name, k, k+1, a, b)
			}
		}
	}
}

// colours are the relative luminances of custom properties.
func colours(t *testing.T, css string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]+)`).FindAllStringSubmatch(css, -1) {
		hex := m[2]
		if len(hex) == 3 {
			hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
		}
		var rgb [3]int
		if _, err := fmt.Sscanf(hex, "%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			t.Fatal(err)
		}
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := float64(rgb[i]) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			out[m[1]] += weight * v
		}
	}
	return out
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
