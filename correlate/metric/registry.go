package metric

import (
	"strings"
)

// Registry finds what is known of a metric by its name. It is read-only once
// made.
type Registry struct{ byName map[string]Metric }

// Builtin is the registry of the built-in names.
func Builtin() *Registry {
	r := &Registry{byName: map[string]Metric{}}
	for _, l := range builtin {
		for _, name := range l.names {
			r.byName[name] = Metric{Name: name, Kind: l.kind, Worse: l.worse, MinEffect: l.floor, Gate: l.gate, Mechanism: l.mechanism}
		}
	}
	return r
}

// Knows tells whether a name is listed.
func (r *Registry) Knows(name string) bool {
	_, known := r.byName[name]
	return known
}

// Lookup gives what is listed of a name, or what the name says.
func (r *Registry) Lookup(name string) Metric {
	if m, known := r.byName[name]; known {
		return m
	}
	return guess(name)
}

// hint is a word in a name and what it says.
type hint struct {
	words     []string
	kind      Kind
	worse     Direction
	mechanism Mechanism
}

// hints in the order in which they are tried: the first word that is in the
// name decides.
var hints = []hint{
	{[]string{"availability", "success_rate", "success_ratio", "uptime"}, Ratio, Down, Failing},
	{[]string{"error_rate", "error_ratio", "failure_rate", "failure_ratio", "fail_rate"}, Ratio, Up, Failing},
	{[]string{"temperature", "celsius", "_temp"}, Temperature, Up, ThermalThrottle},
	{[]string{"throttl"}, Gauge, Up, ThermalThrottle},
	{[]string{"xid"}, Event, Either, ""},
	{[]string{"ecc", "remapped"}, Gauge, Up, MemoryErrors},
	{[]string{"lag"}, Count, Up, StuckConsumer},
	{[]string{"staleness", "freshness", "watermark", "_age"}, Latency, Up, StaleInput},
	{[]string{"null_ratio", "null_rate", "missing_rate", "missing_ratio", "schema"}, Ratio, Up, BrokenInput},
	{[]string{"queue", "waiting", "pending", "backlog"}, Count, Up, Saturation},
	{[]string{"latency", "duration", "response_time", "elapsed"}, Latency, Up, Slow},
	{[]string{"restart"}, Gauge, Up, CrashLoop},
	{[]string{"retrans", "packet_loss", "dropped"}, Gauge, Up, Network},
	{[]string{"error", "fail", "exception", "5xx"}, Gauge, Up, Failing},
	{[]string{"steal"}, Ratio, Up, ResourceElsewhere},
	{[]string{"cpu"}, Gauge, Up, CPUPressure},
	{[]string{"memory", "_mem", "mem_"}, Bytes, Up, MemoryPressure},
	{[]string{"disk", "diskio"}, Gauge, Up, DiskPressure},
	{[]string{"clock"}, Gauge, Down, ClockDrop},
	{[]string{"watts", "power"}, Power, Either, ""},
	{[]string{"requests", "request_rate", "rps", "qps", "throughput", "workload", "calls"}, Gauge, Either, Traffic},
	{[]string{"_seconds", "_ms"}, Latency, Up, Slow},
	{[]string{"_bytes"}, Bytes, Either, ""},
	{[]string{"_ratio", "percent"}, Ratio, Either, ""},
}

// guess what a name says. A name in _total is a counter whatever else it says.
func guess(name string) Metric {
	m := Metric{Name: name, Kind: Gauge, Worse: Either, Guessed: true}
	lower := strings.ToLower(name)
	for _, h := range hints {
		for _, w := range h.words {
			if strings.Contains(lower, w) {
				m.Kind, m.Worse, m.Mechanism = h.kind, h.worse, h.mechanism
				return m.counter(lower)
			}
		}
	}
	return m.counter(lower)
}

func (m Metric) counter(lower string) Metric {
	if strings.HasSuffix(lower, "_total") && m.Kind != Event {
		m.Kind = Counter
	}
	return m
}

// IsTraffic tells whether a metric counts requests, so that it may gate others.
func (m *Metric) IsTraffic() bool { return m.Mechanism == Traffic }

// MeansOf are the means whose sum a counter is.
func (r *Registry) MeansOf(sum string) []Derived {
	var out []Derived
	for _, d := range Means {
		if d.Sum == sum {
			out = append(out, d)
		}
	}
	if name, found := strings.CutSuffix(sum, "_sum"); found {
		out = append(out, Derived{name, sum, name + "_count"})
	}
	return out
}
