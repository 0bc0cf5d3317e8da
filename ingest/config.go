package ingest

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of ingest.
type Config struct {
	Topics        []Topic       `yaml:"topics"`         // what to consume
	BatchRows     int           `yaml:"batch_rows"`     // rows that close a batch. Default 50000
	BatchBytes    config.Bytes  `yaml:"batch_bytes"`    // bytes of records that close a batch. Default 32MiB
	FlushInterval time.Duration `yaml:"flush_interval"` // age that closes a batch; the longest a record waits. Default 1s
	IdleCommit    time.Duration `yaml:"idle_commit"`    // a partition silent for so long commits that nothing is pending. Default 1s
	MaxDays       int           `yaml:"max_days"`       // distinct days of event time that close a batch: each is a partition of the table. Default 32
	MaxFeatures   int           `yaml:"max_features"`   // of one model version; records with more go to the dead-letter topic. Default 2048
}

// Topic is one input.
type Topic struct {
	Topic  string `yaml:"topic"`  // name in Kafka
	Kind   Kind   `yaml:"kind"`   // events, labels, telemetry, jobs or changes
	Format string `yaml:"format"` // json or protobuf. Default json
	Tenant string `yaml:"tenant"` // of records that name none. Default default
}

// SetDefaults fills what the user leaves out.
func (t *Topic) SetDefaults() { t.Format, t.Tenant = FormatJSON, schemas.DefaultTenant }

// Kind of the records of a topic.
type Kind string

// The kinds of record.
const (
	Events    Kind = "events"
	Labels    Kind = "labels"
	Telemetry Kind = "telemetry"
	Jobs      Kind = "jobs"
	Changes   Kind = "changes"
)

// The formats of records.
const (
	FormatJSON     = "json"
	FormatProtobuf = "protobuf"
)

// Kinds are all kinds, and Formats all formats, in the order of the manual.
var (
	Kinds   = []Kind{Events, Labels, Telemetry, Jobs, Changes}
	Formats = []string{FormatJSON, FormatProtobuf}
)

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{
		BatchRows: 50_000, BatchBytes: 32 << 20, FlushInterval: time.Second, IdleCommit: time.Second,
		MaxDays: 32, MaxFeatures: 2048,
	}
}

// maxBlockRows is where ClickHouse would cut a block in two, and a block cut
// otherwise at the next try is not recognised as the same.
const maxBlockRows = 1_048_449

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(c.BatchRows > 0 && c.BatchRows <= maxBlockRows, "batch_rows", "is %d; give 1 to %d", c.BatchRows, maxBlockRows)
	check(c.BatchBytes > 0, "batch_bytes", "is %d; give a size such as 32MiB", c.BatchBytes)
	check(c.FlushInterval > 0, "flush_interval", "is %s; give a duration such as 1s", c.FlushInterval)
	check(c.IdleCommit > 0, "idle_commit", "is %s; give a duration such as 1s", c.IdleCommit)
	check(c.MaxDays > 0 && c.MaxDays <= 90, "max_days", "is %d; give 1 to 90", c.MaxDays)
	check(c.MaxFeatures > 0 && c.MaxFeatures <= 65_000, "max_features", "is %d; give 1 to 65000", c.MaxFeatures)
	seen := map[string]bool{}
	for _, t := range c.Topics {
		check(t.Topic == "" || !seen[t.Topic], "topics", "topic %q is given twice", t.Topic)
		seen[t.Topic] = true
	}
	return errors.Join(errs...)
}

// Validate reports every mistake.
func (t Topic) Validate() error {
	var errs []error
	if t.Topic == "" {
		errs = append(errs, config.Faultf("topic", "is missing; give the name of the topic in Kafka"))
	}
	if !slices.Contains(Kinds, t.Kind) {
		errs = append(errs, config.Faultf("kind", "unsupported kind %q; supported: %s", t.Kind, list(Kinds)))
	}
	if !slices.Contains(Formats, t.Format) {
		errs = append(errs, config.Faultf("format", "unsupported format %q; supported: %s", t.Format, list(Formats)))
	}
	return errors.Join(errs...)
}

func list[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}
