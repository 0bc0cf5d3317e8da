package alerting

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// minutes are the verdicts of windows of a minute up to noon and some: bad where
// the text has an x, missing where it has a space.
func minutes(model, text string) (out []schemas.WindowVerdict) {
	for i, c := range text {
		if c != ' ' {
			out = append(out, schemas.WindowVerdict{ModelKey: schemas.ModelKey{Tenant: "default", Model: model}, End: noon.Add(time.Duration(i) * time.Minute), Bad: c == 'x'})
		}
	}
	return out
}

// seen are the verdicts that a rule sees at a minute.
func seen(all []schemas.WindowVerdict, minute int) (out []schemas.WindowVerdict) {
	for _, v := range all {
		if !v.End.After(noon.Add(time.Duration(minute) * time.Minute)) {
			out = append(out, v)
		}
	}
	return out
}

func burning(t *testing.T, text string) *Burns {
	t.Helper()
	return NewBurns(mustParse(t, "burn_rates: [{name: slo, objective: 0.99, "+text+"}]"), metrics.NewSet())
}

// run judges minute after minute and writes what opens, changes and ends.
func (b *Burns) run(all []schemas.WindowVerdict, from, to int) string {
	var out []string
	for m := from; m < to; m++ {
		for _, inc := range b.Observe(noon.Add(time.Duration(m)*time.Minute), seen(all, m), nil) {
			out = append(out, fmt.Sprintf("%d %s %s.%d", m, inc.State, inc.Severity, inc.Revision))
		}
	}
	return strings.Join(out, "; ")
}

func TestBurnRate(t *testing.T) {
	fine := strings.Repeat(".", 60)
	for name, c := range map[string]struct{ windows, want string }{
		// 14.4 % of 60 windows are 9; of 5 one is enough.
		"nine bad in a row":  {fine + "xxxxxxxxx" + fine, "68 open critical.1; 73 resolved critical.2"},
		"eight are too few":  {fine + "xxxxxxxx" + fine, ""},
		"long ago":           {fine + "xxxxxxxx......x" + fine, "74 open critical.1; 79 resolved critical.2"},
		"it holds at 70 %":   {fine + "xxxxxxxxx...x...x...x" + strings.Repeat(".", 70), "68 open critical.1; 85 resolved critical.2"},
		"few windows":        {"xxxxx", ""},
		"half of the time":   {strings.Repeat("x", 20) + strings.Repeat(" ", 20), ""},
		"enough of the time": {strings.Repeat("x", 31), "29 open critical.1"},
	} {
		b := burning(t, "windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}]")
		equal(t, name, b.run(minutes("credit", c.windows), 0, len(c.windows)), c.want)
	}
}

// Both pairs: what is slow is an error; what becomes fast is critical, and stays
// so until the end.
func TestBurnRateSeverityRises(t *testing.T) {
	slow := strings.Repeat("x............", 30) // 7.7 % are bad
	text := slow + strings.Repeat("x", 20) + strings.Repeat(".", 420)
	b := burning(t, "min_count: 100, windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}, {long: 6h, short: 30m, factor: 6, severity: error}]")
	equal(t, "history", b.run(minutes("credit", text), 0, len(text)), "179 open error.1; 438 resolved error.2")
	b = burning(t, "min_count: 50, windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}, {long: 6h, short: 30m, factor: 6, severity: error}]")
	equal(t, "history", b.run(minutes("credit", text), 0, len(text)), "179 open error.1; 394 open critical.2; 438 resolved critical.3")
}

func TestBurnRateRestored(t *testing.T) {
	text := strings.Repeat(".", 60) + strings.Repeat("x", 30) + strings.Repeat(".", 60)
	all := minutes("credit", text)
	whole := burning(t, "windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}]")
	var open []schemas.Incident
	for m := range 80 {
		open = append(open, whole.Observe(noon, seen(all, m), nil)...)
	}
	equal(t, "open", len(open), 1)
	again := burning(t, "windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}]")
	again.Restore(append(open, incident()))
	equal(t, "after a restart", again.run(all, 80, len(text)), whole.run(all, 80, len(text)))
}

// No data and errors are states of their own: they end nothing, and say so
// where they are asked to.
func TestNoDataAndErrorStates(t *testing.T) {
	text := strings.Repeat(".", 60) + strings.Repeat("x", 20)
	all := minutes("credit", text)
	b := burning(t, "no_data: warning, error: error, windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}]")
	state := func(want RuleState) {
		t.Helper()
		got := b.metrics.GetOrCreateGauge(`driftline_alerting_rule_state{rule="slo",tenant="default",model="credit"}`, nil).Get()
		equal(t, "state", RuleState(got), want)
	}
	equal(t, "burns", b.run(all, 59, 80), "68 open critical.1")
	state(RuleFiring)
	told := func(incs []schemas.Incident) string {
		var out []string
		for _, i := range incs {
			out = append(out, fmt.Sprintf("%s %s %s: %s", i.Model, i.State, i.Severity, i.Title))
		}
		return strings.Join(out, "; ")
	}
	equal(t, "no data", told(b.Observe(noon, nil, nil)), "credit open warning: credit: too few windows with a verdict for the burn-rate rule slo")
	state(RuleNoData)
	equal(t, "once", told(b.Observe(noon, nil, nil)), "")
	lost := errors.New("memory limit")
	equal(t, "an error at first", told(b.Observe(noon, nil, lost)), "")
	equal(t, "an error for long", told(b.Observe(noon.Add(10*time.Minute), nil, lost)), "driftline open error: burn-rate rule slo cannot be judged: the windows cannot be read")
	state(RuleError)
	over := told(b.Observe(noon.Add(11*time.Minute), seen(all, 80), nil))
	for _, want := range []string{"driftline resolved error", "credit resolved warning"} {
		if !strings.Contains(over, want) {
			t.Errorf("%q does not say %s", over, want)
		}
	}
	if strings.Contains(over, "critical") {
		t.Errorf("no data ended what burns: %s", over)
	}
	state(RuleFiring)
}

func TestBurnRateOfSomeModels(t *testing.T) {
	cfg := mustParse(t, `
owners: [{matchers: ['model="fraud"'], owner: risk}]
burn_rates: [{name: slo, matchers: ['owner="risk"'], windows: [{long: 1h, short: 5m, factor: 14.4, severity: critical}]}]
`)
	b := NewBurns(cfg, nil)
	bad := strings.Repeat("x", 60)
	var got []string
	for _, inc := range b.Observe(noon, append(minutes("credit", bad), minutes("fraud", bad)...), nil) {
		got = append(got, inc.Model)
		equal(t, "summary", inc.Summary, "100 % of 60 windows in 1h0m0s and 100 % of 5 in 5m0s are bad; the objective allows 1 %, and 14.4 times that is too fast")
		if !inc.BurnRate() || kindOf(&inc) != kindBurnRate {
			t.Errorf("incident %+v", inc)
		}
	}
	equal(t, "models", strings.Join(got, " "), "fraud")
}
