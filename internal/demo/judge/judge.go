// Package judge holds what was found against what was injected: a fault is found
// when an alarm of its model names one of its features while it lasts; what no
// fault explains is a false alarm.
package judge

import (
	"slices"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// Judge holds incidents, all revisions of each that were told, against the
// faults. A fault is found by an alarm on one of its features in its time; its
// consequences explain further alarms but do not find it. window is the length
// of the windows that detectors look at: the one in which a fault begins starts
// up to one window earlier.
func Judge(faults []loadtest.Injected, revisions []schemas.Incident, window time.Duration) Result {
	r := Result{Injected: append([]loadtest.Injected{}, faults...), Found: []Found{}, Missed: []loadtest.Injected{}, FalseAlarms: []FalseAlarm{}}
	for i := range faults {
		if found, ok := find(&faults[i], revisions, window); ok {
			r.Found = append(r.Found, found)
		} else {
			r.Missed = append(r.Missed, faults[i])
		}
	}
	for _, inc := range merge(revisions) {
		if unexplained := unexplained(faults, inc, window); len(unexplained) > 0 {
			r.FalseAlarms = append(r.FalseAlarms, FalseAlarm{inc.ID, inc.Model, unexplained, inc.Onset, inc.Title})
		}
	}
	return r
}

// merge makes one incident of its revisions, in the order in which they were
// first told. It has everything that any of them has: what alarmed once did
// alarm, though a later revision may not say so any more.
func merge(revisions []schemas.Incident) (out []schemas.Incident) {
	at := map[string]int{}
	for _, rev := range revisions {
		i, known := at[rev.ID]
		if !known {
			at[rev.ID] = len(out)
			rev.Features, rev.Signals = slices.Clone(rev.Features), slices.Clone(rev.Signals)
			out = append(out, rev)
			continue
		}
		for _, f := range rev.Features {
			if !slices.Contains(out[i].Features, f) {
				out[i].Features = append(out[i].Features, f)
			}
		}
		out[i].Signals = append(out[i].Signals, rev.Signals...)
	}
	return out
}

// find looks for the first incident that shows a fault.
func find(fault *loadtest.Injected, revisions []schemas.Incident, window time.Duration) (Found, bool) {
	for _, inc := range merge(revisions) {
		if inc.Model != fault.Model {
			continue
		}
		f := Found{Fault: fault.Name, Incident: inc.ID, Model: inc.Model, Severity: severity(revisions, inc.ID)}
		for _, feature := range inc.Features {
			if slices.Contains(fault.Features, feature) && alarmed(fault, &inc, feature, window) {
				f.Features = append(f.Features, feature)
			}
		}
		if len(f.Features) > 0 {
			f.measure(fault, &inc, window)
			return f, true
		}
	}
	return Found{}, false
}

// severity that an incident rose to in its last revision.
func severity(revisions []schemas.Incident, id string) (s schemas.Severity) {
	newest := uint64(0)
	for i := range revisions {
		if revisions[i].ID == id && revisions[i].Revision >= newest {
			newest, s = revisions[i].Revision, revisions[i].Severity
		}
	}
	return s
}

// measure says when and how large, from the alarms on the found features.
func (f *Found) measure(fault *loadtest.Injected, inc *schemas.Incident, window time.Duration) {
	f.DetectedAt = inc.OpenedAt
	first := true
	for i := range inc.Signals {
		s := &inc.Signals[i]
		if !slices.Contains(f.Features, s.Feature) || !within(fault, s.WindowStart, window) {
			continue
		}
		if first { // signals come strongest first
			f.Detector, f.Feature, f.Score, f.Unit, f.Threshold = s.Detector, s.Feature, s.Score, s.Unit, s.Threshold
		}
		if first || s.WindowEnd.Before(f.DetectedAt) {
			f.DetectedAt = s.WindowEnd
		}
		first = false
	}
	f.DelaySeconds = f.DetectedAt.Sub(fault.Start).Seconds()
}

// unexplained are the features of an incident that no fault changes. An
// incident without features is about the model as a whole, which has the name "".
func unexplained(faults []loadtest.Injected, inc schemas.Incident, window time.Duration) (out []string) {
	names := inc.Features
	if len(names) == 0 {
		names = []string{""}
	}
	for _, feature := range names {
		if !slices.ContainsFunc(faults, func(f loadtest.Injected) bool {
			covers := slices.Contains(f.Features, feature) || slices.Contains(f.Consequences, feature)
			return f.Model == inc.Model && covers && alarmed(&f, &inc, feature, window)
		}) {
			out = append(out, feature)
		}
	}
	return out
}

// alarmed tells whether an incident's alarm on a feature falls into the time of
// a fault. An incident may be older than a fault that joins it, so the
// feature's own signals count; the onset only where there are none.
func alarmed(fault *loadtest.Injected, inc *schemas.Incident, feature string, window time.Duration) bool {
	timed := false
	for i := range inc.Signals {
		s := &inc.Signals[i]
		if s.Feature == feature && within(fault, s.WindowStart, window) {
			return true
		}
		timed = timed || s.Feature == feature
	}
	return !timed && within(fault, inc.Onset, window)
}

// within tells whether a window that starts at a time can show the fault.
func within(fault *loadtest.Injected, start time.Time, window time.Duration) bool {
	return start.After(fault.Start.Add(-window)) && (fault.End.IsZero() || start.Before(fault.End))
}
