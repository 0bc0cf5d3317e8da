// Package kafka is how Driftline talks to Kafka: a consumer group that hands
// every partition to one goroutine and commits with metadata, the log in which
// instances agree on feature positions, and the topics themselves.
package kafka

import (
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of the connection to Kafka.
type Config struct {
	Brokers  []string `yaml:"brokers"`   // host:port of the seed brokers. Left empty only with embedded.kafka
	ClientID string   `yaml:"client_id"` // name shown in the brokers' logs and quotas. Default driftline
	Group    string   `yaml:"group"`     // prefix of the consumer groups, one per role. Default driftline
	Instance string   `yaml:"instance"`  // name of this process, one of its kind (a pod's or host's name): under it a restart takes its partitions back at once instead of after session_timeout. Default empty
	TLS      TLS      `yaml:"tls"`       // encryption to the brokers
	SASL     SASL     `yaml:"sasl"`      // authentication to the brokers

	SessionTimeout   time.Duration `yaml:"session_timeout"`   // a member silent for so long loses its partitions. Default 45s
	RebalanceTimeout time.Duration `yaml:"rebalance_timeout"` // time a member has to finish its batches in a rebalance. Default 60s
	FetchMaxBytes    config.Bytes  `yaml:"fetch_max_bytes"`   // of one fetch from one broker, compressed; what it decompresses to waits in memory
	QueueBytes       config.Bytes  `yaml:"queue_bytes"`       // records waiting in memory over all partitions; above it fetching pauses. Default 32MiB
	Topics           Topics        `yaml:"topics"`            // names of Driftline's own topics and how they are created
}

// TLS to a server.
type TLS struct {
	Enabled bool   `yaml:"enabled"`     // Default false
	CAFile  string `yaml:"ca"`          // PEM file of the certificate authority; empty means the system's
	Cert    string `yaml:"cert"`        // PEM file of the client certificate, for mutual TLS
	Key     string `yaml:"key"`         // PEM file of the client key, for mutual TLS
	Name    string `yaml:"server_name"` // name to verify instead of the host's
}

// SASL authentication.
type SASL struct {
	Mechanism string        `yaml:"mechanism"` // plain, scram-sha-256 or scram-sha-512; empty for none
	Username  string        `yaml:"username"`
	Password  config.Secret `yaml:"password"`
}

// Topics that Driftline owns.
type Topics struct {
	Schemas     string `yaml:"schemas"`     // feature positions, one partition, compacted. Default driftline.schemas
	Windows     string `yaml:"windows"`     // spans touched by batches. Default driftline.windows
	Signals     string `yaml:"signals"`     // evaluations. Default driftline.signals
	Incidents   string `yaml:"incidents"`   // revisions of incidents. Default driftline.incidents
	Partitions  int32  `yaml:"partitions"`  // of windows and signals when Driftline creates them; bounds the instances that share the work. The topics of schemas and incidents have one. Default 8
	Replication int16  `yaml:"replication"` // of topics that Driftline creates; -1 is the broker's default. Default -1
}

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{
		ClientID: "driftline", Group: "driftline",
		SessionTimeout: 45 * time.Second, RebalanceTimeout: time.Minute,
		FetchMaxBytes: 4 << 20, QueueBytes: 32 << 20,
		Topics: Topics{
			Schemas: "driftline.schemas", Windows: "driftline.windows", Signals: "driftline.signals",
			Incidents: "driftline.incidents", Partitions: 8, Replication: -1,
		},
	}
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	switch c.SASL.Mechanism {
	case "", "plain", "scram-sha-256", "scram-sha-512":
	default:
		errs = append(errs, config.Faultf("sasl.mechanism", "unsupported mechanism %q; supported: plain, scram-sha-256, scram-sha-512", c.SASL.Mechanism))
	}
	if c.Topics.Partitions < 1 {
		errs = append(errs, config.Faultf("topics.partitions", "is %d; give at least 1", c.Topics.Partitions))
	}
	if c.QueueBytes < 1<<20 {
		errs = append(errs, config.Faultf("queue_bytes", "is %d bytes; give at least 1MiB", c.QueueBytes))
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		errs = append(errs, config.Faultf("tls.cert", "cert and key are given together or not at all"))
	}
	return errors.Join(errs...)
}

// Config makes the Go TLS configuration; nil when TLS is off.
func (t TLS) Config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.Name}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificate authority %s: no PEM certificate in it", t.CAFile)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// Options are the client options that every connection shares.
func (c Config) Options() ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),

		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
	}
	tc, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	if tc != nil {
		opts = append(opts, kgo.DialTLSConfig(tc))
	}
	user, pass := c.SASL.Username, c.SASL.Password.Value()
	switch c.SASL.Mechanism {
	case "plain":
		opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: pass}.AsMechanism()))
	case "scram-sha-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: pass}.AsSha256Mechanism()))
	case "scram-sha-512":
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: pass}.AsSha512Mechanism()))
	}
	return opts, nil
}

// Dial makes a client that produces and asks; groups make their own.
func (c Config) Dial(more ...kgo.Opt) (*kgo.Client, error) {
	opts, err := c.Options()
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to kafka %v: %w", c.Brokers, err)
	}
	return cl, nil
}
