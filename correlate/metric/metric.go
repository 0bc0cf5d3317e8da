package metric

import (
	"math"
	"strings"
	"time"
)

// Kind of a metric: what its numbers are, and with that what a change must at
// least be to count.
type Kind string

// The kinds. The smallest changes that count are of an order that an engineer
// would look at; every metric may have its own.
const (
	Ratio       Kind = "ratio"       // a share from 0 to 1, or per cent. 0.005, half a point
	Latency     Kind = "latency"     // seconds, or whatever the name says. 5 %, at least 1 ms
	Bytes       Kind = "bytes"       // 1 %
	Count       Kind = "count"       // of things at a moment, such as a queue. 5 %, at least 1
	Counter     Kind = "counter"     // only grows, and is looked at as a rate a second. 5 %
	Gauge       Kind = "gauge"       // anything else. 5 %
	Temperature Kind = "temperature" // degrees Celsius. 3
	Power       Kind = "power"       // watts. 5 %
	Event       Kind = "event"       // a number that names what happened, such as an XID; never a measure
)

// Kinds are all of them.
var Kinds = []Kind{Ratio, Latency, Bytes, Count, Counter, Gauge, Temperature, Power, Event}

// Direction says which way is worse.
type Direction string

// The directions.
const (
	Up     Direction = "up"
	Down   Direction = "down"
	Either Direction = "either"
)

// Directions are all of them.
var Directions = []Direction{Up, Down, Either}

// Metric is what is known of a metric.
type Metric struct {
	Name      string
	Kind      Kind
	Worse     Direction
	MinEffect float64       // smallest change that counts, in the metric's unit; 0 for what the kind says
	Gate      string        // metric of the same entity, its own requests: without any the metric says nothing
	Stale     time.Duration // a series that is silent for longer is not observed; 0 for a multiple of its own step
	Mechanism Mechanism     // by which a change does harm; empty for one that is only shown
	Guessed   bool          // from the name, not listed
}

// Floor is the smallest change from a level that counts.
func (m *Metric) Floor(level float64) float64 {
	if m.MinEffect > 0 {
		return m.MinEffect
	}
	level = math.Abs(level)
	switch m.Kind {
	case Ratio:
		if m.percent(level) {
			return 0.5
		}
		return 0.005
	case Latency:
		return max(0.05*level, 0.001*m.second())
	case Bytes:
		return max(0.01*level, 1)
	case Count:
		return max(0.05*level, 1)
	case Temperature:
		return 3
	case Counter, Gauge, Power, Event:
		return max(0.05*level, 1e-9)
	default:
		return max(0.05*level, 1e-9)
	}
}

// percent tells whether a share is written in per cent.
func (m *Metric) percent(level float64) bool {
	return level > 1.5 || strings.Contains(m.Name, "percent") || strings.HasSuffix(m.Name, "_pct")
}

// Whole is what all of it would be: 1, or 100 where a share is in per cent.
func (m *Metric) Whole(level float64) float64 {
	if m.percent(math.Abs(level)) {
		return 100
	}
	return 1
}

// second is one second in the metric's unit, as its name says it.
func (m *Metric) second() float64 {
	name := strings.ToLower(m.Name)
	switch {
	case strings.HasSuffix(name, "_ms"), strings.Contains(name, "millisecond"):
		return 1e3
	case strings.HasSuffix(name, "_us"), strings.Contains(name, "microsecond"):
		return 1e6
	case strings.HasSuffix(name, "_ns"), strings.Contains(name, "nanosecond"):
		return 1e9
	default:
		return 1
	}
}

// Harm is a change in the bad direction as a positive number.
func (m *Metric) Harm(change float64) float64 {
	switch m.Worse {
	case Down:
		return -change
	case Either:
		return math.Abs(change)
	default:
		return change
	}
}
