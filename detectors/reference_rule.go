package detectors

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// The kinds of reference. All but a profile are made of stored production.
const (
	ReferenceProfile  = "profile"
	ReferenceTrailing = "trailing"
	ReferenceRange    = "range"
	ReferenceSameHour = "same_hour_of_week"
	ReferenceVersion  = "version"
)

// referenceKinds with their manual.
var referenceKinds = []struct{ name, help string }{
	{ReferenceProfile, "The file: what the model was trained on, or a frozen profile of it."},
	{ReferenceTrailing, "The last length of production that ended guard before the window."},
	{ReferenceRange, "Production from from to to: a period known to be good."},
	{ReferenceSameHour, "The same hours of the week in the last weeks: for traffic that follows the week."},
	{ReferenceVersion, "Production of another version of the model: champion and challenger, canary and stable."},
}

// Defaults of references made of production.
const (
	defaultTrailing = 7 * 24 * time.Hour
	defaultGuard    = 24 * time.Hour
	defaultRefresh  = 24 * time.Hour
	defaultWeeks    = 4

	week = 7 * 24 * time.Hour

	// searchBack is how many times its length a trailing reference goes back for
	// production without incidents.
	searchBack = 4
)

// referenceRule tells which stored production a window is compared with. The
// zero value is a profile.
type referenceRule struct {
	kind, name      string
	length, guard   time.Duration
	refresh         Window
	fixed           schemas.Span // of a range
	weeks           int
	version         string
	withinIncidents bool
}

func (f *ReferenceFile) rule() referenceRule {
	r := referenceRule{
		kind: cmp.Or(f.Kind, ReferenceProfile), name: cmp.Or(f.Name, f.Kind),
		length: f.Length.Duration(), guard: f.Guard.Duration(), refresh: f.Refresh, version: f.Version, withinIncidents: f.IncludeIncidents,
	}
	if f.From != nil && f.To != nil {
		r.fixed = schemas.Span{Start: f.From.UTC(), End: f.To.UTC()}
	}
	if r.kind == ReferenceTrailing {
		r.length = cmp.Or(r.length, defaultTrailing)
	}
	if f.Guard.IsZero() {
		r.guard = defaultGuard
	}
	if r.kind == ReferenceSameHour {
		r.weeks = cmp.Or(f.Weeks, defaultWeeks)
	}
	if r.refresh.IsZero() && r.length > 0 {
		r.refresh = Every(min(defaultRefresh, r.length))
	}
	return r
}

// ofProduction tells whether the reference is made of what is stored.
func (r *referenceRule) ofProduction() bool { return r.kind != "" && r.kind != ReferenceProfile }

// sideBySide tells whether two versions are compared within one window.
func (r *referenceRule) sideBySide() bool { return r.kind == ReferenceVersion && r.length == 0 }

// lasting tells whether several windows share a reference, so that it is worth
// calibrating and keeping whole.
func (r *referenceRule) lasting() bool {
	return r.ofProduction() && r.kind != ReferenceSameHour && !r.sideBySide()
}

// spans of production that are the reference of a window, ascending and
// disjoint, without those of incidents; none when it has no reference.
func (r *referenceRule) spans(window schemas.Span, incidents []schemas.Span) []schemas.Span {
	if r.withinIncidents {
		incidents = nil
	}
	switch r.kind {
	case ReferenceRange:
		if window.Start.Before(r.fixed.End) {
			return nil
		}
		return []schemas.Span{r.fixed}
	case ReferenceSameHour:
		var out []schemas.Span
		for k := r.weeks; k > 0; k-- {
			s := later(window, -time.Duration(k)*week)
			if !slices.ContainsFunc(incidents, s.Overlaps) {
				out = append(out, s)
			}
		}
		return out
	case ReferenceTrailing, ReferenceVersion:
		if r.sideBySide() {
			return []schemas.Span{window}
		}
		return cleanBefore(r.refresh.Span(window.Start.Add(-r.guard)).Start, r.length, incidents)
	default:
		return nil
	}
}

func later(s schemas.Span, by time.Duration) schemas.Span {
	return schemas.Span{Start: s.Start.Add(by), End: s.End.Add(by)}
}

// cleanBefore is the last length of time before end that is outside of the given
// spans, ascending; less where the search would go too far back.
func cleanBefore(end time.Time, length time.Duration, without []schemas.Span) (out []schemas.Span) {
	floor := end.Add(-length)
	if len(without) > 0 {
		floor = end.Add(-searchBack * length)
	}
	without = slices.Clone(without)
	slices.SortFunc(without, func(a, b schemas.Span) int { return b.End.Compare(a.End) })
	take := func(from, to time.Time) {
		from = latest(from, floor)
		if from = latest(from, to.Add(-length)); from.Before(to) {
			out = append(out, schemas.Span{Start: from, End: to})
			length -= to.Sub(from)
		}
	}
	for _, s := range without {
		take(s.End, end)
		if s.Start.Before(end) {
			end = s.Start
		}
	}
	take(floor, end)
	slices.Reverse(out)
	return out
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reach is the time in which windows begin whose reference may hold rows of a
// span; empty when they are the windows that the span lies in.
func (r *referenceRule) reach(rows schemas.Span) schemas.Span {
	switch r.kind {
	case ReferenceRange:
		if r.fixed.Overlaps(rows) {
			return schemas.Span{Start: r.fixed.End, End: farFuture}
		}
	case ReferenceSameHour:
		return schemas.Span{Start: rows.Start.Add(week / 2), End: rows.End.Add(time.Duration(r.weeks) * week)}
	case ReferenceTrailing, ReferenceVersion:
		if r.sideBySide() {
			break
		}
		back := r.length
		if !r.withinIncidents {
			back *= searchBack
		}
		return schemas.Span{Start: rows.Start.Add(r.guard), End: rows.End.Add(r.guard + back + r.refresh.Duration())}
	}
	return schemas.Span{}
}

var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// need is how long before a window's start its reference may begin, without a
// search for time without incidents; 0 for a range, which the user chose.
func (r *referenceRule) need() time.Duration {
	switch {
	case r.kind == ReferenceSameHour:
		return time.Duration(r.weeks) * week
	case r.kind == ReferenceTrailing, r.kind == ReferenceVersion && r.length > 0:
		return r.guard + r.length + r.refresh.Duration()
	}
	return 0
}

// Production tells how long before a window the production begins that the
// model's windows are compared with; false for a profile.
func (m *Model) Production() (need time.Duration, ok bool) {
	r := m.Reference.rule()
	return r.need(), r.ofProduction()
}

func (f *ReferenceFile) check(key string) error {
	kind := cmp.Or(f.Kind, ReferenceProfile)
	known := slices.ContainsFunc(referenceKinds, func(k struct{ name, help string }) bool { return k.name == kind })
	if !known {
		return config.Faultf(key+".kind", "%q is none of profile, trailing, range, same_hour_of_week, version", f.Kind)
	}
	var errs []error
	only := func(set bool, name string, kinds ...string) {
		if set && !slices.Contains(kinds, kind) {
			errs = append(errs, config.Faultf(key+"."+name, "has no meaning for a reference of kind %s", kind))
		}
	}
	only(f.File != "", "file", ReferenceProfile)
	only(!f.Length.IsZero(), "length", ReferenceTrailing, ReferenceVersion)
	only(!f.Guard.IsZero(), "guard", ReferenceTrailing, ReferenceVersion)
	only(!f.Refresh.IsZero(), "refresh", ReferenceTrailing, ReferenceVersion)
	only(f.From != nil, "from", ReferenceRange)
	only(f.To != nil, "to", ReferenceRange)
	only(f.Weeks != 0, "weeks", ReferenceSameHour)
	only(f.Version != "", "version", ReferenceVersion)
	errs = append(errs,
		check(f.Length.months == 0, key+".length", "counts months; give days, such as 30d"),
		check(f.Guard.months == 0, key+".guard", "counts months; give days or hours, such as 1d"),
		check(f.Refresh.months == 0, key+".refresh", "counts months; give days or hours, such as 1d"),
		check(f.Weeks >= 0 && f.Weeks <= 52, key+".weeks", "%d is not within 1 to 52", f.Weeks),
		check(kind != ReferenceRange || f.From != nil && f.To != nil && f.From.Before(*f.To), key+".to", "is not after from: a range needs both, such as 2026-01-01T00:00:00Z"),
		check(kind != ReferenceVersion || f.Version != "", key+".version", "missing: the version whose production windows are compared with"),
		check(kind != ReferenceVersion || !f.Length.IsZero() || f.Guard.IsZero() && f.Refresh.IsZero(), key+".length", "missing: without it both versions are compared in the same window, which has no guard and no refresh"),
	)
	for name, w := range map[string]Window{"length": f.Length, "guard": f.Guard, "refresh": f.Refresh} {
		errs = append(errs, check(w.length%time.Minute == 0, key+"."+name, "is no whole number of minutes"))
	}
	return errors.Join(errs...)
}
