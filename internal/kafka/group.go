package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// Handler processes the records of one partition. One goroutine calls it, so
// it needs no locks. An error from any method ends the Group: what was not
// committed is delivered again after a restart.
type Handler interface {
	// Handle takes records in offset order. They are not touched by others
	// afterwards. With a *Later it asks for the same records again.
	Handle(ctx context.Context, records []*kgo.Record) error
	// Tick is called about every GroupConfig.Tick, busy or idle.
	Tick(ctx context.Context, now time.Time) error
	// Close finishes and commits what is open: the partition moves to another
	// member, or the process stops. Records not yet handled are not its concern.
	Close(ctx context.Context) error
}

// Ender is a Handler that wants to know of its end, whatever it came by: End is
// the last call, also for one that was cut off or lost its partition. Nothing
// can be committed in it.
type Ender interface {
	Handler
	End()
}

// GroupConfig of a Group.
type GroupConfig struct {
	Kafka   Config
	Role    string   // group name is Kafka.Group-Role
	Topics  []string // to consume
	Markers bool     // also hand over the markers that end transactions; their Attrs say what they are
	Tick    time.Duration
	New     func(p *Partition) (Handler, error) // makes the handler of a newly assigned partition
	Cut     <-chan struct{}                     // once it is closed, handlers that are asked to end are cut off; nil never cuts
	Log     *slog.Logger
	Metrics *metrics.Set
}

// Group is a member of a consumer group that gives each partition a goroutine
// of its own and bounds the memory of records that wait for it.
type Group struct {
	cfg     GroupConfig
	name    string
	cl      *kgo.Client
	cluster string

	ready  chan struct{} // closed when the fields above are set: the client calls back before its maker returns
	failed chan error    // ends Run; the first one counts

	workers struct {
		sync.Mutex // taken by poll, callbacks and metrics; never held while calling a handler
		by         map[topicPartition]*worker
		queued     int64 // bytes waiting in all queues
		closed     bool  // shutting down: nobody starts any more
	}
	wg      sync.WaitGroup
	look    chan struct{} // asks for the lag of new partitions
	pauses  *metrics.Counter
	resumes *metrics.Counter
}

type topicPartition struct {
	topic     string
	partition int32
}

// NewGroup connects; Run joins the group.
func NewGroup(ctx context.Context, cfg GroupConfig) (*Group, error) {
	g := &Group{cfg: cfg, name: cfg.Kafka.Group + "-" + cfg.Role, ready: make(chan struct{}), failed: make(chan error, 1), look: make(chan struct{}, 1)}
	g.workers.by = map[topicPartition]*worker{}
	label := fmt.Sprintf(`{group=%q}`, g.name)
	g.pauses = cfg.Metrics.GetOrCreateCounter("driftline_kafka_pauses_total" + label)
	g.resumes = cfg.Metrics.GetOrCreateCounter("driftline_kafka_resumes_total" + label)
	cfg.Metrics.GetOrCreateGauge("driftline_kafka_queued_bytes"+label, func() float64 {
		g.workers.Lock()
		defer g.workers.Unlock()
		return float64(g.workers.queued)
	})
	opts, err := cfg.Kafka.Options()
	if err != nil {
		return nil, err
	}
	if cfg.Markers {
		opts = append(opts, kgo.KeepControlRecords())
	}
	if cfg.Kafka.Instance != "" {
		opts = append(opts, kgo.InstanceID(cfg.Kafka.Instance))
	}
	room := new(room)
	g.cl, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup(g.name),
		kgo.ConsumeTopics(cfg.Topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // aborted records, such as of an interrupted replay of dead letters, never happened
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), // no rebalance between a poll and its dispatch: no stale records
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(cfg.Kafka.SessionTimeout),
		kgo.RebalanceTimeout(cfg.Kafka.RebalanceTimeout),
		kgo.FetchMaxBytes(int32(cfg.Kafka.FetchMaxBytes)),
		kgo.FetchMaxPartitionBytes(int32(max(1<<20, cfg.Kafka.FetchMaxBytes/4))),
		kgo.MaxConcurrentFetches(2),
		kgo.FetchMaxWait(250*time.Millisecond),
		kgo.WithPools(room), kgo.WithHooks(room, throttled{cfg.Metrics.GetOrCreateFloatCounter("driftline_kafka_throttled_seconds_total" + label)}),
		kgo.OnOffsetsFetched(g.assigned),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, m map[string][]int32) { g.revoked(m, true) }),
		kgo.OnPartitionsLost(func(ctx context.Context, _ *kgo.Client, m map[string][]int32) { g.revoked(m, false) }),
	)...)
	if err != nil {
		return nil, fmt.Errorf("join kafka group %s: %w", g.name, err)
	}
	if g.cluster, err = clusterID(ctx, g.cl); err != nil {
		g.cl.Close()
		return nil, err
	}
	close(g.ready)
	return g, nil
}

// fail ends Run with an error.
func (g *Group) fail(err error) {
	select {
	case g.failed <- err:
	default: // an earlier failure is ending it
	}
}

// Run consumes until ctx ends, then lets every handler finish and leaves the
// group. It returns nil after a clean stop and a handler's error otherwise.
func (g *Group) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case err := <-g.failed:
			cancel(err)
		case <-ctx.Done():
		}
	})
	watch.Go(func() { g.watchLag(ctx) })
	defer watch.Wait()
	defer cancel(nil)
	for ctx.Err() == nil {
		fetches := g.cl.PollRecords(ctx, 20_000)
		if fetches.IsClientClosed() {
			break
		}
		fetches.EachError(func(topic string, p int32, err error) {
			if ctx.Err() == nil {
				g.errors(topic).Inc()
				g.cfg.Log.Warn("fetch", "topic", topic, "partition", p, "err", err)
			}
		})
		fetches.EachPartition(g.dispatch)
		g.resume()
		g.cl.AllowRebalance()
	}
	g.shutdown()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (g *Group) errors(topic string) *metrics.Counter {
	return g.cfg.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_kafka_fetch_errors_total{group=%q,topic=%q}`, g.name, topic))
}

// shutdown closes all handlers under one deadline and leaves the group. What
// the group assigns in the meantime finds no worker: nobody would stop it.
func (g *Group) shutdown() {
	all := map[string][]int32{}
	g.workers.Lock()
	g.workers.closed = true
	for tp := range g.workers.by {
		all[tp.topic] = append(all[tp.topic], tp.partition)
	}
	g.workers.Unlock()
	g.revoked(all, true)
	g.wg.Wait()
	g.cl.AllowRebalance()
	g.leave()
	g.cl.CloseAllowingRebalance()
}

// leaveGrace is how long a group may still be told that this member leaves when
// there is no time left: those who take over need not wait for its session to
// end then.
const leaveGrace = time.Second

// leave tells the group. A broker that does not answer holds nobody up for
// longer than a cut and its grace.
func (g *Group) leave() {
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ctx.Done():
		case <-g.cfg.Cut:
			select {
			case <-ctx.Done():
			case <-time.After(leaveGrace):
				cancel()
			}
		}
	})
	if err := g.cl.LeaveGroupContext(ctx); err != nil {
		g.cfg.Log.Warn("leave the group", "err", err)
	}
	cancel()
	watch.Wait()
}

// assigned starts a worker for every partition whose committed offset was
// just fetched; records of it cannot arrive before. A session that was cut off
// here is followed by another one that fetches the offsets again.
func (g *Group) assigned(ctx context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	select {
	case <-g.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	ids, err := g.idsOf(ctx, resp)
	if err != nil {
		return err
	}
	start := func(topic string, p int32, offset int64, metadata *string) error {
		part := &Partition{Topic: topic, TopicID: ids[topic], Cluster: g.cluster, Number: p, Start: offset, group: g}
		if metadata != nil {
			part.Metadata = *metadata
		}
		g.revoked(map[string][]int32{topic: {p}}, false)
		h, err := g.cfg.New(part)
		if err != nil {
			err = fmt.Errorf("take %s/%d: %w", topic, p, err)
			g.fail(err)
			return err
		}
		if !g.startWorker(part, h) {
			return errRevoked
		}
		return nil
	}
	// The client fills both forms of the response, whatever the broker's version.
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := start(t.Topic, p.Partition, p.Offset, p.Metadata); err != nil {
				return err
			}
		}
	}
	return nil
}

// revoked ends workers: with a chance to commit, or without when the
// partitions were lost to another member already. It returns when they have
// ended, also those that somebody else is ending: the client may call back in
// the middle of a shutdown, and once this returns the partition has another
// owner. A commit after that would be taken, since the group checks the
// member, not its partitions, and would put the new owner's offset back.
func (g *Group) revoked(m map[string][]int32, clean bool) {
	var eg errgroup.Group
	for topic, partitions := range m {
		for _, p := range partitions {
			tp := topicPartition{topic, p}
			g.workers.Lock()
			w := g.workers.by[tp]
			g.workers.Unlock()
			if w == nil {
				continue
			}
			eg.Go(func() error {
				w.stop(clean)
				w.drop() // what was queued while it ended
				g.workers.Lock()
				if g.workers.by[tp] == w {
					delete(g.workers.by, tp)
					g.hideLag(tp)
				}
				g.workers.Unlock()
				return nil
			})
		}
	}
	_ = eg.Wait() // stop reports its own errors
}

// dispatch queues one partition's records and pauses it when too much waits.
func (g *Group) dispatch(ftp kgo.FetchTopicPartition) {
	if len(ftp.Records) == 0 {
		return
	}
	tp := topicPartition{ftp.Topic, ftp.Partition}
	g.workers.Lock()
	w := g.workers.by[tp]
	g.workers.Unlock()
	if w == nil || w.ending() { // whoever owns the partition next reads them again
		return
	}
	w.lag.fetch(&ftp.FetchPartition)
	size := w.push(ftp.Records)
	g.workers.Lock()
	defer g.workers.Unlock()
	g.workers.queued += size
	if !w.paused && (w.waiting() > g.share() || g.workers.queued > int64(g.cfg.Kafka.QueueBytes)) {
		w.paused = true
		g.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}}) // under the lock: a resume that overtook it would be undone for ever
		g.pauses.Inc()
	}
}

// share of the byte budget that one partition may use alone.
func (g *Group) share() int64 {
	return max(1<<20, int64(g.cfg.Kafka.QueueBytes)/int64(max(1, len(g.workers.by))))
}

// handled gives back bytes of the budget and resumes whom it can.
func (g *Group) handled(size int64) {
	g.workers.Lock()
	g.workers.queued -= size
	g.workers.Unlock()
	g.resume()
}

// resume wakes every paused partition that has room again. Called after every
// piece of work and after every poll, so no pause is left without a resume.
func (g *Group) resume() {
	again := map[string][]int32{}
	g.workers.Lock()
	defer g.workers.Unlock()
	room := g.workers.queued <= int64(g.cfg.Kafka.QueueBytes)*3/4
	for tp, w := range g.workers.by {
		if w.paused && (room && w.waiting() <= g.share()/2 || w.waiting() == 0) {
			w.paused = false
			again[tp.topic] = append(again[tp.topic], tp.partition)
			g.resumes.Inc()
		}
	}
	if len(again) > 0 {
		g.cl.ResumeFetchPartitions(again)
	}
}
