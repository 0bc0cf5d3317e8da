package performance

import (
	"fmt"
	"math"
	"strconv"

	"github.com/driftline/driftline/schemas"
)

// Gap is estimated minus realised performance over the same labelled rows.
//
// The two share their inputs: scores, predictions, features. Given those, the
// estimate has no sampling error left but the calibrator's (or the loss
// model's), and realised varies only with the labels. So the gap's variance is
// not the sum of two sampling errors, which would count the inputs' chance
// twice over a correlation near one, but that of the labels given the inputs
// plus that of the fit; it is what Estimated.SE holds.
type Gap struct {
	Metric    string
	Estimated Figure  // SE: standard deviation of realised around it under the null
	Realised  Figure  // SE: as a sample of its own
	Deficit   float64 // how much worse realised is than estimated, in the metric's unit; negative when better
	SE        float64 // standard error of Deficit while P(y|x) is that of the reference
	Optimism  float64 // the part of Deficit that the fit on the reference explains: estimates promise a little too much
	Skew      float64 // skewness of Deficit under the null
	Z         float64 // (Deficit − Optimism) / SE
	PValue    float64 // one-sided: chance of such a deficit without concept drift; 1 when undefined
}

func newGap(metric string, x expectation, realised Figure) Gap {
	g := Gap{
		Metric: metric, Estimated: x.figure(realised.N), Realised: realised, PValue: 1,
		Deficit: math.NaN(), SE: math.NaN(), Optimism: math.NaN(), Skew: math.NaN(), Z: math.NaN(),
	}
	if !g.Estimated.Defined() || !realised.Defined() {
		return g
	}
	better := 1.0 // sign of an improvement
	if m, err := Lookup(metric); err == nil && m.Lower {
		better = -1
	}
	g.Deficit, g.Optimism, g.SE = better*(x.value-realised.Value), better*(x.value-x.cautious), math.Sqrt(x.variance)
	if g.SE > 0 {
		g.Skew = -better * x.third / (g.SE * g.SE * g.SE)
		g.Z = (g.Deficit - g.Optimism) / g.SE
		g.PValue = skewedTail(g.Z, g.Skew)
	}
	return g
}

// Defined tells whether both sides of the gap are.
func (g Gap) Defined() bool { return !math.IsNaN(g.Deficit) }

// Rule says when a gap is an alarm: when it is large enough to matter and too
// large for chance, on enough rows.
type Rule struct {
	Effect    float64 // smallest deficit that counts, in the metric's unit; 0 means the metric's default
	Level     float64 // significance; default 0.05
	MinRows   int     // labelled rows; fewer give insufficient. Default 100
	Questions int     // gaps judged together: p-values are multiplied by it (Bonferroni, valid however they depend). 0 means 1
	BothSides bool    // a model that does better than estimated alarms too: P(y|x) changed all the same
}

// EffectOf a metric: the rule's or the metric's own.
func (r Rule) EffectOf(metric string) float64 {
	if r.Effect != 0 {
		return r.Effect
	}
	m, _ := Lookup(metric)
	return m.Effect
}

// Verdict on a gap.
type Verdict struct {
	State  schemas.State
	PValue float64 // adjusted for the questions asked and for both sides
	Reason string  // one sentence
}

// Judge a gap.
func (r Rule) Judge(g Gap) Verdict {
	m, _ := Lookup(g.Metric)
	effect, level, least := r.EffectOf(g.Metric), r.Level, r.MinRows
	if level == 0 {
		level = 0.05
	}
	if least == 0 {
		least = 100
	}
	n := g.Realised.N
	switch {
	case n == 0:
		return Verdict{schemas.StateNoData, 1, m.Title + " has no data: no label is known"}
	case n < least:
		return Verdict{schemas.StateInsufficient, 1, fmt.Sprintf("%s needs %d labelled rows, the window has %d", m.Title, least, n)}
	case !g.Defined() || math.IsNaN(g.Z):
		return Verdict{schemas.StateNoData, 1, m.Title + " cannot be computed or estimated from these rows"}
	}
	p, deficit := g.PValue, g.Deficit
	if r.BothSides {
		p, deficit = 2*min(p, skewedTail(-g.Z, -g.Skew)), math.Abs(deficit)
	}
	v := Verdict{State: schemas.StateOK, PValue: min(1, p*float64(max(1, r.Questions)))}
	if deficit >= effect && v.PValue <= level {
		v.State = schemas.StateAlarm
	}
	v.Reason = reason(m, g, v.PValue, effect, level)
	return v
}

func reason(m Metric, g Gap, p, effect, level float64) string {
	sign, what := "<", ""
	if math.Abs(g.Deficit) >= effect {
		sign = "≥"
	}
	switch {
	case sign == "<":
	case p > level && g.Deficit > 0:
		what = ", not significant at " + short(level)
	case g.Deficit < 0:
		what = ": better than estimated"
	default:
		what = ": labels are not what the reference promises"
	}
	return fmt.Sprintf("%s %s realised, %s estimated: apart %s %s %s (± %s, n=%d), p=%s%s", m.Title,
		short(g.Realised.Value), short(g.Estimated.Value), short(math.Abs(g.Deficit)), sign, short(effect), short(g.SE), g.Realised.N, short(p), what)
}

// skewedTail is P(Z ≥ z) of a standardised sum: normal, with the first term of
// Edgeworth's series where that makes the tail heavier. (Where it makes it
// lighter the normal tail stays, which errs to the safe side.) By erfc, which
// keeps digits far out, where 1−erf is 0.
func skewedTail(z, skew float64) float64 {
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	return min(1, math.Erfc(z/math.Sqrt2)/2+max(0, skew*(z*z-1)/6*density))
}

// short shows three significant digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
