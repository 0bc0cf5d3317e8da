// Package page writes a backtest as one HTML file that needs nothing else: no
// network, no fonts, no script library. Pictures are SVG, drawn here; each has
// its figures beside it as a table. Colours follow the reader's theme and are
// told apart by the colour-blind; nothing is said by colour alone.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"feature": featureName, "figure": figure, "window": windowName, "number": number, "percent": percent,
	"alarm": func(s schemas.State) bool { return s == schemas.StateAlarm },
}).Parse(source))

// most is how much of a run a page shows; a run may have more.
const (
	mostRows    = 60  // features of the heat map
	mostColumns = 96  // of the heat map; more windows are put together
	mostRidges  = 14  // of a feature; more windows are put together
	mostAlarms  = 300 // in the list of alarms
)

type view struct {
	*backtest.Report
	Heat        heatMap
	Features    []featureView
	Performance []chart
	Alarms      []schemas.Signal
	MoreAlarms  int
}

// Write the page of a run that was made with Options.Plots.
func Write(w io.Writer, r *backtest.Report) error {
	v := view{Report: r, Heat: newHeatMap(r), Performance: charts(r)}
	if r.Plots != nil {
		impacts := map[string]*backtest.Impact{}
		for _, f := range r.Impacts() {
			impacts[f.Feature] = f
		}
		for i := range r.Plots.Features {
			f := &r.Plots.Features[i]
			v.Features = append(v.Features, newFeatureView(r, f, impacts[f.Feature], i))
		}
	}
	for _, s := range r.Signals {
		switch {
		case s.State != schemas.StateAlarm:
		case len(v.Alarms) == mostAlarms:
			v.MoreAlarms++
		default:
			v.Alarms = append(v.Alarms, s)
		}
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// groups cuts n windows into at most the given number of runs of equal length.
func groups(n, most int) (out [][2]int) {
	size := (n + most - 1) / most
	for from := 0; from < n; from += size {
		out = append(out, [2]int{from, min(n, from+size)})
	}
	return out
}

// level is the step of the colour scale of a score in thresholds: below 4 it
// does not count.
func level(ratio float64) int {
	for i, limit := range []float64{0.25, 0.5, 0.75, 1, 1.5, 2.5, 5} {
		if ratio < limit {
			return i
		}
	}
	return 7
}

// featureName names what a signal without a feature is about.
func featureName(feature string) string {
	if feature == "" {
		return "(all features)"
	}
	return feature
}

// windowName is "1h" as it is and "rows=336" as words.
func windowName(spec string) string {
	if n, ok := strings.CutPrefix(spec, "rows="); ok {
		return n + " rows"
	}
	return spec
}

// figure prints a measure to three digits, and nothing for one that could not
// be computed.
func figure(v *float64) string {
	if v == nil {
		return "–"
	}
	return strconv.FormatFloat(*v, 'f', 3, 64)
}

func number(v float64) string {
	if v != v {
		return "–"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }
