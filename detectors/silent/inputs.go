package silent

import (
	"time"

	"github.com/driftline/driftline/schemas"
)

// Input is a kind of data that rules need, so that only what enabled rules
// read is asked for.
type Input uint8

// The inputs, each with its query.
const (
	Jobs      Input = iota // Snapshot.Jobs
	Counts                 // Model.Counts
	Requests               // Model.Requests
	Blocks                 // Model.Blocks
	Classes                // Model.Classes
	IDs                    // Model.IDs
	Labels                 // Model.Labels
	Joins                  // Model.Joins
	Replicas               // Model.Replicas
	GPUs                   // Model.GPUs
	Feeds                  // Snapshot.Feeds
	Consumers              // Snapshot.Consumers
	Streams                // Snapshot.Monitor
)

// Snapshot is what is known of a tenant at one instant.
type Snapshot struct {
	Tenant    string
	Clock     Clock
	Asked     []Input // what it was asked for; nil is everything
	Jobs      []Job
	Models    []Model
	Feeds     []Feed
	Consumers []Consumer
	Monitor   *Monitor // nil when it is not asked about
}

// Clock is the time of a snapshot.
type Clock struct {
	Now    time.Time     // event time: everything before it is taken to be known
	Wall   time.Time     // when it was asked
	Recent time.Duration // what is judged, up to the last whole bin
}

// from is where the judged time begins.
func (c Clock) from() time.Time { return c.Now.Truncate(Bin).Add(-c.Recent) }

// since is how long ago t was; 0 when it is ahead.
func (c Clock) since(t time.Time) time.Duration { return max(c.Now.Sub(t), 0) }

// Job is an asynchronous job with its runs of the lookback.
type Job struct {
	Name  string
	Model string // that it works for; may be empty
	Runs  []Run
}

// Run is one run of a job; a time that is zero did not come.
type Run struct {
	ID        string
	Started   time.Time        // first start
	Last      time.Time        // newest sign of life of any kind
	Ended     time.Time        // end after which it was not started again
	State     schemas.JobState // final, when ended
	Attempts  uint32           // highest number seen; 0 and 1 are the first
	Beats     uint64           // heartbeats
	Gap       time.Duration    // median time between two signs of life; 0 when there is one only
	MaxGap    time.Duration
	ItemsIn   uint64
	ItemsOut  uint64
	BytesOut  uint64
	HasStart  bool // a start was seen
	Truncated bool // its first events lie before the lookback
}

// done tells whether the run has ended.
func (r *Run) done() bool { return !r.Ended.IsZero() }

// succeeded tells whether it ended well.
func (r *Run) succeeded() bool { return r.done() && r.State == schemas.JobSucceeded }

// Model is a model with what its events, labels and serving systems say.
type Model struct {
	Name     string
	Counts   []Count    // events by bin: the trailing hours, and the same hour of earlier weeks
	Requests []Count    // requests taken, as the serving system counts them; none where it does not
	Blocks   []Block    // features by bin
	Classes  []Class    // predicted classes
	IDs      RequestIDs // those of the judged time
	Labels   []Count    // labels by bin of when they became known
	Joins    [2]Join    // before, and in the judged time
	Replicas []Replica  // pods that answered
	GPUs     []GPUStats // outputs by GPU
	Deployed time.Time  // newest deploy; zero when none is known
}

// Bin is the length of the bins of counts and blocks.
const Bin = 5 * time.Minute

// Count is how many rows a bin has; bins without any are left out.
type Count struct {
	Start time.Time
	Rows  uint64
}

// Block is one feature of a model version in one bin. Min, Max and Mean mean
// nothing where no row has a value.
type Block struct {
	Version, Feature string
	Kind             schemas.FeatureKind
	Start            time.Time
	Rows, Present    uint64
	Min, Max, Mean   float64 // of numeric features
}

// Class is how often a model version predicted a class.
type Class struct {
	Version, Value string
	Before, Recent uint64
}

// RequestIDs are those of the judged time, or of a share of them that is
// the same for every occurrence of an id.
type RequestIDs struct{ Rows, Distinct uint64 }

// Join is how many predictions of a fixed age have a label by that age.
type Join struct{ Predicted, Labelled uint64 }

// Replica is a pod that answered with a version.
type Replica struct {
	Deployment, Pod, Version string
	Rows                     uint64 // in the judged time
	First                    time.Time
}

// GPUStats are the scores that a GPU gave for a model.
type GPUStats struct {
	GPU            string
	Before, Recent Moments
}

// Moments of the scores present.
type Moments struct {
	N              uint64
	Mean, Variance float64
}

// Feed is a source of telemetry with its series.
type Feed struct {
	Name   string
	Model  string // that all its samples name; may be empty
	Series []Series
}

// Series is one metric of one place.
type Series struct {
	Metric, Place string // Place is node, GPU or pod
	First, Last   time.Time
	Samples       uint64
}

// gap is the mean time between two samples.
func (s *Series) gap() time.Duration {
	if s.Samples < 2 {
		return 0
	}
	return s.Last.Sub(s.First) / time.Duration(s.Samples-1)
}

// Consumer is a consumer group on one partition.
type Consumer struct {
	Group, Topic, Partition string
	Polls                   []Poll
}

// Poll is where a consumer and its log stood.
type Poll struct {
	Time           time.Time
	Committed, End int64
}

// Monitor is what Driftline has from a tenant, stream by stream.
type Monitor struct{ Streams []Stream }

// Stream is one kind of record of a tenant.
type Stream struct {
	Kind     string    // events, labels, telemetry, jobs
	Newest   time.Time // event time
	Seen     time.Time // wall clock of the first look at it
	Advanced time.Time // wall clock when Newest was last seen to change; zero when it was not
}
