package silent

import (
	"slices"
	"time"
)

// zombie judges the age of runs that have not ended.
var zombieRule = Rule{
	Name: "zombie", Title: "run that never ends", Unit: "seconds since the start", Needs: []Input{Jobs},
	Doc:    "A run is under way for much longer than runs of the job take, whether it beats or not.",
	Use:    "Every job. With few finished runs only max_age counts, and only for runs that are silent too.",
	Blind:  "A slow run looks the same as a stuck one until it ends; runs whose start is older than the lookback.",
	Source: "age above 3 times the 99.9th percentile of durations and 10 minutes; on one trace 30 of 33 unfinished rows were at least 41 h old where 99 % end in 106 s",
	Params: []Param{
		{"factor", 3, 1, 1000, "times", "of the 99.9th percentile of the durations of finished runs"},
		{"min_age", 600, 1, week, "seconds", "younger runs never alarm"},
		{"max_age", 86400, 60, 30 * 86400, "seconds", "without enough finished runs: a run that has neither ended nor given a sign of life for so long alarms"},
		{"min_runs", 20, 2, 1e6, "runs", "finished runs that durations are learned from"},
	},
	Job: zombie,
}

func zombie(j *Job, c Clock, p Params) []Finding {
	if len(j.Runs) == 0 {
		return []Finding{noData("no run of the job was seen")}
	}
	limit, done := durationLimit(j, p)
	learned := done >= p.count("min_runs")
	var open uint64
	var oldest, silent *Run
	for i := range j.Runs {
		r := &j.Runs[i]
		if r.done() {
			continue
		}
		open++
		oldest, silent = older(oldest, r, begun), older(silent, r, lastOf)
	}
	switch {
	case open == 0:
		return []Finding{overdue(0, limit, 0, done).says("no run is under way, %d have ended", done)}
	case learned:
		age := c.since(begun(oldest))
		return []Finding{overdue(age, limit, open, done).says(
			"run %s is under way for %s, up to %s is usual (%d finished runs)", oldest.ID, long(age), long(limit), done).from(begun(oldest))}
	}
	limit = p.duration("max_age")
	if age := c.since(lastOf(silent)); age > limit {
		return []Finding{overdue(age, limit, open, done).says(
			"run %s has neither ended nor given a sign of life for %s, more than %s", silent.ID, long(age), long(limit)).from(begun(silent))}
	}
	return []Finding{insufficient(open, done, "%d finished runs are too few to know how long they take, %d are needed", done, p.count("min_runs"))}
}

// durationLimit is the age that no run reaches, and the number of finished runs
// that it is learned from.
func durationLimit(j *Job, p Params) (time.Duration, uint64) {
	var took []time.Duration
	for i := range j.Runs {
		if r := &j.Runs[i]; r.done() && r.HasStart {
			took = append(took, r.Ended.Sub(r.Started))
		}
	}
	slices.Sort(took)
	limit := time.Duration(p["factor"] * float64(quantile(took, .999)))
	return max(limit, p.duration("min_age")), uint64(len(took))
}

// older is the run whose time is earlier, the first by id of equals.
func older(a, b *Run, at func(*Run) time.Time) *Run {
	if a == nil || at(b).Before(at(a)) || at(b).Equal(at(a)) && b.ID < a.ID {
		return b
	}
	return a
}

// begun is the start of a run, or the first that is known of it.
func begun(r *Run) time.Time {
	if r.Started.IsZero() {
		return r.Last
	}
	return r.Started
}

func lastOf(r *Run) time.Time { return r.Last }
