// Command crash shows that ingest counts every record once, whatever fails: it
// runs the real binary against Kafka and the store through proxies, injects
// faults that a seed chooses while records flow, and balances the books at the
// end. Any difference is a failure and names the seed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// options of a run.
type options struct {
	seed        uint64
	faults      int
	limit       time.Duration
	kafkaFaults int
	kafkaLimit  time.Duration
	brokers     int
	perSecond   int
	within      time.Duration
	bin         string
	keep        bool
	verbose     bool
}

func main() {
	serveIfAsked()
	var o options
	flag.Uint64Var(&o.seed, "seed", 0, "repeats the faults and the records of a run; 0 chooses one")
	flag.IntVar(&o.faults, "faults", 200, "faults to inject on kfake")
	flag.DurationVar(&o.limit, "for", 6*time.Minute, "limit of injecting on kfake")
	flag.IntVar(&o.kafkaFaults, "kafka-faults", 30, "faults to inject on Apache Kafka")
	flag.DurationVar(&o.kafkaLimit, "kafka-for", 4*time.Minute, "limit of injecting on Apache Kafka")
	flag.IntVar(&o.brokers, "brokers", 3, "brokers of Apache Kafka: 1 or 3")
	flag.IntVar(&o.perSecond, "rate", 1000, "events a second")
	flag.DurationVar(&o.within, "replay-within", 0, "ingest.replay_within; 0 leaves the default. 1ms holds every unfinished batch against the store instead of trusting in its token")
	flag.StringVar(&o.bin, "driftline", "bin/driftline", "binary to run")
	flag.BoolVar(&o.keep, "keep", false, "keep the logs and the store after a success too")
	flag.BoolVar(&o.verbose, "v", false, "tell every fault")
	flag.Parse()
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "crash: %v\ncrash: repeat with -seed %d\n", err, o.seed)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	fmt.Printf("%s/%s, %d cores, %s; seed %d, %d events a second\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), o.seed, o.perSecond)
	fmt.Println("Recovery is the time from a fault's end until all that was produced before it is committed. Under way means that an intent was pending at that moment.")
	fmt.Println("Disk full is the engine's min_free_disk_bytes_to_perform_insert set beyond any disk, for the table or for one of its views; out of memory its max_memory_usage.")
	return errors.Join(
		o.part(ctx, campaign{name: "kfake", kinds: onFake, faults: o.faults, limit: o.limit}, func(string) (*broker, error) { return startFake() }),
		o.part(ctx, campaign{name: "Apache Kafka", kinds: onApache, faults: o.kafkaFaults, limit: o.kafkaLimit}, func(dir string) (*broker, error) { return startApache(dir, o.brokers) }),
	)
}

// part runs one campaign and prints what came of it.
func (o options) part(ctx context.Context, c campaign, open func(dir string) (*broker, error)) (err error) {
	if c.faults == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Printf("\n== %s\n\n", c.name)
	dir, err := os.MkdirTemp("", "driftline-crash-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil || o.keep {
			fmt.Println("logs and store are kept in", dir)
			return
		}
		_ = os.RemoveAll(dir)
	}()
	if c.broker, err = open(dir); errors.Is(err, errAbsent) {
		fmt.Println("NOTICE: skipped,", err)
		return nil
	} else if err != nil {
		return fmt.Errorf("%s: start the broker: %w", c.name, err)
	}
	defer c.broker.close()
	if o.within > 0 {
		c.ingest = fmt.Sprintf("  replay_within: %s\n", o.within)
	}
	c.seed, c.perSecond, c.bin, c.dir, c.say = o.seed, o.perSecond, o.bin, dir, o.say
	t, err := c.run(ctx)
	if t != nil {
		t.print(os.Stdout, c.kinds)
	}
	if err == nil {
		err = t.exact(c.faults)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

func (o options) say(format string, args ...any) {
	if o.verbose {
		fmt.Printf(format+"\n", args...)
	}
}
