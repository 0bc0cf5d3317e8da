package kafka

import (
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// throttled counts the time that brokers made this client wait since it used
// up one of their quotas. It is a hook of the client, which keeps the waits.
type throttled struct{ seconds *metrics.FloatCounter }

var _ kgo.HookBrokerThrottle = throttled{}

// OnBrokerThrottle implements [kgo.HookBrokerThrottle].
func (t throttled) OnBrokerThrottle(_ kgo.BrokerMetadata, wait time.Duration, _ bool) {
	t.seconds.Add(wait.Seconds())
}
