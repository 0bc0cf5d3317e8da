package silent

import (
	"slices"
	"time"
)

// truncated judges runs that put out less than they took in.
var truncatedRule = Rule{
	Name: "truncated", Title: "truncated batches", Unit: "share of runs", Needs: []Input{Jobs},
	Doc:    "Successful runs put out a smaller part of their items than runs of the job do, or stop at one and the same number of items.",
	Use:    "Jobs that report items_in and items_out. A job that filters is held against its own usual share.",
	Blind:  "A loss below margin; a source that truncates before items_in is counted.",
	Source: "items out over items in, below the 5th percentile of earlier runs by margin",
	Params: append(outcomeParams(0.2, 1), Param{"margin", 0.05, 0, 1, "share of items", "below the usual share of items"}),
	Job:    truncated,
}

func truncated(j *Job, c Clock, p Params) []Finding {
	from := c.Now.Add(-p.duration("within"))
	var usual []float64
	for i := range j.Runs {
		if r := &j.Runs[i]; r.succeeded() && r.ItemsIn > 0 && !r.Ended.After(from) {
			usual = append(usual, completeness(r))
		}
	}
	slices.Sort(usual)
	least := quantile(usual, .05) - p["margin"]
	limit := itemLimit(j, from)
	counted := Job{Runs: slices.DeleteFunc(slices.Clone(j.Runs), func(r Run) bool { return r.ItemsIn == 0 })}
	if len(counted.Runs) == 0 {
		return []Finding{noData("no run of the job says how many items it took in")}
	}
	cut := func(r *Run) bool {
		return completeness(r) < least || limit > 0 && r.ItemsOut == limit && r.ItemsIn > limit
	}
	return []Finding{outcomesOf(&counted, c, p.duration("within"), cut).risen(p, "put out less than they should")}
}

func completeness(r *Run) float64 { return float64(r.ItemsOut) / float64(r.ItemsIn) }

// itemLimit is the number of items at which three or more late runs stop that
// took in more, while no earlier one had it; 0 for none.
func itemLimit(j *Job, from time.Time) uint64 {
	late, earlier := map[uint64]int{}, map[uint64]bool{}
	for i := range j.Runs {
		switch r := &j.Runs[i]; {
		case !r.succeeded() || r.ItemsOut == 0:
		case !r.Ended.After(from):
			earlier[r.ItemsOut] = true
		case r.ItemsIn > r.ItemsOut:
			late[r.ItemsOut]++
		}
	}
	limit := uint64(0)
	for items, runs := range late {
		if runs >= 3 && !earlier[items] {
			limit = max(limit, items)
		}
	}
	return limit
}
