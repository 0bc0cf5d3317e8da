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
	MaxModels     int           `yaml:"max_models"`     // versions of models with features that one tenant may have; records of others go to the dead-letter topic. Default 50000
	MaxFeatures   int           `yaml:"max_features"`   // of one model version; records with more go to the dead-letter topic. Default 2048
	MaxCategories int           `yaml:"max_categories"` // categories of one feature that a batch counts one by one; the rest counts as _other. Default 10000
	MaxAge        time.Duration `yaml:"max_age"`        // records with an older event time go to the dead-letter topic, changes excepted; 0 takes clickhouse.retention.raw. Default 0s
	MaxAhead      time.Duration `yaml:"max_ahead"`      // records with an event time so far in the future go to the dead-letter topic; 0 takes all. Default 24h
	ReplayWithin  time.Duration `yaml:"replay_within"`  // a batch left unfinished for longer is held against the rows in the store, which may have forgotten its token. Default 10m

	Quotas     map[string]Quota `yaml:"quotas"`           // what tenants may send, by tenant; "*" holds for each one that is not named. Default none
	Policies   []Policy         `yaml:"policies"`         // what becomes of fields before anything is stored; all that match act, in this order. Default none
	HashKey    config.Secret    `yaml:"hash_key"`         // of action hash, at least 32 characters. Another key gives other hashes: labels no longer find events that were hashed before
	LetterKeys []LetterKey      `yaml:"dead_letter_keys"` // the first one encrypts dead letters, all of them decrypt. Default none
}

// Topic is one input.
type Topic struct {
	Topic  string `yaml:"topic"`  // name in Kafka
	Kind   Kind   `yaml:"kind"`   // events, labels, telemetry, jobs or changes
	Format string `yaml:"format"` // json or protobuf (one event a record, or many); of events also arrow, kserve (needs a topic of one partition or records keyed by ce_id) or otlp (traces); of telemetry also otlp (metrics), prometheus_remote_write, prometheus_json or influx. Default json
	Tenant string `yaml:"tenant"` // of records that name none. Default default

	TenantFrom   string   `yaml:"tenant_from"`   // where a record's tenant is found. field: in the record. header: in a header of the Kafka record, whatever its fields say. topic: it is always the tenant above, whatever producers say. Default field
	TenantHeader string   `yaml:"tenant_header"` // the header that tenant_from means. Default driftline-tenant
	Tenants      []string `yaml:"tenants"`       // those whose records are taken; others go to the dead-letter topic. Default all
	DeadLetters  string   `yaml:"dead_letters"`  // what dead letters hold of a record. keep: all, as it came. redact: only where it came from. encrypt: all, under the first of ingest.dead_letter_keys. Default keep, or redact where a policy holds
}

// SetDefaults fills what the user leaves out.
func (t *Topic) SetDefaults() {
	t.Format, t.Tenant, t.TenantFrom, t.TenantHeader = FormatJSON, schemas.DefaultTenant, TenantFromField, DefaultTenantHeader
}

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
	FormatArrow    = "arrow"  // Arrow IPC streams
	FormatKServe   = "kserve" // CloudEvents of KServe's logger, requests and responses of an id in one partition
	FormatOTLP     = "otlp"   // OpenTelemetry protobuf: traces hold events, metrics telemetry

	FormatRemoteWrite    = "prometheus_remote_write" // protobuf, also with snappy
	FormatPrometheusJSON = "prometheus_json"         // as prometheus-kafka-adapter writes it
	FormatInflux         = "influx"                  // line protocol, as Telegraf writes it
)

// Kinds are all kinds, in the order of the manual.
var Kinds = []Kind{Events, Labels, Telemetry, Jobs, Changes}

// Formats are those that records of a kind may have.
func (k Kind) Formats() []string {
	own := []string{FormatJSON, FormatProtobuf}
	switch k {
	case Events:
		return append(own, FormatArrow, FormatKServe, FormatOTLP)
	case Telemetry:
		return append(own, FormatOTLP, FormatRemoteWrite, FormatPrometheusJSON, FormatInflux)
	default:
		return own
	}
}

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{
		BatchRows: 50_000, BatchBytes: 32 << 20, FlushInterval: time.Second, IdleCommit: time.Second,
		MaxDays: 32, MaxModels: 50_000, MaxFeatures: 2048, MaxCategories: 10_000, MaxAhead: 24 * time.Hour, ReplayWithin: 10 * time.Minute,
	}
}

// maxBlockRows is where ClickHouse would cut a block in two, and a block cut
// otherwise at the next try is not recognised as the same.
const maxBlockRows = 1_048_449 - maxRecordRows

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
	check(c.MaxCategories > 0, "max_categories", "is %d; give at least 1", c.MaxCategories)
	check(c.MaxAge >= 0, "max_age", "is %s; give a duration such as 168h, or 0", c.MaxAge)
	check(c.MaxAhead >= 0, "max_ahead", "is %s; give a duration such as 24h, or 0", c.MaxAhead)
	check(c.ReplayWithin > 0, "replay_within", "is %s; give a duration such as 10m", c.ReplayWithin)
	check(c.MaxFeatures > 0 && c.MaxFeatures <= 65_000, "max_features", "is %d; give 1 to 65000", c.MaxFeatures)
	errs = append(errs, c.validatePrivacy())
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
	errs = append(errs, t.validateTenancy())
	if formats := t.Kind.Formats(); !slices.Contains(formats, t.Format) {
		errs = append(errs, config.Faultf("format", "unsupported format %q for %s; supported: %s", t.Format, t.Kind, list(formats)))
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
