package silent

import "time"

// heartbeat judges the silence of runs that are under way.
var heartbeatRule = Rule{
	Name: "heartbeat", Title: "missing heartbeat", Unit: "seconds without a sign of life", Needs: []Input{Jobs},
	Doc:    "A run that sends heartbeats and has not ended is silent for longer than the job's runs ever are.",
	Use:    "Jobs that beat while they work. Send the beat after a piece of work, not from a timer beside it.",
	Blind:  "A beat from a timer goes on while the work hangs (see zombie); a job that never beats gives no_data (see dead_man).",
	Source: "dead-man timer: largest of 3 times the median gap, 1.5 times its 99th percentile, 8 standard deviations above its mean, min_silence",
	Params: append([]Param{
		{"min_silence", 60, 1, week, "seconds", "a shorter silence never alarms"},
		{"min_beats", 10, 2, 1e6, "heartbeats", "fewer to learn from give insufficient"},
		{"forget", 86400, 60, 30 * 86400, "seconds", "a run that is silent for longer is given up: zombie has told of it"},
	}, silenceParams...),
	Job: heartbeat,
}

func heartbeat(j *Job, c Clock, p Params) []Finding {
	var beats, open uint64
	var gaps []time.Duration
	var worst *Run
	for i := range j.Runs {
		r := &j.Runs[i]
		beats += r.Beats
		if r.Beats > 1 {
			gaps = append(gaps, r.Gap, r.MaxGap)
		}
		if r.done() || r.Beats == 0 || c.since(r.Last) > p.duration("forget") {
			continue
		}
		open++
		if worst == nil || r.Last.Before(worst.Last) || r.Last.Equal(worst.Last) && r.ID < worst.ID {
			worst = r
		}
	}
	switch {
	case beats == 0:
		return []Finding{noData("no run of the job has sent a heartbeat")}
	case beats < p.count("min_beats") || len(gaps) == 0:
		return []Finding{insufficient(open, beats, "%d heartbeats are too few to know the usual gap, %d are needed", beats, p.count("min_beats"))}
	}
	limit := gapLimit(gaps, p, p.duration("min_silence"))
	if worst == nil {
		return []Finding{overdue(0, limit, 0, beats).says("no run is under way that should beat")}
	}
	silence := c.since(worst.Last)
	return []Finding{overdue(silence, limit, open, beats).says(
		"run %s has sent nothing for %s, up to %s is usual (%d beats)", worst.ID, long(silence), long(limit), beats).from(worst.Last)}
}
