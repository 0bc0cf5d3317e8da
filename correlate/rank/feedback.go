package rank

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// Judged is a diagnosis that somebody judged.
type Judged struct {
	Confidence float64 // of its first cause, before any Learn
	Right      bool
}

// doubt is the prior deviation of Offset: one unit of log-odds moves 0.5 to
// 0.73. A few judgements move little, fifty decide.
const doubt = 1.

// farthest that judgements move the log-odds.
const farthest = 3

// Offset is by how much the log-odds of confidences are to be moved so that
// they agree with judgements: the most probable one given a normal prior around
// no move (logistic regression of the outcome with the told log-odds as offset,
// by Newton's method). No judgements give 0.
func Offset(all []Judged) (b float64) {
	for range 25 {
		gradient, curvature := -b/(doubt*doubt), 1/(doubt*doubt)
		for _, j := range all {
			p := Shift(j.Confidence, b)
			if j.Right {
				gradient += 1 - p
			} else {
				gradient -= p
			}
			curvature += p * (1 - p)
		}
		b = max(-farthest, min(farthest, b+gradient/curvature))
	}
	return b
}

// Shift a confidence by an offset of its log-odds.
func Shift(confidence, offset float64) float64 {
	const edge = 1e-6
	c := max(edge, min(1-edge, confidence))
	return 1 / (1 + math.Exp(-math.Log(c/(1-c))-offset))
}

// Learn moves the confidences of a diagnosis by an offset. An offset of 0
// changes nothing.
func Learn(d *schemas.Diagnosis, offset float64) {
	if offset == 0 {
		return
	}
	d.Learnt = offset
	for i := range d.Causes {
		d.Causes[i].Confidence = round(Shift(d.Causes[i].Confidence, offset))
	}
}
