package correlate

import (
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// severities, rising.
var severities = []schemas.Severity{schemas.SeverityInfo, schemas.SeverityWarning, schemas.SeverityError, schemas.SeverityCritical}

// severity of an incident by what it affects:
//
//	warning   some features
//	error     the model's output (_prediction, _score or the model as a whole),
//	          or a wide share of its features (at least two of them)
//	critical  both
//
// It never falls while an incident is open; it may rise.
func severity(features []string, inputs int, cfg Config) schemas.Severity {
	affected, output := 0, false
	for _, f := range features {
		if isInput(f) {
			affected++
		}
		output = output || isOutput(f)
	}
	wide := affected >= 2 && inputs > 0 && float64(affected) >= cfg.WideShare*float64(inputs)
	switch {
	case output && wide:
		return schemas.SeverityCritical
	case output || wide:
		return schemas.SeverityError
	default:
		return schemas.SeverityWarning
	}
}

func worse(a, b schemas.Severity) schemas.Severity {
	return severities[max(slices.Index(severities, a), slices.Index(severities, b))]
}

// isOutput tells whether a feature is what the model answers; the empty name
// is the model as a whole.
func isOutput(f string) bool {
	return f == schemas.FeaturePrediction || f == schemas.FeatureScore || f == ""
}

// isInput tells whether a feature is one that the model is given; "" is the model
// as a whole.
func isInput(f string) bool { return f != "" && !isOutput(f) && f != schemas.FeatureLatency }

// weight orders alarms: their strength times the importance of their feature.
func weight(s *schemas.Signal) float64 {
	return min(strength(s)*s.Weight(), math.MaxFloat64)
}

// strength makes alarms of different detectors comparable: how many times the
// smallest effect that counts. Without a threshold it is the score itself. It
// is finite, so that incidents can always be stored.
func strength(s *schemas.Signal) float64 {
	v := math.Abs(s.Score)
	if s.Threshold > 0 {
		v = s.Score / s.Threshold
	}
	if math.IsNaN(v) {
		return 0
	}
	return min(v, math.MaxFloat64)
}
