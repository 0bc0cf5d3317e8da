// Package apachekafka runs real Apache Kafka brokers in tests: KRaft, one or
// three brokers that are controllers too, on loopback, with SASL and TLS where
// asked for. Brokers can be stopped, killed and restarted under a client's
// feet, which the in-process fake cannot show.
//
// The broker's jars come from `make setup-kafka`. Without them or without Java
// a test is skipped; with CI=true it fails, since nobody would see the skip.
package apachekafka

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/kafka"
)

// SASL is how clients authenticate.
type SASL string

// The ways to authenticate.
const (
	NoSASL SASL = ""
	SCRAM  SASL = "scram" // SCRAM-SHA-256 and SCRAM-SHA-512
)

// Credentials of the one user that a cluster with SASL knows.
const (
	Username = "driftline"
	Password = "correct horse"
)

// Config of a cluster. The zero value is one broker that anybody may use.
type Config struct {
	Brokers int  // 1 or 3. Default 1
	SASL    SASL // of the clients' listener
	TLS     bool // on the clients' listener
}

// Cluster is a set of running brokers, numbered from 1.
type Cluster struct {
	cfg     Config
	dir     string
	id      string // of the cluster, as Kafka wants it
	brokers []*broker
}

// Start runs a cluster until the test ends. It returns when all brokers serve
// clients.
func Start(t testing.TB, cfg Config) *Cluster {
	t.Helper()
	at := require(t)
	c, err := start(t.Context(), at, t.TempDir(), cfg)
	if c != nil {
		t.Cleanup(c.kill)
		c.showLogs(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Addrs are the brokers' host:port.
func (c *Cluster) Addrs() []string {
	var out []string
	for _, b := range c.brokers {
		out = append(out, b.addr())
	}
	return out
}

// CAFile is the PEM file of the authority that signed the brokers'
// certificates; empty without TLS.
func (c *Cluster) CAFile() string {
	if !c.cfg.TLS {
		return ""
	}
	return filepath.Join(c.dir, caFile)
}

// Kafka is the default configuration of a client, with the addresses, the
// authority and the credentials of this cluster.
func (c *Cluster) Kafka() kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = c.Addrs()
	cfg.TLS = kafka.TLS{Enabled: c.cfg.TLS, CAFile: c.CAFile()}
	if c.cfg.SASL == SCRAM {
		cfg.SASL = kafka.SASL{Mechanism: "scram-sha-512", Username: Username, Password: config.Secret(Password)}
	}
	return cfg
}

// Stop ends a broker in an orderly way: it hands its leaderships over first.
func (c *Cluster) Stop(t testing.TB, id int) {
	t.Helper()
	if err := c.broker(id).stop(); err != nil {
		t.Fatalf("stop broker %d: %v", id, err)
	}
}

// Kill ends a broker at once, with kill -9.
func (c *Cluster) Kill(t testing.TB, id int) {
	t.Helper()
	c.broker(id).kill()
}

// Restart starts a stopped or killed broker on the data and the ports it had,
// and waits until it serves clients.
func (c *Cluster) Restart(t testing.TB, id int) {
	t.Helper()
	err := c.broker(id).start()
	if err == nil {
		err = c.await(t.Context())
	}
	if err != nil {
		t.Fatalf("restart broker %d: %v", id, err)
	}
}

func (c *Cluster) broker(id int) *broker {
	i := slices.IndexFunc(c.brokers, func(b *broker) bool { return b.id == id })
	if i < 0 {
		panic(fmt.Sprintf("apachekafka: no broker %d of %d", id, len(c.brokers)))
	}
	return c.brokers[i]
}

func (c *Cluster) kill() {
	for _, b := range c.brokers {
		b.kill()
	}
}

// showLogs prints the end of every broker's log when the test has failed.
// Registered after kill, it runs before.
func (c *Cluster) showLogs(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.logs())
		}
	})
}

func (c *Cluster) logs() string {
	var out strings.Builder
	for _, b := range c.brokers {
		fmt.Fprintf(&out, "---- end of the log of broker %d\n%s\n", b.id, b.logTail())
	}
	return out.String()
}
