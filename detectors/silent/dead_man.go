package silent

import "time"

// deadMan judges how long ago a job last succeeded.
var deadManRule = Rule{
	Name: "dead_man", Title: "no success for too long", Unit: "seconds since the last success", Needs: []Input{Jobs},
	Doc:    "A job that succeeds again and again has not for longer than it ever does: it is not scheduled, hangs, or fails every time.",
	Use:    "Every job that is repeated, by a schedule or by demand.",
	Blind:  "Jobs that run less than min_runs times in the lookback; pauses that are meant, such as weekends that the lookback has not seen.",
	Source: "dead-man switch: largest of 3 times the median gap, 1.5 times its 99th percentile, 8 standard deviations above its mean, min_silence",
	Params: append([]Param{
		{"min_silence", 300, 1, 30 * 86400, "seconds", "a shorter silence never alarms"}, leastRuns,
	}, silenceParams...),
	Job: deadMan,
}

func deadMan(j *Job, c Clock, p Params) []Finding {
	if len(j.Runs) == 0 {
		return []Finding{noData("no run of the job was seen")}
	}
	var ends []time.Time
	var last time.Time
	for i := range j.Runs {
		if r := &j.Runs[i]; r.succeeded() {
			ends = append(ends, r.Ended)
			if r.Ended.After(last) {
				last = r.Ended
			}
		}
	}
	n := uint64(len(ends))
	if n < p.count("min_runs") {
		return []Finding{insufficient(n, n, "%d successful runs are too few to know how often there should be one, %d are needed", n, p.count("min_runs"))}
	}
	limit, _ := silenceLimit(ends, p, p.duration("min_silence"))
	silence := c.since(last)
	return []Finding{overdue(silence, limit, n, n).says(
		"the last success was %s ago, up to %s is usual (%d successes)", long(silence), long(limit), n).from(last)}
}
