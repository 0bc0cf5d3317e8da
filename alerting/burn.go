package alerting

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

// RuleState is where a burn-rate rule stands for a model.
type RuleState int

// The states of a rule. No data and error are states of their own: neither is
// ever taken for ok, and neither ends an incident.
const (
	RuleOK RuleState = iota
	RuleFiring
	RuleNoData
	RuleError
)

// Burns judges the burn-rate rules of a configuration. It is a state machine
// without a clock and without input or output; one goroutine owns it.
type Burns struct {
	rules   []*burnRule
	metrics *metrics.Set
	failing time.Time // since when windows cannot be read; zero: they can
}

type burnRule struct {
	BurnRate
	matchers matchers
	tree     *tree // knows owners
	seen     map[schemas.ModelKey]bool
	firing   map[schemas.ModelKey]map[int]bool // pairs of windows that burn
	open     map[string]*schemas.Incident      // by what it is about
}

// NewBurns makes one that knows of no incident. The configuration must be
// valid; set may be nil.
func NewBurns(cfg Config, set *metrics.Set) *Burns {
	b := &Burns{metrics: set}
	t := newTree(&cfg)
	for _, r := range cfg.BurnRates {
		b.rules = append(b.rules, &burnRule{
			BurnRate: r, matchers: mustMatchers(r.Matchers), tree: t, seen: map[schemas.ModelKey]bool{},
			firing: map[schemas.ModelKey]map[int]bool{}, open: map[string]*schemas.Incident{},
		})
	}
	return b
}

// Longest is how much event time the rules look at; 0 without rules.
func (b *Burns) Longest() (d time.Duration) {
	for _, r := range b.rules {
		for _, w := range r.Windows {
			d = max(d, w.Long)
		}
	}
	return d
}

// Restore takes over open incidents that it opened before a restart; others are
// passed over.
func (b *Burns) Restore(open []schemas.Incident) {
	for i := range open {
		inc := &open[i]
		if !inc.BurnRate() || inc.State == schemas.IncidentResolved {
			continue
		}
		for _, r := range b.rules {
			for _, state := range []RuleState{RuleFiring, RuleNoData, RuleError} {
				if inc.ID == r.id(state, inc.ModelKey(), inc.Onset) {
					r.open[about(state, inc.ModelKey())] = inc
					r.seen[inc.ModelKey()] = true
					if state == RuleFiring {
						r.restoreFiring(inc)
					}
				}
			}
		}
	}
}

// restoreFiring takes the pairs of an incident's severity for burning: they go
// on until they fall below the lower threshold.
func (r *burnRule) restoreFiring(inc *schemas.Incident) {
	pairs := map[int]bool{}
	for i, w := range r.Windows {
		pairs[i] = rank(w.Severity) <= rank(inc.Severity)
	}
	r.firing[inc.ModelKey()] = pairs
}

// holdShare of its factor is enough for a pair that burns to go on burning.
const holdShare = 0.7

// Observe judges all models by their windows, ascending by model and end, or by
// the failure to read them, and returns the incidents that it opened, changed
// or resolved.
func (b *Burns) Observe(now time.Time, verdicts []schemas.WindowVerdict, failure error) []schemas.Incident {
	var out []schemas.Incident
	if failure != nil {
		if b.failing.IsZero() {
			b.failing = now
		}
		for _, r := range b.rules {
			if now.Sub(b.failing) >= r.ErrorWait {
				out = append(out, r.fail(now, failure, b)...)
			}
		}
		return out
	}
	b.failing = time.Time{}
	byModel := map[schemas.ModelKey][]schemas.WindowVerdict{}
	for _, v := range verdicts {
		byModel[v.ModelKey] = append(byModel[v.ModelKey], v)
	}
	for _, r := range b.rules {
		out = append(out, r.settle(RuleError, monitor, now, false, "", "", "")...)
		for key := range byModel {
			l := Labels{labelTenant: key.Tenant, labelModel: key.Model}
			l[labelOwner] = r.tree.own(l).Owner
			if r.matchers.match(l) {
				r.seen[key] = true
			}
		}
		for _, key := range slices.SortedFunc(maps.Keys(r.seen), func(a, b schemas.ModelKey) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Model, b.Model))
		}) {
			out = append(out, r.judge(now, key, byModel[key], b)...)
		}
	}
	return out
}

// monitor stands for Driftline itself in incidents about reading.
var monitor = schemas.ModelKey{Tenant: schemas.DefaultTenant, Model: "driftline"}

func (r *burnRule) fail(now time.Time, failure error, b *Burns) []schemas.Incident {
	for key := range r.seen {
		b.show(r, key, RuleError)
	}
	if r.Error == nil {
		return nil
	}
	return r.settle(RuleError, monitor, now, true, *r.Error,
		fmt.Sprintf("burn-rate rule %s cannot be judged: the windows cannot be read", r.Name),
		fmt.Sprintf("Reading the windows has failed for %s: %v. Whether models are fine is not known.", r.ErrorWait, failure))
}

// judge one model.
func (r *burnRule) judge(now time.Time, key schemas.ModelKey, vs []schemas.WindowVerdict, b *Burns) []schemas.Incident {
	at := now.UTC()
	if len(vs) > 0 {
		at = vs[len(vs)-1].End
	}
	pairs := r.firing[key]
	if pairs == nil {
		pairs = map[int]bool{}
		r.firing[key] = pairs
	}
	known, worst, text := 0, schemas.Severity(""), ""
	for i, w := range r.Windows {
		long, short := share(vs, at, w.Long), share(vs, at, w.Short)
		if !r.enough(vs, long, short, w) {
			continue
		}
		known++
		need := w.Factor * (1 - r.Objective)
		if pairs[i] {
			need *= holdShare
		}
		pairs[i] = long.bad() >= need && short.bad() >= need
		if pairs[i] && rank(w.Severity) > rank(worst) {
			worst = w.Severity
			text = fmt.Sprintf("%.3g %% of %d windows in %s and %.3g %% of %d in %s are bad; the objective allows %.3g %%, and %g times that is too fast",
				100*long.bad(), long.n, w.Long, 100*short.bad(), short.n, w.Short, 100*(1-r.Objective), w.Factor)
		}
	}
	if known == 0 {
		b.show(r, key, RuleNoData)
		if r.NoData == nil {
			return nil
		}
		return r.settle(RuleNoData, key, at, true, *r.NoData,
			fmt.Sprintf("%s: too few windows with a verdict for the burn-rate rule %s", key.Model, r.Name),
			fmt.Sprintf("%d windows with a verdict in the time that the rule looks at; it takes %d, and half of what the model's windows make. Whether the model is fine is not known.", len(vs), r.MinCount))
	}
	out := r.settle(RuleNoData, key, at, false, "", "", "")
	b.show(r, key, map[bool]RuleState{true: RuleFiring, false: RuleOK}[worst != ""])
	return append(out, r.settle(RuleFiring, key, at, worst != "", worst,
		fmt.Sprintf("%s: windows are bad too often (%s)", key.Model, r.Name), text)...)
}

// count of windows in a time.
type count struct{ n, nBad int }

func (c count) bad() float64 { return float64(c.nBad) / float64(c.n) }

func share(vs []schemas.WindowVerdict, at time.Time, within time.Duration) (c count) {
	for _, v := range slices.Backward(vs) {
		if !v.End.After(at.Add(-within)) {
			break
		}
		c.n++
		if v.Bad {
			c.nBad++
		}
	}
	return c
}

// enough windows for a verdict: the number asked for, half of those that the
// model's shortest step makes in the long time, and one in the short time.
func (r *burnRule) enough(vs []schemas.WindowVerdict, long, short count, w BurnWindow) bool {
	step := w.Long
	for i := 1; i < len(vs); i++ {
		if d := vs[i].End.Sub(vs[i-1].End); d > 0 {
			step = min(step, d)
		}
	}
	return short.n >= 1 && long.n >= r.MinCount && 2*long.n >= int(w.Long/step)
}

// settle opens, changes or resolves the incident about a state.
func (r *burnRule) settle(state RuleState, key schemas.ModelKey, at time.Time, bad bool, s schemas.Severity, title, summary string) []schemas.Incident {
	id, at := about(state, key), at.UTC()
	inc := r.open[id]
	switch {
	case inc == nil && bad:
		inc = &schemas.Incident{
			ID: r.id(state, key, at), Tenant: key.Tenant, Model: key.Model, State: schemas.IncidentOpen, Severity: s,
			Onset: at, OpenedAt: at, Versions: []string{}, Features: []string{}, Signals: []schemas.Signal{},
		}
		r.open[id] = inc
	case inc != nil && bad && rank(s) > rank(inc.Severity):
		inc.Severity = s
	case inc != nil && !bad:
		delete(r.open, id)
		inc.State, inc.ResolvedAt = schemas.IncidentResolved, &at
		title, summary = inc.Title+", over at "+clock(at), "It is over."
	default:
		return nil
	}
	inc.Title, inc.Summary, inc.UpdatedAt = title, summary, latest(at, inc.UpdatedAt)
	inc.Revision++
	return []schemas.Incident{*inc}
}

func about(state RuleState, key schemas.ModelKey) string {
	return fmt.Sprintf("%d %q %q", state, key.Tenant, key.Model)
}

func (r *burnRule) id(state RuleState, key schemas.ModelKey, onset time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %s", r.Name, about(state, key), onset.UTC().Format(time.RFC3339Nano)))
	return fmt.Sprintf("%s%x", schemas.BurnPrefix, sum[:8])
}

func (b *Burns) show(r *burnRule, key schemas.ModelKey, s RuleState) {
	if b.metrics != nil {
		b.metrics.GetOrCreateGauge(fmt.Sprintf(`driftline_alerting_rule_state{rule=%q,tenant=%q,model=%q}`, r.Name, key.Tenant, key.Model), nil).Set(float64(s))
	}
}
