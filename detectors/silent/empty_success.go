package silent

// emptySuccess judges runs that succeed and give nothing.
var emptySuccessRule = Rule{
	Name: "empty_success", Title: "success without a result", Unit: "share of runs", Needs: []Input{Jobs},
	Doc:    "Successful runs that put out no items and no bytes become more frequent than they were.",
	Use:    "Jobs that report items_out or bytes_out. One that never reports either is always empty, and ok.",
	Blind:  "Results that are there and wrong; a job that was empty from the first run on.",
	Source: "share above the 95 % Wilson bound of the earlier share, and its beta-binomial chance",
	Params: outcomeParams(0.05, 1),
	Job: func(j *Job, c Clock, p Params) []Finding {
		empty := func(r *Run) bool { return r.ItemsOut == 0 && r.BytesOut == 0 }
		return []Finding{outcomesOf(j, c, p.duration("within"), empty).risen(p, "gave nothing")}
	},
}
