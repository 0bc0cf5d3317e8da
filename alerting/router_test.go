package alerting

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// drive feeds a Router and answers its flushes, at times of its own.
type drive struct {
	*testing.T
	*Router
	now time.Time
}

func driven(t *testing.T, cfg string) *drive {
	t.Helper()
	return &drive{t, NewRouter(mustParse(t, three+cfg)), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
}

func (d *drive) after(wait time.Duration) *drive { d.now = d.now.Add(wait); return d }

// due settles what is due as delivered and writes it: receiver: id.revision…
// with ! for a reminder, and what is kept back as receiver~id.revision.
func (d *drive) due() string {
	d.Helper()
	var out []string
	flushes, kept := d.Due(d.now)
	for _, s := range kept {
		over := ""
		if s.Final {
			over = "†"
		}
		out = append(out, fmt.Sprintf("%s~%s.%d%s(%s)", s.Receiver, s.Incident.ID, s.Incident.Revision, over, s.By))
	}
	for _, f := range flushes {
		text := f.Receiver + ":"
		var outcomes []Outcome
		for _, t := range f.Incidents {
			text += fmt.Sprintf(" %s.%d", t.ID, t.Revision)
			if t.Again {
				text += "!"
			}
			outcomes = append(outcomes, Outcome{t.ID, t.Revision, true, false})
		}
		out = append(out, text)
		d.Settled(d.now, f, outcomes)
	}
	return strings.Join(out, "; ")
}

func (d *drive) want(what, want string) *drive {
	d.Helper()
	if got := d.due(); got != want {
		d.Errorf("%s: told %q, want %q", what, got, want)
	}
	return d
}

// inc is revision n of an incident of a model.
func inc(id, model string, n uint64) schemas.Incident {
	i := revision(n)
	i.ID, i.Model, i.Title = id, model, "title of "+id
	return i
}

func over(i schemas.Incident) schemas.Incident {
	i.State, i.ResolvedAt = schemas.IncidentResolved, &i.UpdatedAt
	return i
}

func caused(i schemas.Incident, entity string, confidence float64, path ...string) schemas.Incident {
	i.Diagnosis = &schemas.Diagnosis{Causes: []schemas.Cause{{Entity: entity, Kind: schemas.CauseInfrastructure, Confidence: confidence, Path: append([]string{entity}, path...)}}}
	return i
}

func TestGroupTiming(t *testing.T) {
	d := driven(t, "route: {receiver: team, group_by: [tenant]}\n")
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	d.want("at once", "").after(20 * time.Second)
	d.Offer(d.now, inc("b", "fraud", 1))
	d.after(9*time.Second).want("before group_wait", "")
	d.after(time.Second).want("after group_wait", "team: a.1 b.1")
	d.Offer(d.now, inc("a", "credit", 2))
	d.after(time.Minute).Offer(d.now, inc("a", "credit", 3))
	d.want("before group_interval", "").after(4*time.Minute).want("after it, the newest only", "team: a.3")
	d.after(5*time.Minute).want("no news", "")
	d.after(3*time.Hour+50*time.Minute).want("repeat_interval of b", "team: b.1!")
	d.after(5*time.Minute).want("repeat_interval of a", "team: a.3!")
	d.Offer(d.now, over(inc("b", "fraud", 2)))
	d.after(5*time.Minute).want("its end", "team: b.2")
	d.after(24*time.Hour).want("only what is open is repeated", "team: a.3!")
	d.Offer(d.now, over(inc("a", "credit", 4)))
	d.after(5*time.Minute).want("the last end", "team: a.4")
	equal(t, "incidents remembered", len(d.incidents), 0)
	equal(t, "groups remembered", len(d.groups), 0)
	d.Offer(d.now, inc("c", "credit", 1))
	d.want("a new group waits again", "").after(30*time.Second).want("then tells", "team: c.1")
}

func TestWithoutRoutesAllAreToldAtOnce(t *testing.T) {
	d := driven(t, "")
	d.Offer(d.now, inc("a", "credit", 1))
	d.want("at once", "duty: a.1; mail: a.1; team: a.1")
	d.Offer(d.now, inc("a", "credit", 2))
	d.Offer(d.now, inc("a", "credit", 1)) // older than known
	d.want("the next too", "duty: a.2; mail: a.2; team: a.2").after(100*time.Hour).want("and nothing again", "")
}

// A group whose flush is under way holds back no other, and not its own news
// for ever.
func TestOneFlushOfAGroupAtATime(t *testing.T) {
	d := driven(t, "route: {receiver: team, group_by: [model], group_wait: 0s, group_interval: 10s}\n")
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	busy, _ := d.Due(d.now)
	d.Offer(d.now, inc("a", "credit", 2))
	d.Offer(d.now, inc("b", "fraud", 1))
	d.after(time.Minute).want("the other group", "team: b.1")
	d.Settled(d.now, busy[0], []Outcome{{"a", 1, true, false}})
	d.want("within its interval", "").after(10*time.Second).want("then", "team: a.2")
}

// What no round of attempts delivered is told again after growing pauses, and
// in the end as the last time.
func TestFailedRoundsComeAgain(t *testing.T) {
	d := driven(t, "give_up_after: 24h\nroute: {receiver: team, group_wait: 0s, group_interval: 0s}\n")
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	start, rounds, last := d.now, 0, time.Time{}
	for ; d.now.Sub(start) < 30*time.Hour; d.after(time.Second) {
		flushes, _ := d.Due(d.now)
		if len(flushes) == 0 {
			continue
		}
		if pause := d.now.Sub(last); rounds > 0 && (pause < firstRoundPause || pause > maxRoundPause+time.Second) {
			t.Fatalf("round %d after a pause of %s", rounds, pause)
		}
		rounds, last = rounds+1, d.now
		if flushes[0].Last {
			d.Settled(d.now, flushes[0], []Outcome{{"a", 1, false, true}})
			break
		}
		d.Settled(d.now, flushes[0], []Outcome{{"a", 1, false, false}})
	}
	if took := d.now.Sub(start); took < 24*time.Hour || took > 25*time.Hour+time.Minute || rounds > 40 {
		t.Errorf("given up after %s and %d rounds", took, rounds)
	}
	equal(t, "waiting", d.Waiting(), 0)
}

// Who hears of an incident hears of its end, whatever becomes of its labels.
func TestSeverityThatRisesReachesMoreAndLosesNobody(t *testing.T) {
	d := driven(t, `
route:
  receiver: team
  group_wait: 0s
  group_interval: 0s
  routes: [{matchers: ['severity="critical"'], receiver: duty}]
`)
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	d.want("an error", "team: a.1")
	worse := inc("a", "credit", 2)
	worse.Severity = schemas.SeverityCritical
	d.Offer(d.now, worse)
	d.want("critical", "duty: a.2; team: a.2")
	worse.Revision = 3
	d.Offer(d.now, over(worse))
	d.want("over", "duty: a.3; team: a.3")
}

func TestSilences(t *testing.T) {
	d := driven(t, "route: {receiver: team, group_wait: 0s, group_interval: 0s}\n")
	d.tree.direct = nil
	silence := schemas.Silence{ID: "s", Tenant: "default", Matchers: []string{`model="credit"`}, StartsAt: d.now, EndsAt: d.now.Add(time.Hour), Author: "a", Comment: "c"}
	d.Offer(d.now, inc("told", "credit", 1))
	d.want("before", "team: told.1")
	if err := d.SetSilences([]schemas.Silence{silence, {ID: "broken", Matchers: []string{"("}}}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a silence that cannot be read gives %v", err)
	}
	d.Offer(d.now, inc("a", "credit", 1))
	d.Offer(d.now, inc("short", "credit", 1))
	d.Offer(d.now, inc("b", "fraud", 1))
	other := inc("c", "credit", 1)
	other.Tenant = "other"
	d.Offer(d.now, other)
	d.want("kept back, once", "team~a.1(silence); team~short.1(silence); team: c.1; team: b.1").want("and quiet", "")
	d.Offer(d.now, inc("told", "credit", 2))
	d.want("news of one that was told", "team~told.2(silence)")
	d.Offer(d.now, over(inc("told", "credit", 3)))
	d.Offer(d.now, over(inc("short", "credit", 2)))
	d.want("an end is told to who was told of the start", "team~short.2†(silence); team: told.3")
	d.after(time.Hour).want("when it is over", "team: a.1")
	d.after(time.Hour).Offer(d.now, over(inc("a", "credit", 2)))
	d.want("its end", "team: a.2")
}

func TestTimeIntervalsMute(t *testing.T) {
	d := driven(t, `
time_intervals: [{name: noon, time_intervals: [{times: [{start_time: "12:00", end_time: "13:00"}]}]}]
route:
  receiver: team
  group_wait: 0s
  group_interval: 0s
  routes:
    - {matchers: ['model="credit"'], mute_time_intervals: [noon]}
    - {matchers: ['model="fraud"'], active_time_intervals: [noon]}
`)
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	d.Offer(d.now, inc("b", "fraud", 1))
	d.want("at noon", "team~a.1(time_interval); team: b.1")
	d.Offer(d.now, inc("b", "fraud", 2))
	d.after(59*time.Minute+59*time.Second).want("still noon", "team: b.2")
	d.Offer(d.now, inc("b", "fraud", 3))
	d.after(time.Second).want("later", "team~b.3(time_interval); team: a.1")
}

// A fault of a GPU that shows in three models is told once, with what else it
// explains; when it is over, what is still open is told.
func TestInhibitionByCause(t *testing.T) {
	d := driven(t, "route: {receiver: team, group_by: [model], group_wait: 0s, group_interval: 0s}\n")
	d.tree.direct = nil
	root := caused(inc("root", "serving", 1), "gpu/node-7:3", 0.9, "model/serving")
	root.Severity = schemas.SeverityCritical
	d.Offer(d.now, root)
	d.want("the cause", "team: root.1")
	d.Offer(d.now, caused(inc("a", "credit", 1), "pod/credit-1", 0.7, "gpu/node-7:3", "model/credit"))
	d.Offer(d.now, caused(inc("b", "fraud", 1), "gpu/node-7:3", 0.8))
	d.Offer(d.now, caused(inc("c", "vision", 1), "gpu/node-9:0", 0.8))
	foreign := caused(inc("d", "credit", 1), "gpu/node-7:3", 0.1)
	foreign.Tenant = "other"
	d.Offer(d.now, foreign)
	d.Offer(d.now, inc("e", "plain", 1)) // without a diagnosis
	d.want("its consequences are kept back", "team~a.1(inhibition); team~b.1(inhibition); team: d.1; team: e.1; team: c.1")
	worse := root
	worse.Revision = 2
	d.Offer(d.now, worse)
	flushes, _ := d.Due(d.now)
	equal(t, "related", strings.Join(flushes[0].Incidents[0].Related, ", "), "title of a, title of b")
	d.Settled(d.now, flushes[0], []Outcome{{"root", 2, true, false}})
	worse.Revision = 3
	d.Offer(d.now, over(worse))
	d.want("the end of the cause, and b of the next rank", "team~a.1(inhibition); team: b.1; team: root.3")
	d.Offer(d.now, over(caused(inc("b", "fraud", 2), "gpu/node-7:3", 0.8)))
	d.want("b is over, a is told", "team: a.1; team: b.2")

	d = driven(t, "inhibition: {min_confidence: 0.95}\nroute: {receiver: team, group_wait: 0s}\n")
	d.tree.direct = nil
	d.Offer(d.now, root)
	d.Offer(d.now, caused(inc("b", "fraud", 1), "gpu/node-7:3", 0.8))
	d.want("never on low confidence", "team: b.1; team: root.1")
}

// An incident that is merged into another is told through that one, unless that
// would hide how bad it is; inhibition need not be on.
func TestMergedIncidentsAreToldOnce(t *testing.T) {
	d := driven(t, "inhibition: {enabled: false}\nroute: {receiver: team, group_by: [model], group_wait: 0s, group_interval: 0s}\n")
	d.tree.direct = nil
	merged := func(id, model, into string) schemas.Incident {
		i := inc(id, model, 1)
		i.MergedInto = into
		return i
	}
	root := inc("root", "serving", 1)
	d.Offer(d.now, root)
	d.Offer(d.now, merged("a", "credit", "root"))
	worse := merged("b", "fraud", "root")
	worse.Severity = schemas.SeverityCritical
	d.Offer(d.now, worse)
	d.Offer(d.now, merged("c", "vision", "gone"))
	d.want("each cause once", "team~a.1(inhibition); team: b.1; team: root.1; team: c.1")
	root.Revision = 2
	d.Offer(d.now, over(root))
	d.want("what it stood for is still open", "team: a.1; team: root.2")
}

func TestAcknowledgedIsNotRepeated(t *testing.T) {
	d := driven(t, "route: {receiver: duty, group_wait: 0s, group_interval: 0s, repeat_interval: 1h}\n")
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	d.want("opened", "duty: a.1")
	taken := inc("a", "credit", 2)
	taken.State = schemas.IncidentAcknowledged
	d.Offer(d.now, taken)
	d.want("acknowledged", "duty: a.2").after(10*time.Hour).want("no reminder", "")
}

func did(i schemas.Incident, kind schemas.ActionKind, until *time.Time) schemas.Incident {
	i.Apply(schemas.Action{ID: fmt.Sprint("act-", i.Revision), Time: i.UpdatedAt, IncidentID: i.ID, Kind: kind, Author: "ana", Comment: "known", Until: until})
	return i
}

// A muted incident is kept back until the mute ends or is taken back; whoever
// was told of it hears that it is over.
func TestMute(t *testing.T) {
	d := driven(t, "route: {receiver: duty, group_wait: 0s, group_interval: 0s, repeat_interval: 1h}\n")
	d.tree.direct = nil
	until := d.now.Add(3 * time.Hour)
	d.Offer(d.now, inc("a", "credit", 1))
	d.Offer(d.now, inc("b", "fraud", 1))
	d.want("opened", "duty: a.1; duty: b.1")
	d.Offer(d.now, did(inc("a", "credit", 2), schemas.ActionMute, &until))
	d.want("muted", "duty~a.2(mute)").after(2*time.Hour).want("only the other is repeated", "duty: b.1!")
	d.after(time.Hour).want("the mute is over", "duty: a.2; duty: b.1!")
	d.Offer(d.now, did(inc("b", "fraud", 2), schemas.ActionMute, &[]time.Time{d.now.Add(time.Hour)}[0]))
	d.want("muted", "duty~b.2(mute)")
	d.Offer(d.now, over(did(inc("b", "fraud", 3), schemas.ActionMute, &[]time.Time{d.now.Add(time.Hour)}[0])))
	d.want("over", "duty: b.3")
}

// For receivers a false positive is over at once, and whatever becomes of it
// later is not told. Who was not told of it never is.
func TestFalsePositive(t *testing.T) {
	d := driven(t, "route: {receiver: duty, group_wait: 0s, group_interval: 0s, repeat_interval: 1h}\n")
	d.tree.direct = nil
	d.Offer(d.now, inc("a", "credit", 1))
	d.want("opened", "duty: a.1")
	wrong := did(inc("a", "credit", 2), schemas.ActionFalsePositive, nil)
	d.Offer(d.now, wrong)
	d.want("over for the receiver", "duty: a.2")
	wrong.Revision = 3
	d.Offer(d.now, wrong)
	wrong.Revision = 4
	d.Offer(d.now, over(wrong))
	d.Offer(d.now, did(inc("b", "fraud", 1), schemas.ActionFalsePositive, nil))
	d.after(5*time.Hour).want("nothing more", "")
}

// Somebody marks an incident while alerting is down: it is told that it is over
// with the revision that says so, and not again after a further restart.
func TestFalsePositiveOverARestart(t *testing.T) {
	const cfg = "route: {receiver: duty, group_wait: 0s, group_interval: 0s, repeat_interval: 1h}\n"
	d := driven(t, cfg)
	d.tree.direct = nil
	ago := d.now.Add(-time.Minute)
	d.Restore(d.now, did(inc("a", "credit", 1), schemas.ActionFalsePositive, nil), []Standing{{Receiver: "duty", Queued: 1, Settled: 1, Told: 1, QueuedSince: ago, LastToldAt: ago}})
	d.want("nothing yet", "")
	d.Offer(d.now, did(inc("a", "credit", 2), schemas.ActionFalsePositive, nil))
	d.want("over", "duty: a.2")
	d = driven(t, cfg)
	d.tree.direct = nil
	d.Restore(d.now, did(inc("a", "credit", 2), schemas.ActionFalsePositive, nil), []Standing{{Receiver: "duty", Queued: 2, Settled: 2, Told: 2, Over: 2, QueuedSince: ago, LastToldAt: ago}})
	d.Offer(d.now, did(inc("a", "credit", 3), schemas.ActionFalsePositive, nil))
	d.after(5*time.Hour).want("nothing again", "")
}

// A restart goes on with what was queued and not settled, reminds when it is
// time, and does not tell again what was told.
func TestRestore(t *testing.T) {
	d := driven(t, "route: {receiver: team, group_by: [model], group_wait: 30s, group_interval: 0s, repeat_interval: 4h}\n")
	d.tree.direct = nil
	ago := d.now.Add(-3 * time.Hour)
	d.Restore(d.now, inc("told", "credit", 2), []Standing{{"team", 2, 2, 2, 0, ago, ago}})
	d.Restore(d.now, inc("behind", "fraud", 3), []Standing{{"team", 3, 1, 1, 0, ago, ago}, {"gone", 1, 0, 0, 0, ago, ago}})
	d.Restore(d.now, over(inc("over", "vision", 2)), []Standing{{"team", 2, 1, 1, 0, ago, ago}})
	d.Restore(d.now, inc("quiet", "ranking", 1), nil)
	equal(t, "waiting", d.Waiting(), 2)
	d.want("what is behind", "team: behind.3; team: over.2")
	d.Offer(d.now, inc("told", "credit", 2)) // read from the topic again
	d.Offer(d.now, inc("behind", "fraud", 3))
	d.after(30*time.Second).want("nothing twice", "")
	d.after(time.Hour).want("the reminder", "team: told.2!")
}

// Laws over random histories: revisions rise for every receiver, nothing is
// told before a group's time, and the last revision of every incident reaches
// everybody who was told of one before, and everybody whom it was routed to
// when nothing keeps it back.
func TestRouterLaws(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		d := driven(t, `
time_intervals: [{name: late, time_intervals: [{times: [{start_time: "14:00", end_time: "15:00"}]}]}]
route:
  receiver: team
  group_by: [tenant]
  repeat_interval: 1h
  routes:
    - {matchers: ['severity="critical"'], receiver: duty, group_wait: 0s, continue: true}
    - {matchers: ['model=~"m[0-2]"'], group_by: [model], mute_time_intervals: [late], receiver: mail, group_interval: 1m}
`)
		revisions, closed := map[string]uint64{}, map[string]bool{}
		told := map[string]uint64{}
		var busy []Flush
		settle := func(i int) {
			f := busy[i]
			busy = append(busy[:i], busy[i+1:]...)
			var outcomes []Outcome
			ok := rng.IntN(3) > 0
			for _, x := range f.Incidents {
				outcomes = append(outcomes, Outcome{x.ID, x.Revision, ok, false})
				if ok {
					told[f.Receiver+" "+x.ID] = x.Revision
				}
			}
			d.Settled(d.now, f, outcomes)
		}
		look := func() {
			flushes, _ := d.Due(d.now)
			for _, f := range flushes {
				for _, x := range f.Incidents {
					before := told[f.Receiver+" "+x.ID]
					if x.Revision < before || x.Revision == before && !x.Again {
						t.Fatalf("seed %d: %s hears of revision %d of %s after %d", seed, f.Receiver, x.Revision, x.ID, before)
					}
				}
				for _, b := range busy {
					if b.id == f.id {
						t.Fatalf("seed %d: two flushes of a group at a time", seed)
					}
				}
			}
			busy = append(busy, flushes...)
		}
		for range 200 {
			d.after(time.Duration(rng.IntN(120)) * time.Second)
			if id := fmt.Sprint("i", rng.IntN(12)); rng.IntN(2) == 0 && !closed[id] {
				revisions[id]++
				x := inc(id, "m"+id[1:], revisions[id])
				if rng.IntN(4) == 0 {
					x.Severity = schemas.SeverityCritical
				}
				if rng.IntN(5) == 0 {
					x, closed[id] = over(x), true
				}
				d.Offer(d.now, x)
			}
			look()
			for len(busy) > 0 && rng.IntN(3) > 0 {
				settle(rng.IntN(len(busy)))
			}
		}
		for id := range revisions {
			if !closed[id] {
				revisions[id]++
				d.Offer(d.now, over(inc(id, "m"+id[1:], revisions[id])))
			}
		}
		for range 100 { // until the longest pause is over several times
			d.after(30 * time.Minute)
			look()
			for len(busy) > 0 {
				settle(0)
			}
		}
		if d.Waiting() > 0 || len(d.incidents) > 0 || len(d.groups) > 0 {
			t.Fatalf("seed %d: %d wait, %d incidents and %d groups are remembered", seed, d.Waiting(), len(d.incidents), len(d.groups))
		}
		for key, n := range told {
			if id := strings.Fields(key)[1]; n != revisions[id] {
				t.Fatalf("seed %d: %s heard of revision %d, the last is %d", seed, key, n, revisions[id])
			}
		}
	}
}

func BenchmarkDueOfAThousandOpenIncidents(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Receivers = []Receiver{{Name: "team", MinSeverity: schemas.SeverityInfo, Slack: &Slack{}}}
	r := NewRouter(cfg)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for i := range 1000 {
		r.Offer(now, caused(inc(fmt.Sprint(i), fmt.Sprint(i%100), 1), fmt.Sprint("gpu/", i%50), 0.9, "a", "b"))
	}
	for b.Loop() {
		r.Due(now)
	}
}
