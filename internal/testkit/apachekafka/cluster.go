package apachekafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"
)

// patience is how long brokers may take to start or stop. Seconds are usual;
// a machine that runs many tests at once is slower.
const patience = 90 * time.Second

// start makes a cluster in dir. When it returns a cluster along with an error,
// the cluster's logs tell why, and it is the caller's to kill.
func start(ctx context.Context, at installation, dir string, cfg Config) (*Cluster, error) {
	if cfg.Brokers == 0 {
		cfg.Brokers = 1
	}
	if cfg.Brokers != 1 && cfg.Brokers != 3 {
		return nil, fmt.Errorf("%d brokers; supported: 1 and 3", cfg.Brokers)
	}
	id := uuid.New()
	c := &Cluster{cfg: cfg, dir: dir, id: base64.RawURLEncoding.EncodeToString(id[:])}
	if cfg.TLS {
		if err := writeCertificates(dir); err != nil {
			return nil, fmt.Errorf("make certificates: %w", err)
		}
	}
	ports, err := freePorts(3 * cfg.Brokers)
	if err != nil {
		return nil, err
	}
	for i := range cfg.Brokers {
		b := &broker{at: at, id: i + 1, dir: dir}
		b.ports.client, b.ports.internal, b.ports.controller = ports[3*i], ports[3*i+1], ports[3*i+2]
		c.brokers = append(c.brokers, b)
	}
	var eg errgroup.Group
	for _, b := range c.brokers {
		eg.Go(func() error { return b.format(ctx, c) })
	}
	if err := eg.Wait(); err != nil {
		return c, fmt.Errorf("format the storage: %w", err)
	}
	for _, b := range c.brokers {
		if err := b.start(); err != nil {
			return c, fmt.Errorf("start broker %d: %w", b.id, err)
		}
	}
	return c, c.await(ctx)
}

// freePorts finds loopback ports that nobody listens on. They lie below those
// that systems give to outgoing connections: a client that dials a broker
// while it is down must not be given the broker's own port.
func freePorts(n int) ([]int, error) {
	const low, high = 20_000, 32_000
	var ports []int
	for range 1000 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(low+rand.IntN(high-low))))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }() // all at the end, so that none comes twice
		if ports = append(ports, l.Addr().(*net.TCPAddr).Port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("found %d free ports between %d and %d, want %d", len(ports), low, high, n)
}

// await waits until every broker that runs serves clients and the cluster
// knows that it does.
func (c *Cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("not ready in time"))
	defer cancel()
	for {
		err := c.ready(ctx)
		if err == nil {
			return nil
		}
		for _, b := range c.brokers {
			if b.cmd != nil && b.ended() {
				return fmt.Errorf("broker %d ended: %s", b.id, b.cmd.ProcessState)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ready asks every running broker for its view of the cluster.
func (c *Cluster) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	running := 0
	for _, b := range c.brokers {
		if b.cmd != nil {
			running++
		}
	}
	for _, b := range c.brokers {
		if b.cmd == nil {
			continue
		}
		conn, err := net.Dial("tcp", b.addr()) // cheaper than a client as long as nobody listens
		if err != nil {
			return err
		}
		_ = conn.Close()
		cfg := c.Kafka()
		cfg.Brokers = []string{b.addr()}
		cl, err := cfg.Dial()
		if err != nil {
			return err
		}
		md, err := kadm.NewClient(cl).BrokerMetadata(ctx)
		cl.Close()
		if err != nil {
			return err
		}
		if len(md.Brokers) < running || md.Controller < 0 {
			return fmt.Errorf("broker %d knows %d of %d brokers, and controller %d", b.id, len(md.Brokers), running, md.Controller)
		}
	}
	return nil
}
