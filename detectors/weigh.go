package detectors

import (
	"fmt"

	"github.com/driftline/driftline/schemas"
)

// calibrationOf a reference, if it was made for windows and verdicts such as
// the plan's.
func (p *Plan) calibrationOf(ref *schemas.Reference) *schemas.Calibration {
	c := ref.Calibration
	if !p.calibrate || c == nil || c.Window != p.Window.String() || c.Alarm != p.k || c.Of != p.of {
		return nil
	}
	return c
}

// weigh replaces the p-value of one window of independent rows by the one that
// the verdict is about: of as many of the last windows as the plan asks for,
// and of rows that depend on each other as those of the reference's history
// do. Dependence only ever makes chance larger: a history that is more even
// than chance, such as a sorted or a thinned one, proves nothing.
func (e *evaluation) weigh(c *computed, s *schemas.Signal) {
	p := e.plan
	c.now = moment{span: e.base.Span(), p: c.p, effect: c.effect}
	if c.null != nil && c.null.Windows > 0 {
		c.now.surprise = surpriseOf(c.null, s.Score, c.rows, s.WindowStart)
	}
	ms := []moment{c.now}
	if p.remembers() {
		past := e.memory.before(s.Series(), e.base.Span(), p.horizon(e.base.Span()))
		c.held = p.hold < 1 && len(past) > 0 && past[0].alarm
		ms = p.last(p.apart(past, e.base.Span()), c.now)
	}
	c.p, c.effect = p.kthP(ms), p.enough(ms)
	if c.null != nil && c.null.Windows > 0 {
		c.p = max(c.p, tailOf(c.null, p.kthSurprise(ms)))
	}
}

// footing ends a reason with what the verdict rests on, where there is more to
// say than that rows are independent.
func footing(p *Plan, c *computed, s *schemas.Signal) (text string) {
	if s.MinimalEffect > s.Threshold {
		text += fmt.Sprintf("; so few rows tell %s and more from chance", number(s.MinimalEffect))
	}
	if c.null != nil && c.null.Windows > 0 {
		text += fmt.Sprintf("; chance as in %s windows of the reference", count(uint64(c.null.Windows)))
		if c.null.Season.Period != "" {
			text += ", by hour of " + c.null.Season.Period
		}
	}
	if p.of > 1 {
		text += fmt.Sprintf("; %d of the last %d windows", p.k, p.of)
	}
	return text
}
