package rank

import (
	"math"
	"time"
)

// The parameters. None was fitted to a case: they are the recommendation of
// the measurements behind this package (docs/adr/0009-ranking-of-causes.md), round numbers, or
// follow from the sampling. What was fitted is in confidence.go.
const (
	tau       = 5.               // deviations from which an anomaly is evidence; about where the largest of an hour's samples of a few thousand healthy series lies
	lambda    = 1.               // share of the evidence further down that is taken off further up
	shows     = 3.               // deviations from which a series is seen to have changed
	told      = 2.               // deviations from which a symptom's own series shows it: somebody has seen it, so that less proof is needed
	search    = time.Hour        // before a symptom was seen, its onset is looked for
	horizon   = time.Hour        // after it was seen, samples are looked at
	lead      = 6 * time.Hour    // before the onset, events are looked at
	fades     = time.Hour        // half-life of the suspicion that a change raises
	skew      = 30 * time.Second // of clocks
	steps     = 2                // samples by which a cause may seem to follow the symptom
	support   = 0.5              // of the smaller of two pieces of evidence for one cause is added to the larger
	sameStat  = 0.9              // of the evidence in another metric than the symptom's own, where both are of one mechanism
	users     = 0.25             // of a cause's evidence is left where none of its users suffers
	surge     = 0.2              // change of traffic, as a share of it, from which it can be a cause
	proved    = 4.               // evidence of what is seen or not, on the scale of log(1 + z)
	nearlyAll = 0.95             // of the symptom's requests are all of them
	relative  = 0.1              // of the best score from which a candidate is listed
	half      = 0.5              // of the best score from which a candidate is a rival and not ruled out
	maxRows   = 8                // of evidence a cause
	maxList   = 12               // causes, and candidates ruled out
)

// suspicious is tau as evidence.
var suspicious = evidence(tau)

// evidence of a number of deviations. It is never capped: capping costs the
// difference between a large cause and its small consequences.
func evidence(z float64) float64 { return math.Log1p(max(z, 0)) }
