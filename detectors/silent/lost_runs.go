package silent

import "time"

// lostRuns holds what was started against what ended and what is under way.
var lostRunsRule = Rule{
	Name: "lost_runs", Title: "runs that are unaccounted for", Unit: "runs", Needs: []Input{Jobs},
	Doc:    "Started − ended − in flight is not zero over a closed time: runs vanished without an end, or ended without a start.",
	Use:    "Every job whose runs say that they start and that they end. The strongest rule: it needs no rate and no season.",
	Blind:  "Runs that neither started nor ended on record; which runs are in flight is judged by signs of life, or by age where a job sends none.",
	Source: "conservation: what went in is out or inside",
	Params: []Param{
		{"max_lost", 1, 1, 1e6, "runs", "from so many on"},
		{"window", 86400, 600, week, "seconds", "runs that started in this time are counted"},
		{"alive", 600, 10, week, "seconds", "a run with a sign of life so lately is in flight; more where the job's own gaps are longer"},
		{"factor", 3, 1, 1000, "times", "of the 99.9th percentile of durations: up to this age a run without heartbeats is in flight"},
		{"min_age", 600, 1, week, "seconds", "the same, at least"},
		{"max_age", 86400, 60, 30 * 86400, "seconds", "the same, for jobs of which too few runs have ended"},
		{"min_runs", 10, 1, 1e6, "runs", "fewer that started in the window give insufficient"},
	},
	Job: lostRuns,
}

func lostRuns(j *Job, c Clock, p Params) []Finding {
	if len(j.Runs) == 0 {
		return []Finding{noData("no run of the job was seen")}
	}
	limit, done := durationLimit(j, p)
	if done < p.count("min_runs") {
		limit = p.duration("max_age")
	}
	alive := p.duration("alive")
	starts := false
	for i := range j.Runs {
		alive = max(alive, 3*j.Runs[i].Gap)
		starts = starts || j.Runs[i].HasStart
	}
	from := c.Now.Add(-p.duration("window"))
	var started, ended, inFlight, strays uint64
	var since time.Time
	for i := range j.Runs {
		r := &j.Runs[i]
		switch {
		case begun(r).Before(from) || begun(r).After(c.Now):
		case !r.HasStart:
			if starts && r.done() && !r.Truncated {
				strays++
			}
		case r.done():
			started, ended = started+1, ended+1
		case r.Beats > 0 && c.since(r.Last) <= alive, r.Beats == 0 && c.since(r.Last) <= limit:
			started, inFlight = started+1, inFlight+1
		default:
			started++
			if since.IsZero() || r.Last.Before(since) {
				since = r.Last
			}
		}
	}
	if started < p.count("min_runs") {
		return []Finding{insufficient(started, 0, "%d runs started in the last %s, %d are needed", started, long(p.duration("window")), p.count("min_runs"))}
	}
	lost := started - ended - inFlight
	f := effect(float64(lost+strays), p["max_lost"], 1, 1, started, ended)
	return []Finding{f.says("%d started − %d ended − %d in flight = %d, and %d ended without a start",
		started, ended, inFlight, lost, strays).from(since)}
}
