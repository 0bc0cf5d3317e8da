package rank

import "math"

// Features are what a confidence comes from.
type Features struct {
	Score    float64 `json:"score"`    // evidence left
	Margin   float64 `json:"margin"`   // to the next candidate's
	Coverage float64 `json:"coverage"` // share of the candidates that were observed, 0 to 1
	Share    float64 `json:"share"`    // of the symptom's excess that is the cause's own, or lies on its users beyond their part; 0 unknown
	Event    float64 `json:"event"`    // 1 when an event and an anomaly agree
}

// Weights of a logistic model of the features.
type Weights struct{ Bias, Score, Margin, Coverage, Share, Event float64 }

// Confidence is the probability that the first cause is right.
func (w Weights) Confidence(f Features) float64 {
	x := w.Bias + w.Score*math.Min(f.Score, 8) + w.Margin*math.Min(f.Margin, 4) + w.Coverage*f.Coverage + w.Share*f.Share + w.Event*f.Event
	return 1 / (1 + math.Exp(-x))
}

// Fitted are the weights in force. They are fitted on simulated incidents of
// known cause, a sixth of them with a cause that is not observed (internal/causes,
// `driftline eval --causes`), and never on PetShop, which the page on quality
// holds them against.
var Fitted = Weights{Bias: -2, Score: 0.3, Margin: 0.8, Coverage: 0.8, Share: 1.5, Event: 0.8}
