package alerting

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Router decides who is told of which incidents, together with which others,
// and when. It is a state machine without a clock and without input or output;
// one goroutine at a time may use it. Its laws:
//
//   - A revision is due for a receiver from the moment that a route led its
//     incident there until the receiver is settled with it.
//   - Once a route led an incident to a receiver, the receiver hears of it to
//     its end, whatever becomes of the labels.
//   - Who was told that an incident is open is told that it is over, also
//     through silences, time intervals and inhibition.
//   - A group has one flush under way at a time, and an incident is in one
//     group of a receiver, so revisions keep their order.
type Router struct {
	tree       *tree
	intervals  intervals
	inhibition Inhibition
	resend     map[string]time.Duration // of receivers that need reminders, by name
	giveUp     time.Duration
	silences   []silence
	incidents  map[string]*known
	groups     map[groupID]*group
	by         map[string]*known   // incidents that another one explains, as of the last Due
	related    map[string][]string // titles of those that an incident explains
}

// known is an incident that is open, or that somebody is still to be told of.
type known struct {
	schemas.Incident
	labels Labels
	owner  Owner
	at     map[string]*standing // by receiver
}

// standing is where an incident stands with a receiver.
type standing struct {
	group    *group
	settled  uint64    // highest revision delivered or given up
	told     bool      // some revision was delivered
	since    time.Time // the oldest revision that is not settled
	toldAt   time.Time
	muted    string // why it is kept back, as the journal says
	mutedRev uint64 // revision of which the journal says so
}

// groupID names a group: what one route tells one receiver together.
type groupID struct{ receiver, route, key string }

type group struct {
	id      groupID
	node    *node
	labels  Labels
	next    time.Time // before then nothing is told
	pause   time.Duration
	busy    bool // a flush is under way
	members map[string]bool
}

// Told is an incident with what goes with it.
type Told struct {
	schemas.Incident
	Labels  Labels
	Owner   string
	Runbook string
	Related []string // titles of incidents that are kept back because this one explains them
	Again   bool     // the receiver has this revision: a reminder
}

// Flush is what one receiver is to be told of one group, at once.
type Flush struct {
	Receiver  string
	Group     Labels
	Incidents []Told // by onset
	Last      bool   // what is not delivered now is given up
	id        groupID
}

// Placement says that a route led a revision to a receiver.
type Placement struct {
	Receiver string
	Route    string
}

// Suppressed is a revision that is kept back.
type Suppressed struct {
	Receiver string
	Incident schemas.Incident
	By       string // mute, silence, time_interval or inhibition
	Reason   string
	Final    bool // it will never be told: it was over before anybody could be told
}

// NewRouter makes a Router that knows of no incident. The configuration must
// be valid.
func NewRouter(cfg Config) *Router {
	r := &Router{
		tree: newTree(&cfg), intervals: newIntervals(cfg.TimeIntervals), inhibition: cfg.Inhibition, giveUp: cfg.GiveUpAfter,
		resend: map[string]time.Duration{}, incidents: map[string]*known{}, groups: map[groupID]*group{},
	}
	for i := range cfg.Receivers {
		if a := cfg.Receivers[i].Alertmanager; a != nil {
			r.resend[cfg.Receivers[i].Name] = a.Resend
		}
	}
	return r
}

// Standing is what the journal says of an incident and a receiver.
type Standing struct {
	Receiver                string
	Queued, Settled, Told   uint64 // highest revisions: that a route led there, delivered or given up, delivered
	Over                    uint64 // highest revision told as over
	QueuedSince, LastToldAt time.Time
}

// Restore takes over an incident that was accepted before a restart.
func (r *Router) Restore(now time.Time, inc schemas.Incident, standings []Standing) {
	k := r.take(inc)
	if !slices.ContainsFunc(standings, func(s Standing) bool { return s.Over > 0 || s.Settled < inc.Revision }) {
		k.Incident = inc // of a false positive: the revision that says so is still to come
	}
	for _, s := range standings {
		n := r.nodeOf(k, s.Receiver)
		if n == nil {
			continue // no longer configured
		}
		r.place(now, k, n)
		st := k.at[s.Receiver]
		st.settled, st.told, st.since, st.toldAt = s.Settled, s.Told > 0, s.QueuedSince, s.LastToldAt
		if s.Told > 0 { // the group is not new
			st.group.next = latest(st.group.next, s.LastToldAt.Add(n.interval))
			st.group.next = earliest(st.group.next, now.Add(n.interval))
		}
	}
	r.forget(k)
}

// nodeOf is the route that tells a receiver of an incident: the one that
// matches now, else any of that receiver, so that it hears of the end.
func (r *Router) nodeOf(k *known, receiver string) *node {
	for _, n := range r.tree.match(k.labels) {
		if n.receiver == receiver {
			return n
		}
	}
	return r.tree.find(receiver)
}

// Offer takes in a revision and tells to whom routes lead it that did not know
// of the revision. An older one than is known changes nothing.
func (r *Router) Offer(now time.Time, inc schemas.Incident) []Placement {
	switch k := r.incidents[inc.ID]; {
	case k != nil && inc.Revision < k.Revision:
		return nil
	case k == nil && inc.FalsePositive():
		return nil // everybody who heard of it was told that it is over
	}
	k := r.take(inc)
	var out []Placement
	for _, n := range r.tree.match(k.labels) {
		if k.at[n.receiver] == nil && n.tells(inc.Severity) {
			r.place(now, k, n)
		}
	}
	for _, receiver := range slices.Sorted(maps.Keys(k.at)) {
		st := k.at[receiver]
		if inc.Revision <= st.settled {
			continue
		}
		if st.since.IsZero() {
			st.since = now
		}
		out = append(out, Placement{receiver, st.group.node.path})
	}
	r.forget(k)
	return out
}

func (r *Router) take(inc schemas.Incident) *known {
	k := r.incidents[inc.ID]
	if k == nil {
		k = &known{at: map[string]*standing{}}
		r.incidents[inc.ID] = k
	}
	if inc.FalsePositive() && inc.State != schemas.IncidentResolved { // for whoever is told, it is over
		at := inc.Judgement().Time
		inc.State, inc.ResolvedAt = schemas.IncidentResolved, &at
	}
	k.Incident = inc
	k.labels, k.owner = r.tree.label(&inc)
	return k
}

// place puts an incident into its group of a route.
func (r *Router) place(now time.Time, k *known, n *node) {
	labels := k.labels.pick(n.groupBy)
	id := groupID{n.receiver, n.path, labels.String()}
	if n.single {
		labels, id.key = Labels{}, k.ID
	}
	g := r.groups[id]
	if g == nil {
		g = &group{id: id, node: n, labels: labels, next: now.Add(n.wait), members: map[string]bool{}}
		r.groups[id] = g
	}
	g.members[k.ID] = true
	k.at[n.receiver] = &standing{group: g}
}

// SetSilences replaces the silences that are known. One whose matchers cannot
// be read is passed over, and named in the error.
func (r *Router) SetSilences(all []schemas.Silence) error {
	compiled, err := compileSilences(all)
	r.silences = compiled
	return err
}

// Due tells what is to be told now, by receiver and group, and what is newly
// kept back. Each Flush must be answered by Settled.
func (r *Router) Due(now time.Time) (flushes []Flush, kept []Suppressed) {
	r.relate()
	ids := slices.SortedFunc(maps.Keys(r.groups), func(a, b groupID) int {
		return cmp.Or(cmp.Compare(a.receiver, b.receiver), cmp.Compare(a.route, b.route), cmp.Compare(a.key, b.key))
	})
	for _, id := range ids {
		g := r.groups[id]
		if g == nil || g.busy {
			continue
		}
		f, held := r.flush(now, g)
		kept = append(kept, held...)
		if len(f.Incidents) > 0 {
			g.busy = true
			flushes = append(flushes, f)
		}
	}
	return flushes, kept
}

// flush collects what a group has to tell.
func (r *Router) flush(now time.Time, g *group) (f Flush, kept []Suppressed) {
	f = Flush{Receiver: g.id.receiver, Group: g.labels, id: g.id}
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		k := r.incidents[id]
		st := k.at[g.id.receiver]
		news := k.Revision > st.settled
		if !news && !r.remind(now, k, st) {
			continue
		}
		if by, reason := r.mutedBy(now, k, st); reason != "" {
			if news {
				kept = append(kept, r.suppress(k, st, by, reason)...)
			}
			continue
		}
		st.muted = ""
		if now.Before(g.next) {
			continue
		}
		f.Last = f.Last || news && !st.since.IsZero() && now.Sub(st.since) >= r.giveUp
		f.Incidents = append(f.Incidents, Told{k.Incident, k.labels, k.owner.Owner, k.owner.Runbook, r.related[k.ID], !news})
	}
	slices.SortStableFunc(f.Incidents, func(a, b Told) int { return a.Onset.Compare(b.Onset) })
	return f, kept
}

// remind tells whether an open incident without news is to be told again.
func (r *Router) remind(now time.Time, k *known, st *standing) bool {
	every := st.group.node.repeat
	if resend := r.resend[st.group.id.receiver]; resend > 0 {
		every = resend
	} else if k.State == schemas.IncidentAcknowledged {
		return false // somebody is at it
	}
	return every > 0 && st.told && k.State != schemas.IncidentResolved && now.Sub(st.toldAt) >= every
}

// suppress notes why a revision is kept back, once for each reason. What is
// over before its receiver could be told is settled with that.
func (r *Router) suppress(k *known, st *standing, by, reason string) []Suppressed {
	over := k.State == schemas.IncidentResolved
	if st.muted == reason && st.mutedRev == k.Revision && !over {
		return nil
	}
	st.muted, st.mutedRev = reason, k.Revision
	s := Suppressed{st.group.id.receiver, k.Incident, by, reason, over}
	if over {
		st.settled, st.since = k.Revision, time.Time{}
		r.forget(k)
	}
	return []Suppressed{s}
}

// What keeps incidents back.
const (
	byMute         = "mute"
	bySilence      = "silence"
	byTimeInterval = "time_interval"
	byInhibition   = "inhibition"
)

// mutedBy says what keeps an incident back from a receiver, and why; empty when
// nothing does.
func (r *Router) mutedBy(now time.Time, k *known, st *standing) (by, reason string) {
	if k.State == schemas.IncidentResolved && st.told {
		return "", ""
	}
	if m := k.Muted(now); m != nil {
		return byMute, fmt.Sprintf("muted by %s until %s: %s", m.Author, m.Until.UTC().Format(time.RFC3339), m.Comment)
	}
	if reason := r.inhibitedBy(k); reason != "" {
		return byInhibition, reason
	}
	if reason := st.group.node.mutedBy(r.intervals, now); reason != "" {
		return byTimeInterval, reason
	}
	return bySilence, silencedBy(r.silences, k, now)
}

// Outcome of a flush for one of its incidents.
type Outcome struct {
	IncidentID string
	Revision   uint64
	Delivered  bool // the receiver took it, or had it
	Dropped    bool // given up
}

// Pauses after a round that ended without delivery: doubling.
const (
	firstRoundPause = time.Minute
	maxRoundPause   = time.Hour
)

// Settled takes the outcomes of a flush. What was neither delivered nor given
// up is told again after a pause.
func (r *Router) Settled(now time.Time, f Flush, outcomes []Outcome) {
	g := r.groups[f.id]
	if g == nil {
		return
	}
	failed := false
	for _, o := range outcomes {
		k := r.incidents[o.IncidentID]
		if k == nil || k.at[f.Receiver] == nil {
			continue
		}
		st := k.at[f.Receiver]
		if !o.Delivered && !o.Dropped {
			failed = true
			continue
		}
		if o.Revision > st.settled {
			st.settled, st.since = o.Revision, time.Time{}
			if k.Revision > o.Revision {
				st.since = now
			}
		}
		if o.Delivered {
			st.told = true
		}
		st.toldAt = now // one that is given up is not repeated at once either
		r.forget(k)
	}
	g.busy, g.next = false, now.Add(g.node.interval)
	if g.pause = min(max(2*g.pause, firstRoundPause), maxRoundPause); !failed {
		g.pause = 0
	}
	g.next = latest(g.next, now.Add(g.pause))
}

// forget an incident that is over and of which everybody knows, and groups
// that are empty.
func (r *Router) forget(k *known) {
	if k.State != schemas.IncidentResolved {
		return
	}
	for _, st := range k.at {
		if st.settled < k.Revision {
			return
		}
	}
	delete(r.incidents, k.ID)
	for _, st := range k.at {
		delete(st.group.members, k.ID)
		if len(st.group.members) == 0 {
			delete(r.groups, st.group.id)
		}
	}
}

// Waiting counts what receivers are still to be told, kept back or not.
func (r *Router) Waiting() (n int) {
	for _, k := range r.incidents {
		for _, st := range k.at {
			if st.settled < k.Revision {
				n++
			}
		}
	}
	return n
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
