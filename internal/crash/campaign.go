package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
)

// Names and limits of the run's driftline. The timeouts are short, so that a
// run meets many of them; the session's is the shortest that brokers allow.
const (
	topic          = "events"
	group          = "driftline-ingest"
	partitions     = 4
	insertTimeout  = 2 * time.Second
	sessionTimeout = 6 * time.Second
	patience       = 6 * time.Second  // until traffic that a fault waits for has come
	calm           = 10 * time.Second // until a recovery that is waited for has come
	drainTimeout   = 90 * time.Second
)

// campaign is one part of the run: a broker, a store, a fleet and the faults.
type campaign struct {
	name      string
	kinds     []weighted
	faults    int           // wanted
	limit     time.Duration // of injecting
	seed      uint64
	perSecond int    // events
	ingest    string // more configuration of ingest, a line each
	bin, dir  string
	say       func(format string, args ...any) // what happens, for the curious

	broker  *broker
	proxies *brokerProxies
	store   *store
	fleet   *fleet
	places  []*instance
	cl      *kgo.Client // to the brokers, past the proxies
	truth   *truth
	watch   *watch
	tally   *tally
	cleanup []func()
}

// run injects, drains and balances the books.
func (c *campaign) run(ctx context.Context) (*tally, error) {
	defer c.close()
	if err := c.start(ctx); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	watching, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { c.watch.run(watching) })
	defer background.Wait()
	defer cancel()

	stop, produced := make(chan struct{}), make(chan error, 1)
	go func() {
		produced <- produce(ctx, c.cl, newStream(c.seed), c.truth, topic, c.perSecond, stop)
	}()
	err := c.inject(ctx)
	close(stop)
	if err = errors.Join(err, <-produced); err != nil {
		return c.tally, err
	}
	if err := c.drain(ctx); err != nil {
		return c.tally, err
	}
	return c.tally, c.balance(ctx)
}

// start brings everything up: the store with its tables, the topics, and one
// instance of driftline that connects through the proxies.
func (c *campaign) start(ctx context.Context) (err error) {
	c.truth, c.tally = newTruth(), newTally()
	if c.store, err = startStore(ctx, filepath.Join(c.dir, "store")); err != nil {
		return err
	}
	c.onClose(c.store.close)
	if c.proxies, err = newBrokerProxies(c.broker.addrs()); err != nil {
		return err
	}
	c.onClose(c.proxies.close)
	cfg := kafka.DefaultConfig()
	cfg.Brokers = c.broker.addrs()
	if c.cl, err = cfg.Dial(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); err != nil {
		return err
	}
	c.onClose(c.cl.Close)
	if err := kafka.CreateTopics(ctx, c.cl, partitions, topic); err != nil {
		return err
	}
	c.watch = &watch{adm: kadm.NewClient(c.cl), truth: c.truth, topic: topic, group: group}
	return c.startFleet()
}

func (c *campaign) startFleet() error {
	c.fleet = &fleet{bin: c.bin, dir: filepath.Join(c.dir, "logs")}
	if err := os.MkdirAll(c.fleet.dir, 0o750); err != nil {
		return err
	}
	// One member has a name of its own and takes its partitions back at a
	// restart; the other has none and its partitions wait for the session's end.
	for name, member := range []string{"first", ""} {
		in := &instance{f: c.fleet, name: fmt.Sprint("instance-", name+1), conf: filepath.Join(c.dir, fmt.Sprintf("instance-%d.yaml", name+1))}
		if err := os.WriteFile(in.conf, []byte(c.config(member)), 0o600); err != nil {
			return err
		}
		c.places = append(c.places, in)
		c.onClose(func() { _ = in.leave(0) })
	}
	c.places[0].start()
	return nil
}

func (c *campaign) config(member string) string {
	return fmt.Sprintf(`
log: {level: info, format: text}
admin: {listen: ""}
kafka: {brokers: [%q], instance: %q, session_timeout: %s, rebalance_timeout: 10s}
clickhouse: {addr: [%q], insert_timeout: %s, retention: {raw: 0s, summaries: 0s, findings: 0s}}
ingest:
  flush_interval: 250ms
%s  topics: [{topic: %s, kind: events, format: protobuf}]
`, c.proxies.addrs()[0], member, sessionTimeout, c.store.proxy.addr(), insertTimeout, c.ingest, topic)
}

// inject works through the plan until it has injected what is wanted or is
// out of time.
func (c *campaign) inject(ctx context.Context) error {
	if err := c.settle(ctx, c.watch.mark("start", 0), time.Minute); err != nil {
		return fmt.Errorf("nothing has failed yet, but driftline does not run: %w", err)
	}
	start := time.Now()
	for p := newPlan(c.seed, c.kinds); c.tally.injected() < c.faults; {
		if time.Since(start) > c.limit {
			c.tally.note("stopped injecting at the limit of %s", c.limit)
			break
		}
		f := p.next()
		under := c.watch.underWay()
		t0 := time.Now()
		met, err := c.apply(ctx, f)
		if err != nil {
			return fmt.Errorf("inject %q: %w", f.kind, err)
		}
		c.say("%6.1fs %-48s %v for %s, met: %v", time.Since(start).Seconds(), f.kind, under, time.Since(t0).Round(time.Millisecond), met)
		if !met {
			c.tally.missed(f.kind)
			continue
		}
		m := c.watch.mark(f.kind, t0.Sub(start))
		c.tally.add(under, m)
		if f.calm {
			if err := c.settle(ctx, m, calm); err != nil && ctx.Err() != nil {
				return err
			}
		}
		time.Sleep(f.gap)
	}
	c.tally.took = time.Since(start)
	return ctx.Err()
}

// settle waits until what was produced before the mark is committed.
func (c *campaign) settle(ctx context.Context, m *mark, patience time.Duration) error {
	select {
	case <-m.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("not everything is committed after %s", patience)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain waits until everything produced is committed, and stops the fleet.
func (c *campaign) drain(ctx context.Context) error {
	t0 := time.Now()
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if !c.watch.drained(ctx) {
		return fmt.Errorf("not drained %s after the last fault: %s", drainTimeout, c.watch)
	}
	c.tally.drained = time.Since(t0)
	for _, in := range c.places {
		if err := in.leave(30 * time.Second); err != nil {
			c.tally.problem("%v", err)
		}
	}
	c.tally.exits, c.tally.starts = c.fleet.exits, c.fleet.starts
	return nil
}

// balance reads the books, from a store that has just been started again.
func (c *campaign) balance(ctx context.Context) error {
	if err := c.store.outage(0, 0); err != nil {
		return err
	}
	db, err := c.store.open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	all, err := ask(ctx, db, c.truth.totals())
	if err != nil {
		return err
	}
	letters, err := c.truth.letters(ctx, c.cl, topic)
	if err != nil {
		return err
	}
	windows, err := announced(ctx, c.cl, kafka.DefaultConfig().Topics.Windows, db)
	if err != nil {
		return err
	}
	c.tally.books = append(append(all, letters...), windows)
	if len(differences(c.tally.books)) > 0 {
		if c.tally.rows, err = c.truth.whichRows(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) onClose(f func()) { c.cleanup = append(c.cleanup, f) }

func (c *campaign) close() {
	for _, f := range slices.Backward(c.cleanup) {
		f()
	}
	c.cleanup = nil
}
