package world

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
)

// Config is the size and the habits of a fleet.
type Config struct {
	Models   int           `yaml:"models" json:"models"`     // how many, 1 to 1000. Default 4
	Features int           `yaml:"features" json:"features"` // of each model, 6 to 500. Default 8
	Regions  int           `yaml:"regions" json:"regions"`   // deployments of each model, 1 to 6. Default 2
	Pods     int           `yaml:"pods" json:"pods"`         // of each deployment, 1 to 64. Default 2
	Nodes    int           `yaml:"nodes" json:"nodes"`       // with GPUs, 1 to 1000. Default 4
	GPUs     int           `yaml:"gpus" json:"gpus"`         // of each node, 1 to 16. Default 2
	Rate     float64       `yaml:"rate" json:"rate"`         // requests a second of each model, mean. Default 3
	Daily    float64       `yaml:"daily" json:"daily"`       // amplitude of the day: 0.5 swings between half and one and a half of the mean, 0 to 0.9. Default 0.1
	Weekly   float64       `yaml:"weekly" json:"weekly"`     // what Saturdays and Sundays lack: 0.3 is 70 % of other days, 0 to 0.9. Default 0
	Arrivals string        `yaml:"arrivals" json:"arrivals"` // poisson, bursty (the rate itself varies from minute to minute) or trace (the rate of a file). Default poisson
	Trace    string        `yaml:"trace" json:"trace"`       // of arrivals: trace. CSV with a column of times, such as TIMESTAMP; its rate is repeated, scaled to the mean
	Scrape   time.Duration `yaml:"scrape" json:"scrape"`     // how often telemetry is read. Default 30s
	Labels   Labels        `yaml:"labels" json:"labels"`     // how the truth comes out
	Tenant   string        `yaml:"tenant" json:"tenant"`     // of all records. Default none: the topic's
}

// Labels say when and how often the truth about an event becomes known.
type Labels struct {
	Share   float64       `yaml:"share" json:"share"`     // of events that ever get one. Default 0.7
	Doubled float64       `yaml:"doubled" json:"doubled"` // of those, told twice. Default 0.03
	Delay   time.Duration `yaml:"delay" json:"delay"`     // mean, exponential, so that labels come out of order. Default 3m
}

// How requests arrive.
const (
	Poisson = "poisson"
	Bursty  = "bursty"
	Trace   = "trace"
)

// DefaultConfig is a small fleet.
func DefaultConfig() Config {
	return Config{
		Models: 4, Features: 8, Regions: 2, Pods: 2, Nodes: 4, GPUs: 2, Rate: 3, Daily: 0.1, Arrivals: Poisson, Scrape: 30 * time.Second,
		Labels: Labels{Share: 0.7, Doubled: 0.03, Delay: 3 * time.Minute},
	}
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	count := func(key string, n, least, most int) {
		check(n >= least && n <= most, key, "is %d; give %d to %d", n, least, most)
	}
	count("models", c.Models, 1, 1000)
	count("features", c.Features, leastFeatures, 500)
	count("regions", c.Regions, 1, len(regionNames))
	count("pods", c.Pods, 1, 64)
	count("nodes", c.Nodes, 1, 1000)
	count("gpus", c.GPUs, 1, 16)
	check(c.Rate > 0 && c.Rate <= 1e6, "rate", "is %v; give requests a second above 0 and up to 1000000", c.Rate)
	check(c.Daily >= 0 && c.Daily <= 0.9, "daily", "is %v; give 0 to 0.9", c.Daily)
	check(c.Weekly >= 0 && c.Weekly <= 0.9, "weekly", "is %v; give 0 to 0.9", c.Weekly)
	ways := []string{Poisson, Bursty, Trace}
	check(slices.Contains(ways, c.Arrivals), "arrivals", "unsupported way %q; supported: %s", c.Arrivals, strings.Join(ways, ", "))
	check((c.Arrivals == Trace) == (c.Trace != ""), "trace", "goes with arrivals: trace, and only with it; give a CSV file with a column of times")
	check(c.Scrape >= time.Second && c.Scrape <= time.Hour, "scrape", "is %s; give 1s to 1h", c.Scrape)
	return errors.Join(errs...)
}

// Validate reports every mistake.
func (l Labels) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(l.Share >= 0 && l.Share <= 1, "share", "is %v; give 0 to 1", l.Share)
	check(l.Doubled >= 0 && l.Doubled <= 1, "doubled", "is %v; give 0 to 1", l.Doubled)
	check(l.Delay >= time.Millisecond && l.Delay <= 30*24*time.Hour, "delay", "is %s; give 1ms to 720h", l.Delay)
	return errors.Join(errs...)
}
