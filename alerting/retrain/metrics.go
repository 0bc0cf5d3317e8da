package retrain

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

// runnerMetrics count what happens to retrainings.
type runnerMetrics struct{ set *metrics.Set }

func (m runnerMetrics) rounds(outcome string) *metrics.Counter {
	return m.set.GetOrCreateCounter(fmt.Sprintf(`driftline_retrain_rounds_total{outcome=%q}`, outcome))
}

func (m runnerMetrics) decisions(d Decision) *metrics.Counter {
	return m.set.GetOrCreateCounter(fmt.Sprintf(`driftline_retrain_decisions_total{decision=%q,reason=%q}`, d.word(), d.Reason))
}

func (m runnerMetrics) steps(s schemas.RetrainingState) *metrics.Counter {
	return m.set.GetOrCreateCounter(fmt.Sprintf(`driftline_retrain_steps_total{state=%q}`, s))
}

func (m runnerMetrics) requests(target, outcome string) *metrics.Counter {
	return m.set.GetOrCreateCounter(fmt.Sprintf(`driftline_retrain_requests_total{target=%q,outcome=%q}`, target, outcome))
}

func (m runnerMetrics) callbacks(outcome string) *metrics.Counter {
	return m.set.GetOrCreateCounter(fmt.Sprintf(`driftline_retrain_callbacks_total{outcome=%q}`, outcome))
}

func (m runnerMetrics) exportedRows() *metrics.Counter {
	return m.set.GetOrCreateCounter("driftline_retrain_dataset_rows_total")
}

func (m runnerMetrics) exportSeconds() *metrics.Histogram {
	return m.set.GetOrCreateHistogram("driftline_retrain_dataset_seconds")
}

func (m runnerMetrics) inFlight() *metrics.Gauge {
	return m.set.GetOrCreateGauge("driftline_retrain_in_flight", nil)
}
