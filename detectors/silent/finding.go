package silent

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Finding is what a rule says of one subject, or of one feature of it. Score
// and Threshold are in the rule's unit; an alarm has a score of at least its
// threshold.
type Finding struct {
	Version   string
	Feature   string // of the model, or gpu/ and its name; empty: the subject as a whole
	State     schemas.State
	Score     float64 // 0 with no_data and insufficient
	Threshold float64
	PValue    float64 // 1 when there is none
	N         uint64  // rows, runs or samples judged
	Reference uint64  // those that they are compared with
	Since     time.Time
	Reason    string // one sentence with the numbers
}

func noData(format string, args ...any) Finding {
	return Finding{State: schemas.StateNoData, PValue: 1, Reason: fmt.Sprintf(format, args...)}
}

func insufficient(n, reference uint64, format string, args ...any) Finding {
	return Finding{State: schemas.StateInsufficient, PValue: 1, N: n, Reference: reference, Reason: fmt.Sprintf(format, args...)}
}

// effect is a finding with a score that alarms from its threshold on, if p is
// not above level.
func effect(score, threshold, p, level float64, n, reference uint64) Finding {
	f := Finding{State: schemas.StateOK, Score: finite(score), Threshold: threshold, PValue: p, N: n, Reference: reference}
	if f.Score >= threshold && p <= level {
		f.State = schemas.StateAlarm
	}
	return f
}

// overdue is a finding about a time that must not exceed a limit.
func overdue(d, limit time.Duration, n, reference uint64) Finding {
	f := effect(d.Seconds(), limit.Seconds(), 1, 1, n, reference)
	if d == limit {
		f.State = schemas.StateOK
	}
	return f
}

// says completes a finding with its sentence.
func (f Finding) says(format string, args ...any) Finding {
	f.Reason = fmt.Sprintf(format, args...)
	return f
}

// of names what a finding is about.
func (f Finding) of(version, feature string) Finding {
	f.Version, f.Feature = version, feature
	return f
}

// from says since when; the sentence says it too.
func (f Finding) from(t time.Time) Finding {
	f.Since = t
	if f.State == schemas.StateAlarm && !t.IsZero() {
		f.Reason += ", since " + t.UTC().Format(time.RFC3339)
	}
	return f
}

// sorted puts findings in an order that does not depend on that of the input.
func sorted(fs []Finding) []Finding {
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Feature, b.Feature))
	})
	return fs
}

func finite(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(v, math.MaxFloat64)
}

// number shows three significant digits.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// percent shows a share.
func percent(v float64) string { return number(100*v) + "%" }

// long shows a duration in full seconds, as people say it.
func long(d time.Duration) string { return d.Round(time.Second).String() }
