package demo

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// ledger holds what was injected against what was found. It is arithmetic:
// times come with what is entered. One goroutine owns it.
type ledger struct {
	injected  []loadtest.Injected
	injectAt  map[string]time.Duration // wall time since the start, by fault
	first     map[string]*first        // alarm, by fault
	wrong     []FalseAlarm
	evaluated map[windowOf]bool
	told      map[string]bool // model/feature whose first alarm was shown
	series    map[schemas.SeriesKey]bool
	incidents map[string]*Incident
	order     []string // ids of incidents as they opened
	revisions []schemas.Incident
	delivered map[delivery]bool
	signals   int
	alarms    int

	retrainings map[string]schemas.Retraining // by incident
}

// windowOf is one window of one model.
type windowOf struct {
	model string
	start int64 // Unix seconds
}

// delivery identifies a journalled outcome.
type delivery struct {
	receiver, incident string
	revision           uint64
	attempt            uint32
	status             schemas.NotificationStatus
}

func newLedger(injected []loadtest.Injected) *ledger {
	return &ledger{
		injected: injected, injectAt: map[string]time.Duration{}, first: map[string]*first{}, evaluated: map[windowOf]bool{},
		told: map[string]bool{}, series: map[schemas.SeriesKey]bool{}, incidents: map[string]*Incident{}, delivered: map[delivery]bool{},
		retrainings: map[string]schemas.Retraining{},
	}
}

// fault is the one that explains an alarm: same model, a feature that it
// changes or that follows from it, and a window that ends after its start and
// begins before its end. Its own features count before consequences.
func (l *ledger) fault(model, feature string, window schemas.Span) *loadtest.Injected {
	var follows *loadtest.Injected
	for i := range l.injected {
		in := &l.injected[i]
		if !in.Covers(model, feature) || !window.Overlaps(schemas.Span{Start: in.Start, End: in.End}) {
			continue
		}
		if slices.Contains(in.Features, feature) {
			return in
		}
		if follows == nil {
			follows = in
		}
	}
	return follows
}

// inject notes the wall time at which a fault reached the stream.
func (l *ledger) inject(name string, wall time.Duration) { l.injectAt[name] = wall }

// evaluation enters one evaluated window and gives the alarms worth showing:
// the strongest of every feature that alarms for the first time.
func (l *ledger) evaluation(ev *schemas.Evaluation, wall time.Duration) []alarm {
	if len(ev.Signals) == 0 || !ev.Signals[0].Silent() && !ev.Signals[0].Outcome() {
		l.evaluated[windowOf{ev.Model, ev.Span.Start.Unix()}] = true
	}
	l.signals += len(ev.Signals)
	news := map[string]*alarm{}
	for i := range ev.Signals {
		s := &ev.Signals[i]
		if s.State != schemas.StateAlarm {
			continue
		}
		l.alarms++
		in := l.fault(s.Model, s.Feature, s.Span())
		l.judge(in, s, wall)
		key := s.Model + "/" + s.Feature
		if l.told[key] {
			continue
		}
		a := news[key]
		if a == nil {
			a = &alarm{Signal: *s, fault: in}
			news[key] = a
		}
		a.count++
		if ratio(s) > ratio(&a.Signal) {
			a.Signal = *s
		}
	}
	return l.tell(news)
}

// alarm is the first alarm of a feature.
type alarm struct {
	schemas.Signal
	count int // detectors and versions that alarmed together
	fault *loadtest.Injected
}

// tell orders the news by strength and marks them as shown.
func (l *ledger) tell(news map[string]*alarm) []alarm {
	var out []alarm
	for key, a := range news {
		l.told[key] = true
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b alarm) int {
		return cmp.Or(cmp.Compare(ratio(&b.Signal), ratio(&a.Signal)), cmp.Compare(a.Feature, b.Feature))
	})
	return out
}

// ratio is how many times its threshold a signal reaches, comparable over
// detectors of different units.
func ratio(s *schemas.Signal) float64 {
	if s.Threshold <= 0 {
		return s.Score
	}
	return s.Score / s.Threshold
}

// first is the first window in which a fault alarmed.
type first struct {
	signal schemas.Signal // the strongest one
	wall   time.Duration  // since the start of the demo
}

// judge books an alarm: to its fault, or as wrong, once for every series.
func (l *ledger) judge(in *loadtest.Injected, s *schemas.Signal, wall time.Duration) {
	if in == nil {
		if !l.series[s.Series()] {
			l.series[s.Series()] = true
			l.wrong = append(l.wrong, falseSignal(s))
		}
		return
	}
	if !slices.Contains(in.Features, s.Feature) {
		return // a consequence alone does not show the fault
	}
	f := l.first[in.Name]
	if f == nil {
		l.first[in.Name] = &first{*s, wall}
	} else if f.signal.Span() == s.Span() && ratio(s) > ratio(&f.signal) {
		f.signal = *s
	}
}

// incident enters a revision; known tells whether there is nothing new in it.
func (l *ledger) incident(inc *schemas.Incident) (known bool) {
	i := l.incidents[inc.ID]
	if i == nil {
		i = &Incident{ID: inc.ID, Model: inc.Model, Deliveries: []Delivery{}}
		l.incidents[inc.ID] = i
		l.order = append(l.order, inc.ID)
	}
	if inc.Revision <= i.Revision {
		return true
	}
	l.revisions = append(l.revisions, *inc)
	i.Revision, i.State, i.Severity, i.Title, i.Features = inc.Revision, inc.State, inc.Severity, inc.Title, inc.Features
	i.Onset, i.OpenedAt, i.ResolvedAt, i.Diagnosis = inc.Onset, inc.OpenedAt, inc.ResolvedAt, inc.Diagnosis
	return false
}

// diagnosis of an incident as far as it is known.
func (l *ledger) diagnosis(id string) *schemas.Diagnosis {
	if i := l.incidents[id]; i != nil {
		return i.Diagnosis
	}
	return nil
}

// notification enters a line of the journal; known tells whether it was there.
func (l *ledger) notification(n *schemas.Notification) (known bool) {
	key := delivery{n.Receiver, n.IncidentID, n.Revision, n.Attempt, n.Status}
	i := l.incidents[n.IncidentID]
	if l.delivered[key] || i == nil {
		return true
	}
	l.delivered[key] = true
	i.Deliveries = append(i.Deliveries, Delivery{n.Receiver, n.Revision, n.Action, n.Status, n.HTTPStatus, digits(n.DurationMS), n.Error})
	return false
}

// settled tells whether the pipeline is through: every window of every model
// evaluated, causes of every open incident looked for, and every revision of
// every incident told to every receiver.
func (l *ledger) settled(windows []windowOf) bool {
	for _, w := range windows {
		if !l.evaluated[w] {
			return false
		}
	}
	if l.undecided() {
		return false
	}
	for _, i := range l.incidents {
		if i.Diagnosis == nil && i.State == schemas.IncidentOpen {
			return false
		}
		for _, r := range receiverNames {
			if !i.deliveredTo(r, i.Revision) && !i.toldThroughAnother(r) {
				return false
			}
		}
	}
	return true
}
