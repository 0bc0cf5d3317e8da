package silent

import "time"

// outcomes are how many of the successful runs of a job have a property: those
// that ended lately, and all earlier ones.
type outcomes struct {
	n, k, n0, k0 uint64
	since        time.Time // end of the first late one that has it
}

func outcomesOf(j *Job, c Clock, within time.Duration, has func(*Run) bool) (o outcomes) {
	from := c.Now.Add(-within)
	for i := range j.Runs {
		r := &j.Runs[i]
		switch late, yes := r.Ended.After(from), has(r); {
		case !r.succeeded():
		case late && yes:
			o.n, o.k = o.n+1, o.k+1
			if o.since.IsZero() || r.Ended.Before(o.since) {
				o.since = r.Ended
			}
		case late:
			o.n++
		case yes:
			o.n0, o.k0 = o.n0+1, o.k0+1
		default:
			o.n0++
		}
	}
	return o
}

// risen judges whether the property is more frequent than it was: by the
// threshold on the difference of shares, and by the chance of so many. Where
// enough earlier runs never had it, the first one counts.
func (o outcomes) risen(p Params, what string) Finding {
	switch {
	case o.n+o.n0 == 0:
		return noData("no run of the job has succeeded")
	case o.n == 0:
		return noData("no run has succeeded in the last %s", long(p.duration("within")))
	case o.n0 < p.count("min_runs"):
		return insufficient(o.n, o.n0, "%d earlier runs are too few to compare with, %d are needed", o.n0, p.count("min_runs"))
	}
	chance, level := risen(o.k, o.n, o.k0, o.n0), p["p_value"]
	if o.k0 == 0 && p["first_counts"] > 0 {
		level = 1
	}
	_, bound := wilson(o.k0, o.n0, 1.96)
	delta := share(o.k, o.n) - share(o.k0, o.n0)
	if level < 1 && share(o.k, o.n) <= bound {
		level = 0
	}
	f := effect(delta, p["min_rise"], chance, level, o.n, o.n0)
	return f.says("%d of %d successful runs %s (%s), before it was %d of %d (%s)",
		o.k, o.n, what, percent(share(o.k, o.n)), o.k0, o.n0, percent(share(o.k0, o.n0))).from(o.since)
}

// outcomeParams are those of rules over runs.
func outcomeParams(rise, first float64) []Param {
	return []Param{
		{"min_rise", rise, 0.001, 1, "share of runs", "smallest rise of the share that counts"},
		{"p_value", 1e-4, 0, 0.05, "probability", "chance of such a finding when nothing changed, at or below which it counts"},
		{"first_counts", first, 0, 1, "0 or 1", "1: where no earlier run was so, one is enough, whatever its chance"},
		leastRuns, runsWithin,
	}
}
