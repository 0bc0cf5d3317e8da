package app

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/alerting/retrain"
	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/selfmetrics"
)

//go:embed config.go
var configSource string

// Config is the whole configuration: one section a package.
type Config struct {
	Log        Log                `yaml:"log"`        // what the process says of itself
	Admin      selfmetrics.Config `yaml:"admin"`      // metrics, health and profiles over HTTP
	Kafka      kafka.Config       `yaml:"kafka"`      // connection and own topics
	ClickHouse clickhouse.Config  `yaml:"clickhouse"` // connection and retention
	Embedded   Embedded           `yaml:"embedded"`   // engines inside this process, for demos, tests and small single nodes
	Ingest     ingest.Config      `yaml:"ingest"`     // from Kafka to ClickHouse
	Detect     detectors.Config   `yaml:"detect"`     // what holds for all models
	Models     []detectors.Model  `yaml:"models"`     // the models to watch
	Correlate  correlate.Config   `yaml:"correlate"`  // from signals to incidents
	Alerting   alerting.Config    `yaml:"alerting"`   // from incidents to people and machines
	API        api.Config         `yaml:"api"`        // questions and deeds over HTTP
	Retraining retrain.Config     `yaml:"retraining"` // which models are trained again when that mends an incident, and by what

	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"` // of all roles together, to finish and commit what they have in hand; then it is cut off, and whoever takes the partitions over repeats it. Keep it some seconds below the time after which a supervisor kills the process. Default 30s
	GCPercent       int           `yaml:"gc_percent"`       // the garbage collector runs when the heap has grown by so many percent: less memory for more processor time. The environment variable GOGC goes before it. Default 35
}

// Log of the process.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error. Default info
	Format string `yaml:"format"` // text, json, or auto: text on a terminal, JSON otherwise. Default auto
}

// Embedded engines. They listen on loopback only.
type Embedded struct {
	Kafka      EmbeddedKafka      `yaml:"kafka"`      // a broker that speaks the real protocol, one node
	ClickHouse EmbeddedClickHouse `yaml:"clickhouse"` // the real engine as a library, one node
}

// EmbeddedKafka is the broker inside this process.
type EmbeddedKafka struct {
	Enabled    bool   `yaml:"enabled"`    // use it instead of kafka.brokers. Default false
	DataDir    string `yaml:"data_dir"`   // where topics are kept; empty keeps them in memory
	Listen     string `yaml:"listen"`     // loopback address. Default 127.0.0.1:0, a free port
	Partitions int32  `yaml:"partitions"` // of the input topics, which it creates. Default 4
}

// EmbeddedClickHouse is the store inside this process.
type EmbeddedClickHouse struct {
	Enabled   bool         `yaml:"enabled"`    // use it instead of clickhouse.addr. Default false
	DataDir   string       `yaml:"data_dir"`   // where tables are kept; one process at a time
	Listen    string       `yaml:"listen"`     // loopback address of the native protocol. Default 127.0.0.1:0
	Library   string       `yaml:"library"`    // path of libchdb; empty means where make setup puts it
	MaxMemory config.Bytes `yaml:"max_memory"` // of the engine. Default 4GiB
}

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{
		Log:        Log{Level: "info", Format: "auto"},
		Admin:      selfmetrics.DefaultConfig(),
		Kafka:      kafka.DefaultConfig(),
		ClickHouse: clickhouse.DefaultConfig(),
		Embedded: Embedded{
			Kafka:      EmbeddedKafka{Listen: "127.0.0.1:0", Partitions: 4},
			ClickHouse: EmbeddedClickHouse{Listen: "127.0.0.1:0", MaxMemory: 4 << 30},
		},
		Ingest:    ingest.DefaultConfig(),
		Detect:    detectors.DefaultConfig(),
		Correlate: correlate.DefaultConfig(),
		Alerting:  alerting.DefaultConfig(),
		API:       api.DefaultConfig(),

		Retraining: retrain.DefaultConfig(),

		ShutdownTimeout: 30 * time.Second,
		GCPercent:       35,
	}
}

// Validate reports what no section can see alone.
func (c Config) Validate() error {
	var errs []error
	if len(c.Kafka.Brokers) == 0 && !c.Embedded.Kafka.Enabled {
		errs = append(errs, config.Faultf("kafka.brokers", "is missing; give host:port of at least one broker, or set embedded.kafka.enabled"))
	}
	if len(c.ClickHouse.Addr) == 0 && !c.Embedded.ClickHouse.Enabled {
		errs = append(errs, config.Faultf("clickhouse.addr", "is missing; give host:port of at least one server, or set embedded.clickhouse.enabled"))
	}
	if c.Embedded.ClickHouse.Enabled && c.Embedded.ClickHouse.DataDir == "" {
		errs = append(errs, config.Faultf("embedded.clickhouse.data_dir", "is missing; give a directory for the tables"))
	}
	if c.ClickHouse.InsertTimeout >= c.Kafka.RebalanceTimeout {
		errs = append(errs, config.Faultf("clickhouse.insert_timeout", "is %s; give less than kafka.rebalance_timeout (%s), so that a batch can end before its partition moves", c.ClickHouse.InsertTimeout, c.Kafka.RebalanceTimeout))
	}
	if c.ShutdownTimeout <= 0 {
		errs = append(errs, config.Faultf("shutdown_timeout", "is %s; give a duration such as 30s", c.ShutdownTimeout))
	}
	if c.GCPercent < 10 {
		errs = append(errs, config.Faultf("gc_percent", "is %d; give at least 10", c.GCPercent))
	}
	seen := map[string]bool{}
	for i, m := range c.Models {
		key := m.Key()
		name := key.Tenant + "/" + key.Model
		if seen[name] {
			errs = append(errs, config.Faultf(fmt.Sprintf("models[%d].name", i), "model %s is given twice", name))
		}
		seen[name] = true
		errs = append(errs, c.keepsOutcomes(i), c.checkTogether(i))
	}
	return errors.Join(errs...)
}

// Validate reports every mistake.
func (l Log) Validate() error {
	var errs []error
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, l.Level) {
		errs = append(errs, config.Faultf("level", "unsupported level %q; supported: %s", l.Level, strings.Join(levels, ", ")))
	}
	if formats := []string{"auto", "text", "json"}; !slices.Contains(formats, l.Format) {
		errs = append(errs, config.Faultf("format", "unsupported format %q; supported: %s", l.Format, strings.Join(formats, ", ")))
	}
	return errors.Join(errs...)
}

// ConfigSources are the Go sources of all sections, whose comments are the
// manual.
func ConfigSources() []config.Source {
	const module = "github.com/driftline/driftline/"
	return []config.Source{
		{PkgPath: module + "internal/app", Go: configSource},
		{PkgPath: module + "internal/selfmetrics", Go: selfmetrics.ConfigSource},
		{PkgPath: module + "internal/kafka", Go: kafka.ConfigSource},
		{PkgPath: module + "internal/clickhouse", Go: clickhouse.ConfigSource},
		{PkgPath: module + "ingest", Go: ingest.ConfigSource},
		{PkgPath: module + "ingest", Go: ingest.PolicySource},
		{PkgPath: module + "detectors", Go: detectors.ConfigSource, Choices: detectors.ConfigChoices()},
		{PkgPath: module + "detectors/outcomes", Go: outcomes.ConfigSource, Choices: outcomes.ConfigChoices()},
		{PkgPath: module + "detectors/silent", Go: silent.ConfigSource},
		{PkgPath: module + "correlate", Go: correlate.ConfigSource},
		{PkgPath: module + "correlate", Go: correlate.CausesSource},
		{PkgPath: module + "correlate/metric", Go: metric.ConfigSource},
		{PkgPath: module + "alerting", Go: alerting.ConfigSource},
		{PkgPath: module + "alerting", Go: alerting.RouteSource},
		{PkgPath: module + "alerting/retrain", Go: retrain.ConfigSource},
		{PkgPath: module + "internal/api", Go: api.ConfigSource},
	}
}
