package alerting

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"
	"github.com/sony/gobreaker/v2"

	"github.com/driftline/driftline/schemas"
)

// receiverMetrics count what happens to one receiver.
type receiverMetrics struct {
	duration *metrics.Histogram
	byStatus map[schemas.NotificationStatus]*metrics.Counter
}

func newReceiverMetrics(set *metrics.Set, name string, state func() gobreaker.State) receiverMetrics {
	m := receiverMetrics{
		duration: set.GetOrCreateHistogram(fmt.Sprintf(`driftline_alerting_attempt_duration_seconds{receiver=%q}`, name)),
		byStatus: map[schemas.NotificationStatus]*metrics.Counter{},
	}
	for _, s := range []schemas.NotificationStatus{schemas.NotificationDelivered, schemas.NotificationFailed, schemas.NotificationDropped} {
		m.byStatus[s] = set.GetOrCreateCounter(fmt.Sprintf(`driftline_alerting_attempts_total{receiver=%q,status=%q}`, name, s))
	}
	// 0 closed, 1 half open, 2 open.
	set.GetOrCreateGauge(fmt.Sprintf(`driftline_alerting_breaker_state{receiver=%q}`, name), func() float64 { return float64(state()) })
	return m
}

func (m receiverMetrics) attempts(s schemas.NotificationStatus) *metrics.Counter {
	return m.byStatus[s]
}

// alerterMetrics count what becomes of incidents before a receiver is asked.
type alerterMetrics struct {
	suppressed func(receiver, by string) *metrics.Counter
	waiting    *metrics.Gauge
	silences   *metrics.Gauge
	errors     *metrics.Counter
}

func newAlerterMetrics(set *metrics.Set) alerterMetrics {
	return alerterMetrics{
		suppressed: func(receiver, by string) *metrics.Counter {
			return set.GetOrCreateCounter(fmt.Sprintf(`driftline_alerting_suppressed_total{by=%q,receiver=%q}`, by, receiver))
		},
		waiting:  set.GetOrCreateGauge(`driftline_alerting_waiting`, nil),
		silences: set.GetOrCreateGauge(`driftline_alerting_silences`, nil),
		errors:   set.GetOrCreateCounter(`driftline_alerting_silence_errors_total`),
	}
}
