package selfmetrics

import (
	_ "embed"
	"net"

	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of the admin listener.
type Config struct {
	Listen   string `yaml:"listen"`   // host:port of /metrics, /healthz, /readyz, /version and profiles; port 0 picks a free one, empty turns the listener off. Default 127.0.0.1:9464
	Profiles bool   `yaml:"profiles"` // serve CPU and memory profiles at /debug/pprof/. Default true
}

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:9464", Profiles: true} }

// Validate reports every mistake.
func (c Config) Validate() error {
	if c.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return config.Faultf("listen", "is %q; give host:port, such as 127.0.0.1:9464", c.Listen)
	}
	return nil
}
