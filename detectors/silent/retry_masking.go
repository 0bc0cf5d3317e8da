package silent

// retryMasking judges how many successes took more than one attempt.
var retryMaskingRule = Rule{
	Name: "retry_masking", Title: "failures hidden by retries", Unit: "share of runs", Needs: []Input{Jobs},
	Doc:    "Runs succeed, but more of them only at a second or later attempt: what fails is paid for in time and money, and nobody is told.",
	Use:    "Jobs that number their attempts, from 1.",
	Blind:  "Retries inside of an attempt; a cache or a fallback model that answers instead.",
	Source: "share of successes that were retried against the earlier share, beta-binomial chance",
	Params: outcomeParams(0.2, 0),
	Job: func(j *Job, c Clock, p Params) []Finding {
		numbered := false
		for i := range j.Runs {
			numbered = numbered || j.Runs[i].Attempts > 0
		}
		if !numbered {
			return []Finding{noData("no run of the job numbers its attempts")}
		}
		retried := func(r *Run) bool { return r.Attempts > 1 }
		return []Finding{outcomesOf(j, c, p.duration("within"), retried).risen(p, "needed more than one attempt")}
	},
}
