package capacity

import (
	"math"
	"time"

	"github.com/driftline/driftline/schemas/ddl"
)

// Plan is what an installation needs. Rates are of a second, costs of
// microseconds of one core.
type Plan struct {
	Inputs  Inputs   `json:"inputs"`
	Load    Load     `json:"load"`
	Ingest  Ingest   `json:"ingest"`
	Store   Store    `json:"store"`
	Window  Window   `json:"deduplication"`
	Storage []Tier   `json:"storage"`
	Advice  []string `json:"advice"` // what does not fit, and what to change
}

// Load is the stream in figures.
type Load struct {
	Average     float64 `json:"average_events_per_second"`
	Peak        float64 `json:"peak_events_per_second"`
	CatchUp     float64 `json:"catch_up_events_per_second"` // that work the backlog of an outage off in time
	Needed      float64 `json:"needed_events_per_second"`   // what everything is sized for
	RecordBytes float64 `json:"record_bytes"`               // not compressed
	Bytes       float64 `json:"bytes_per_second"`           // of records, on average, not compressed
	Series      float64 `json:"series"`                     // models × versions × segments
}

// Ingest is the processes of Driftline with the role ingest.
type Ingest struct {
	EventCost     float64 `json:"microseconds_per_event"`
	Cores         float64 `json:"cores"` // busy, at the needed rate
	Instances     int     `json:"instances"`
	Partitions    int     `json:"partitions"`     // of the input topics together
	MinPartitions int     `json:"min_partitions"` // fewer cannot do the work: one goroutine has one partition
	BatchRows     float64 `json:"batch_rows"`     // at the needed rate
	BatchInterval float64 `json:"batch_interval_seconds"`
	Blocks        float64 `json:"batches_per_second"`
	StateRows     float64 `json:"events_per_state"`  // of a batch's state
	States        float64 `json:"states_per_second"` // rows of feature_sketches_1m inserted
	Counts        float64 `json:"counts_per_second"` // of categories, in the states
}

// Store is the servers of ClickHouse.
type Store struct {
	EventCost   float64 `json:"microseconds_per_event"` // all below, shared out over events
	InsertCores float64 `json:"insert_cores"`
	MergeCores  float64 `json:"merge_cores"`
	SumCores    float64 `json:"sum_cores"` // of both: for states and counts
	Cores       float64 `json:"cores"`     // busy, at the needed rate, of one replica of all shards
	MergeLevels float64 `json:"merge_levels"`
	Shards      int     `json:"shards"`
	Servers     int     `json:"servers"` // shards × replicas
}

// Window is for how long a table recognises a block that comes again.
type Window struct {
	Remembered    int     `json:"remembered_blocks"`
	PerSecond     float64 `json:"blocks_per_second_per_shard"` // each partition of the table that a block touches counted
	Seconds       float64 `json:"seconds"`
	Needed        float64 `json:"needed_seconds"` // ingest.replay_within: later, batches are held against the rows
	Enough        bool    `json:"enough"`
	MaxPartitions int     `json:"max_partitions_per_shard"` // at the present batch interval
	MinInterval   float64 `json:"min_batch_interval_seconds"`
}

// Tier is a table and what it holds.
type Tier struct {
	Table       string   `json:"table"`
	Granularity string   `json:"granularity"`
	RowsPerDay  float64  `json:"rows_per_day"`
	RowBytes    float64  `json:"bytes_per_row"`
	BytesPerDay float64  `json:"bytes_per_day"` // of one replica
	Retention   Duration `json:"retention"`
	Bytes       float64  `json:"bytes"` // of all replicas over the retention; of a year where rows are kept for ever
}

// Compute makes the plan.
func Compute(in Inputs) (*Plan, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	p := &Plan{Inputs: in, Load: loadOf(&in), Advice: []string{}}
	// Partitions make batches, batches make states, and states make work for
	// partitions: from the fewest on, until they can do their own work.
	p.Ingest.Partitions = max(1, in.Partitions)
	for {
		p.ingest()
		p.store()
		if in.Partitions > 0 || p.Ingest.MinPartitions <= p.Ingest.Partitions {
			break
		}
		p.Ingest.Partitions += max(1, (p.Ingest.MinPartitions-p.Ingest.Partitions)/64) // slowly: keyed records need fewer, the more there are
	}
	p.window()
	p.storage()
	p.advise()
	return p, nil
}

func loadOf(in *Inputs) Load {
	l := Load{Average: in.Events, Peak: in.Events * in.Peak, RecordBytes: recordBytes[in.Format].of(in), Series: in.Series()}
	l.CatchUp = in.Events * (1 + in.Outage.seconds()/in.CatchUp.seconds())
	l.Needed = max(l.Peak/(1-in.Headroom), l.CatchUp)
	l.Bytes = l.Average * l.RecordBytes
	return l
}

// ingest reckons with the present number of partitions.
func (p *Plan) ingest() {
	in, l, g := &p.Inputs, &p.Load, &p.Ingest
	rate := l.Needed / float64(g.Partitions)
	age := max(in.Flush.seconds(), 2*(waitPerBlock+insertBlock)/1e6) // what comes while a batch is written is in the next one
	g.BatchInterval = min(age, float64(in.BatchRows)/rate, float64(in.BatchBytes)/(rate*l.RecordBytes))
	g.BatchInterval = max(g.BatchInterval, 1/rate) // no batch without an event
	g.BatchRows = rate * g.BatchInterval
	g.Blocks = float64(g.Partitions) / g.BatchInterval

	minutes := 1 + g.BatchInterval/60 // that a batch lies in, when events come in time
	series := l.Series
	if in.Keyed {
		series = max(1, series/float64(g.Partitions))
	}
	states := max(1, distinct(g.BatchRows, series*minutes))
	g.StateRows = g.BatchRows / states
	g.States = g.Blocks * states
	g.Counts = g.States * in.counts(g.StateRows)

	g.Cores = l.Needed * (ownCost[in.Format].of(in) + in.sketched()*ownValue.at(g.StateRows)) / 1e6
	g.EventCost = g.Cores * 1e6 / l.Needed
	g.Instances = ceil(g.Cores / in.Cores)
}

// store reckons with what ingest inserts.
func (p *Plan) store() {
	in, l, g, s := &p.Inputs, &p.Load, &p.Ingest, &p.Store
	rows := l.Needed*insertRow.of(in) + g.Blocks*insertBlock
	sums := g.States*in.sketched()*insertState.at(g.StateRows) + g.Counts*insertCount
	s.InsertCores = (rows + sums) / 1e6
	s.MergeLevels = mergeLevels(g.Blocks * 86_400)
	// States and counts of the same minutes melt together in their first merges;
	// what is left is merged as often as rows are.
	minute := l.Needed * 60 / l.Series // rows of a whole state
	minutes := l.Series / 60 * -math.Expm1(-minute)
	states := g.States*meltedMerges*mergeState.at(g.StateRows) + minutes*s.MergeLevels*mergeState.at(minute)
	counts := g.Counts*meltedMerges + minutes*in.counts(minute)*s.MergeLevels
	melt := states*in.sketched() + counts*mergeCount
	s.MergeCores = (l.Needed*mergeRow.of(in)*s.MergeLevels + melt) / 1e6
	s.SumCores = (sums + melt) / 1e6
	s.Cores = s.InsertCores + s.MergeCores
	s.EventCost = s.Cores * 1e6 / l.Needed
	s.Shards = ceil(s.Cores / in.StoreCores)
	s.Servers = s.Shards * in.Replicas

	// A partition does one thing after the other: it decodes, then it waits for
	// the store and for Kafka.
	busy := g.Cores + s.InsertCores + g.Blocks*waitPerBlock/1e6
	g.MinPartitions = max(ceil(busy), int(float64(g.Instances)*in.Cores))
}

func (p *Plan) window() {
	in, g, w := &p.Inputs, &p.Ingest, &p.Window
	w.Remembered = ddl.DedupWindow
	w.PerSecond = g.Blocks / float64(p.Store.Shards) * float64(in.Days)
	w.Seconds = float64(w.Remembered) / w.PerSecond
	w.Needed = in.ReplayWithin.seconds()
	w.Enough = w.Seconds >= w.Needed
	w.MaxPartitions = int(float64(w.Remembered) * g.BatchInterval / float64(in.Days) / w.Needed)
	w.MinInterval = p.minInterval()
}

// minInterval is how long batches must last for the window to be long enough,
// with the shards that are needed then: longer batches are less work.
func (p *Plan) minInterval() (need float64) {
	q := *p
	for range 10 {
		need = q.Inputs.ReplayWithin.seconds() * float64(q.Ingest.Partitions) / float64(q.Store.Shards) * float64(q.Inputs.Days) / ddl.DedupWindow
		if q.Ingest.BatchInterval >= need {
			break
		}
		q.Inputs.Flush = Duration(need * float64(time.Second))
		q.ingest()
		q.store()
	}
	return need
}

func (p *Plan) storage() {
	in := &p.Inputs
	perMinute := in.Events * 60 / p.Load.Series // of one series
	states := p.Load.Series * 1440 * (1 - math.Exp(-perMinute))
	windows := 24 * time.Hour.Seconds() / in.Window.seconds()
	signals := p.Load.Series * windows * (float64(in.Numeric+2)*numericDetectors + float64(in.Categorical+1)*categoricalDetectors)
	p.Storage = []Tier{
		in.tier("inference_events", "event", in.Events*86_400, rawBytes.of(in), in.Raw),
		in.tier("feature_sketches_1m", "1 minute", states, stateBytes.at(perMinute)*in.sketched()+countBytes*in.counts(perMinute), in.Summaries),
		in.tier("signals", in.Window.String()+" window", signals, signalBytes, in.Findings),
	}
}

func (in *Inputs) tier(table, granularity string, rows, bytes float64, keep Duration) Tier {
	days := keep.seconds() / 86_400
	if keep == 0 {
		days = 365
	}
	return Tier{
		Table: table, Granularity: granularity, RowsPerDay: rows, RowBytes: bytes, BytesPerDay: rows * bytes,
		Retention: keep, Bytes: rows * bytes * days * float64(in.Replicas),
	}
}

// sketched are the numeric features with a sketch: score and latency too.
func (in *Inputs) sketched() float64 { return float64(in.Numeric + 2) }

// counts are the rows of category counts that go with one state of so many
// rows: those of the features, and of the prediction, which has two values.
func (in *Inputs) counts(rows float64) float64 {
	return float64(in.Categorical)*distinct(rows, float64(in.Categories)) + distinct(rows, 2)
}

// distinct is how many of n equally frequent things one meets in so many draws.
func distinct(draws, n float64) float64 {
	if n == 0 {
		return 0
	}
	return n * -math.Expm1(-draws/n)
}

func ceil(x float64) int { return int(math.Ceil(x - 1e-9)) }
