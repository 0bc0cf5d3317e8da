// Package clickhouse is how Driftline stores and asks: native blocks in,
// merged summaries out, migrations, and what was found and told.
package clickhouse

import (
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of the connection to ClickHouse and of what is kept there.
type Config struct {
	Addr     []string      `yaml:"addr"`     // host:port of the native protocol (usually 9000, with TLS 9440). Several are replicas of one shard, tried in turn: a batch that is repeated must reach a server that knows its token. Left empty only with embedded.clickhouse
	Database string        `yaml:"database"` // made by migrate when absent. Default driftline
	Username string        `yaml:"username"` // Default default
	Password config.Secret `yaml:"password"`
	Cluster  string        `yaml:"cluster"` // name of the cluster for Replicated and Distributed tables; empty for a single server
	TLS      TLS           `yaml:"tls"`     // encryption to the server

	InsertConnections int           `yaml:"insert_connections"` // inserts under way at once. Default 4
	InsertTimeout     time.Duration `yaml:"insert_timeout"`     // of one try of one block; keep it below kafka.rebalance_timeout. Default 30s
	Retention         Retention     `yaml:"retention"`          // how long rows are kept, by table; 0 keeps them for ever
}

// TLS to the server.
type TLS struct {
	Enabled bool   `yaml:"enabled"`     // Default false
	CAFile  string `yaml:"ca"`          // PEM file of the certificate authority; empty means the system's
	Name    string `yaml:"server_name"` // name to verify instead of the host's
}

// Retention of the tables, by event time.
type Retention struct {
	Raw       time.Duration `yaml:"raw"`       // events, labels, telemetry, job events. Default 7d
	Summaries time.Duration `yaml:"summaries"` // one-minute states, outcomes, states of sequential detectors. Default 30d
	Findings  time.Duration `yaml:"findings"`  // signals, performance of windows, changes, notifications. Default 366d
}

const day = 24 * time.Hour

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{
		Database: "driftline", Username: "default",
		InsertConnections: 4, InsertTimeout: 30 * time.Second,
		Retention: Retention{Raw: 7 * day, Summaries: 30 * day, Findings: 366 * day},
	}
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	if c.Database == "" {
		errs = append(errs, config.Faultf("database", "is empty; give a name such as driftline"))
	}
	if c.InsertConnections < 1 {
		errs = append(errs, config.Faultf("insert_connections", "is %d; give at least 1", c.InsertConnections))
	}
	if c.InsertTimeout <= 0 {
		errs = append(errs, config.Faultf("insert_timeout", "is %s; give a duration such as 30s", c.InsertTimeout))
	}
	for key, d := range map[string]time.Duration{"raw": c.Retention.Raw, "summaries": c.Retention.Summaries, "findings": c.Retention.Findings} {
		if d != 0 && d < time.Hour {
			errs = append(errs, config.Faultf("retention."+key, "is %s; give at least 1h, or 0 to keep rows for ever", d))
		}
	}
	return errors.Join(errs...)
}

func (t TLS) config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.Name}
	if t.CAFile == "" {
		return out, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authority: %w", err)
	}
	out.RootCAs = x509.NewCertPool()
	if !out.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificate authority %s: no PEM certificate in it", t.CAFile)
	}
	return out, nil
}
