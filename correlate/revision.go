package correlate

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// revise makes the next revision of the incident when there is something to
// tell, and tells whether there was.
func (inc *incident) revise(now scope, cfg Config) bool {
	inc.inputs = max(inc.inputs, now.inputs)
	next := inc.view(cfg)
	over, silent := inc.over(cfg)
	if !over && !inc.again && !notable(&inc.told, &next, cfg) {
		return false
	}
	inc.again = false
	next.Revision++
	next.UpdatedAt = latest(next.UpdatedAt, now.end)
	if over {
		inc.resolve(&next)
	}
	inc.describe(&next, silent, cfg)
	inc.told = next
	return true
}

// describe gives an incident its words.
func (inc *incident) describe(i *schemas.Incident, silent int, cfg Config) {
	switch {
	case isSilent(i):
		i.Title, i.Summary = silentTitle(i), silentSummary(i, silent, cfg)
	case isOutcome(i):
		i.Title, i.Summary = outcomeTitle(i), outcomeSummary(i, silent, cfg)
	default:
		i.Title, i.Summary = title(i), summary(i, inc.inputs, silent, cfg)
	}
	if i.ResolvedAt == nil {
		i.Title = oneLine(i.Title + causeTitle(i.Diagnosis))
	}
	if why := causeSummary(i.Diagnosis); why != "" {
		i.Summary += " " + why
	}
	if i.MergedInto != "" {
		i.Summary += " It is merged into " + i.MergedInto + ", which has the same cause."
	}
}

func (inc *incident) resolve(next *schemas.Incident) {
	for _, s := range inc.series {
		next.UpdatedAt = latest(next.UpdatedAt, s.answered().End)
	}
	at := next.UpdatedAt
	next.State, next.ResolvedAt = schemas.IncidentResolved, &at
}

// view is the incident as it would be told now.
func (inc *incident) view(cfg Config) schemas.Incident {
	v := inc.told
	v.Signals, v.Features, v.Versions = nil, nil, nil
	for _, s := range inc.series {
		v.Signals = append(v.Signals, s.peak)
	}
	slices.SortFunc(v.Signals, func(a, b schemas.Signal) int {
		return cmp.Or(cmp.Compare(weight(&b), weight(&a)), compareSeries(&a, &b))
	})
	for _, s := range v.Signals {
		if !slices.Contains(v.Features, s.Feature) {
			v.Features = append(v.Features, s.Feature)
		}
		if !slices.Contains(v.Versions, s.Version) {
			v.Versions = append(v.Versions, s.Version)
		}
	}
	slices.Sort(v.Versions)
	if isSilent(&v) {
		v.Severity = worse(v.Severity, silentSeverity(v.Features))
	} else {
		v.Severity = worse(v.Severity, severity(v.Features, inc.inputs, cfg))
	}
	return v
}

// notable tells whether a reader would care about the difference: a feature or
// version more, another severity, another kind of outcome, or a feature that
// grew well beyond the peak that was told. All else is noted quietly. Of a silent failure the time grows
// as long as it lasts, which is no news.
func notable(told, next *schemas.Incident, cfg Config) bool {
	if told.Revision == 0 || told.Severity != next.Severity || len(next.Versions) > len(told.Versions) {
		return true
	}
	if isOutcome(next) && kindOfOutcome(told) != kindOfOutcome(next) {
		return true
	}
	was, is := peaks(told.Signals), peaks(next.Signals)
	for feature, peak := range is {
		if former, known := was[feature]; !known || peak >= former*(1+cfg.GrowBy) && !isSilent(next) {
			return true
		}
	}
	return false
}

// peaks is the strength of every feature: detectors that see the same change
// of a feature are one thing.
func peaks(signals []schemas.Signal) map[string]float64 {
	out := map[string]float64{}
	for i := range signals {
		s := &signals[i]
		out[s.Feature] = max(out[s.Feature], strength(s))
	}
	return out
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
