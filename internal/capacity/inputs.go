// Package capacity is the model by which Driftline is sized: from a stream of
// events to cores, instances, partitions, servers and bytes. It computes and
// measures nothing; what it reckons with was measured by internal/bench and
// stands in costs.go.
package capacity

import (
	"errors"
	"fmt"
	"time"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
)

// Duration is written as in configuration files: 10m, 7d.
type Duration time.Duration

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(config.FormatDuration(time.Duration(d))), nil
}

func (d Duration) seconds() float64 { return time.Duration(d).Seconds() }

func (d Duration) String() string { return config.FormatDuration(time.Duration(d)) }

// Inputs are what is asked of an installation. Start from Defaults.
type Inputs struct {
	Events      float64 `json:"events_per_second"`    // on average over a day
	Peak        float64 `json:"peak_factor"`          // of the busiest minutes, over the average
	Format      string  `json:"format"`               // json or protobuf
	Numeric     int     `json:"numeric_features"`     // of an event
	Categorical int     `json:"categorical_features"` // of an event
	Categories  int     `json:"categories"`           // distinct values of a categorical feature in a minute of a series
	Models      int     `json:"models"`
	Versions    int     `json:"versions"` // of a model, that serve at the same time
	Segments    int     `json:"segments"` // of a model
	Keyed       bool    `json:"keyed"`    // records are keyed by model, so that a partition has few series; otherwise each has all

	Cores      float64 `json:"cores_per_instance"` // of Driftline
	StoreCores float64 `json:"cores_per_server"`   // of ClickHouse
	Replicas   int     `json:"replicas"`           // of every shard, one at least
	Headroom   float64 `json:"headroom"`           // share of all cores that is free at the peak
	Partitions int     `json:"partitions"`         // of the input topics together; 0 chooses

	Outage  Duration `json:"outage"`   // the longest during which nothing is stored
	CatchUp Duration `json:"catch_up"` // after which its backlog shall be stored

	Flush        Duration `json:"flush_interval"` // as ingest.flush_interval
	BatchRows    int      `json:"batch_rows"`     // as ingest.batch_rows
	BatchBytes   int64    `json:"batch_bytes"`    // as ingest.batch_bytes
	ReplayWithin Duration `json:"replay_within"`  // as ingest.replay_within
	Days         int      `json:"days_per_batch"` // days of event time in one batch

	Raw       Duration `json:"retention_raw"`       // as clickhouse.retention.raw; 0 keeps rows for ever
	Summaries Duration `json:"retention_summaries"` // as clickhouse.retention.summaries
	Findings  Duration `json:"retention_findings"`  // as clickhouse.retention.findings
	Window    Duration `json:"detect_window"`       // as detect.window
}

// Defaults are a million events a second of a few dozen models, and what
// Driftline's own configuration has.
func Defaults() Inputs {
	in, keep := ingest.DefaultConfig(), clickhouse.DefaultConfig().Retention
	return Inputs{
		Events: 1e6, Peak: 1.5, Format: ingest.FormatProtobuf, Numeric: 20, Categorical: 5, Categories: 50,
		Models: 20, Versions: 2, Segments: 5,
		Cores: 8, StoreCores: 32, Replicas: 2, Headroom: .4,
		Outage: Duration(time.Hour), CatchUp: Duration(4 * time.Hour),
		Flush: Duration(in.FlushInterval), BatchRows: in.BatchRows, BatchBytes: int64(in.BatchBytes), ReplayWithin: Duration(in.ReplayWithin), Days: 2,
		Raw: Duration(keep.Raw), Summaries: Duration(keep.Summaries), Findings: Duration(keep.Findings), Window: Duration(time.Hour),
	}
}

// SetEventBytes chooses the numeric features so that a record of the format is
// about so large: for those who know their bytes and not their features.
func (in *Inputs) SetEventBytes(n int) {
	size := recordBytes[in.Format]
	in.Numeric = max(0, int((float64(n)-size.Base-size.Categorical*float64(in.Categorical))/size.Numeric+.5))
}

// Validate reports every mistake.
func (in *Inputs) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(in.Events > 0 && in.Events <= 1e12, "events per second are %v; give more than 0", in.Events)
	check(in.Peak >= 1, "the peak factor is %v; give at least 1", in.Peak)
	_, known := ownCost[in.Format]
	check(known, "unsupported format %q; supported: json, protobuf", in.Format)
	check(in.Numeric >= 0 && in.Categorical >= 0 && in.Categories >= 0, "numbers of features and categories must not be negative")
	check(in.Models > 0 && in.Versions > 0 && in.Segments > 0, "models, versions and segments are %d, %d and %d; give at least 1 each", in.Models, in.Versions, in.Segments)
	check(in.Cores > 0 && in.StoreCores > 0, "cores are %v and %v; give more than 0", in.Cores, in.StoreCores)
	check(in.Replicas > 0, "replicas are %d; give at least 1", in.Replicas)
	check(in.Headroom >= 0 && in.Headroom < 1, "headroom is %v; give a share from 0 to below 1, such as 0.4", in.Headroom)
	check(in.Partitions >= 0, "partitions are %d; give 0 to have them chosen", in.Partitions)
	check(in.Outage >= 0 && in.CatchUp > 0, "outage and catch-up are %s and %s; give durations such as 1h", in.Outage, in.CatchUp)
	check(in.Flush > 0 && in.BatchRows > 0 && in.BatchBytes > 0 && in.ReplayWithin > 0 && in.Days > 0, "flush interval, batch rows and bytes, replay within and days per batch must be more than 0")
	check(in.Raw >= 0 && in.Summaries >= 0 && in.Findings >= 0 && in.Window > 0, "retentions must not be negative, and the window must be more than 0")
	return errors.Join(errs...)
}

// Series are the models, versions and segments that have states of their own.
func (in Inputs) Series() float64 {
	return float64(in.Models) * float64(in.Versions) * float64(in.Segments)
}
