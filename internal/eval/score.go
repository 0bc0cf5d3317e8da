package eval

// Change is a true change of a stream: rows [Start, End] in which the old
// concept gives way to the new; both are the same where it is abrupt.
type Change struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Score is how a detector did on a stream, over all its runs. An alarm counts
// for a change from its start until the stream's tolerance after its end: the
// first one there has found it, further ones repeat it, and all others are
// false. Figures that do not exist are nil.
type Score struct {
	Alarms   int `json:"alarms"`
	Changes  int `json:"changes"`
	Found    int `json:"found"`
	Repeated int `json:"repeated"`
	False    int `json:"false"`

	MTD     *float64 `json:"mtd"`        // mean rows from a change's start to the alarm that found it
	MTFA    *float64 `json:"mtfa"`       // rows outside the tolerances per false alarm; with none, all of them
	AtLeast bool     `json:"mtfa_bound"` // there was no false alarm: MTFA and MTR are lower bounds
	MDR     *float64 `json:"mdr"`        // share of changes that were missed
	MTR     *float64 `json:"mtr"`        // MTFA/MTD·(1−MDR)
}

// tally gathers a score over runs.
type tally struct {
	score Score
	delay int // sum over changes found
	quiet int // rows outside the tolerances
}

// add counts the alarms, ascending, of one run of n rows.
func (t *tally) add(n int, changes []Change, tolerance int, alarms []int) {
	found := make([]bool, len(changes))
	for _, at := range alarms {
		c := covering(changes, tolerance, at)
		switch {
		case c < 0:
			t.score.False++
		case found[c]:
			t.score.Repeated++
		default:
			found[c] = true
			t.score.Found++
			t.delay += at - changes[c].Start
		}
	}
	t.score.Alarms += len(alarms)
	t.score.Changes += len(changes)
	t.quiet += n
	for i := range changes {
		from, to := interval(changes, tolerance, i)
		t.quiet -= min(to, n) - min(from, n)
	}
}

// interval is the rows [from, to) in which alarms count for change i; it ends
// where the next change begins.
func interval(changes []Change, tolerance, i int) (from, to int) {
	from, to = changes[i].Start, changes[i].End+tolerance+1
	if i+1 < len(changes) {
		to = min(to, changes[i+1].Start)
	}
	return from, to
}

// covering is the change that an alarm counts for, -1 if none.
func covering(changes []Change, tolerance, at int) int {
	for i := range changes {
		if from, to := interval(changes, tolerance, i); at >= from && at < to {
			return i
		}
	}
	return -1
}

// result fills in the means.
func (t *tally) result() Score {
	s := t.score
	if s.Found > 0 {
		s.MTD = new(float64(t.delay) / float64(s.Found))
	}
	if t.quiet > 0 {
		s.MTFA, s.AtLeast = new(float64(t.quiet)/float64(max(1, s.False))), s.False == 0
	}
	if s.Changes > 0 {
		s.MDR = new(1 - float64(s.Found)/float64(s.Changes))
	}
	if s.MTD != nil && s.MTFA != nil {
		// An alarm on the very row of the change is one row of delay, not an endless ratio.
		s.MTR = new(*s.MTFA / max(1, *s.MTD) * (1 - *s.MDR))
	}
	return s
}
