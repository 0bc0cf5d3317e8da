package rank

import (
	"slices"
	"strings"

	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// Effect is what a symptom is, as far as mechanisms go.
type Effect string

// The effects.
const (
	Latency     Effect = "latency"     // answers take longer
	Errors      Effect = "errors"      // answers or runs fail, or are empty
	Throughput  Effect = "throughput"  // fewer answers than there should be
	Silence     Effect = "silence"     // nothing comes any more
	Inputs      Effect = "inputs"      // features are other than they were
	Outputs     Effect = "outputs"     // answers are other than they were, inputs are not
	Performance Effect = "performance" // answers are worse, inputs are not other
)

// silentEffects say what a rule over silent failures sees.
var silentEffects = map[string]Effect{
	"dead_man": Silence, "heartbeat": Silence, "zombie": Silence, "stale_model": Silence, "stale_source": Silence,
	"telemetry_vanished": Silence, "label_feed": Silence, "label_join": Silence, "clock_ahead": Silence, "monitor_blind": Silence,
	"lost_runs": Errors, "empty_success": Errors, "truncated": Errors, "retry_masking": Errors, "duplicates": Errors,
	"throughput": Throughput, "stuck_lag": Throughput,
	"stale_feature": Inputs, "frozen_feature": Inputs, "null_rate": Inputs, "unit_shift": Inputs, "schema_drift": Inputs,
	"output_collapse": Outputs, "version_skew": Outputs, "gpu_outlier": Outputs,
}

// effectOf a signal.
func effectOf(s *schemas.Signal) Effect {
	if s.Silent() {
		if e, known := silentEffects[strings.TrimPrefix(s.Detector, schemas.SilentPrefix)]; known {
			return e
		}
		return Errors
	}
	switch s.Feature {
	case schemas.FeatureLatency:
		return Latency
	case schemas.FeaturePrediction, schemas.FeatureScore:
		return Outputs
	case "":
		return Performance
	default:
		return Inputs
	}
}

// EffectsOf what is wrong with a model. Where its inputs are, other outputs
// and worse performance follow from that and are no effects of their own.
func EffectsOf(signals []schemas.Signal) []Effect {
	var out []Effect
	for i := range signals {
		if e := effectOf(&signals[i]); !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	if slices.Contains(out, Inputs) {
		out = slices.DeleteFunc(out, func(e Effect) bool { return e == Outputs || e == Performance })
	}
	slices.Sort(out)
	return out
}

// EffectOf a change of a metric for the worse: the effect that it is itself.
func EffectOf(m *metric.Metric) Effect {
	switch m.Mechanism {
	case metric.Failing, metric.CrashLoop, metric.GPUFault, metric.MemoryErrors, metric.GPULost:
		return Errors
	case metric.Traffic:
		return Throughput
	case metric.StaleInput, metric.BrokenInput, metric.StuckConsumer:
		return Inputs
	case metric.StoppedJob:
		return Silence
	default:
		return Latency
	}
}
