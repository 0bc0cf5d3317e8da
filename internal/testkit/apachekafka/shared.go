package apachekafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// shared is the cluster that the tests of a binary use one after the other.
var shared struct {
	once    sync.Once
	running bool // Run is there to end it
	dir     string
	cluster *Cluster
	err     error
}

// Run is for TestMain: it runs the tests and then ends the cluster of Shared.
// The result is for os.Exit.
func Run(m *testing.M) int {
	shared.running = true
	defer func() {
		if shared.cluster != nil {
			shared.cluster.kill()
		}
		if shared.dir != "" {
			_ = os.RemoveAll(shared.dir)
		}
	}()
	return m.Run()
}

// Shared is a cluster of one broker without security, empty of topics and
// groups, that all tests of the binary use in turn: not for parallel tests.
// TestMain must call Run. A test that stops the broker starts it again.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	at := require(t)
	if !shared.running {
		t.Fatal("TestMain does not call apachekafka.Run, which ends the shared cluster")
	}
	shared.once.Do(func() { shared.dir, shared.cluster, shared.err = startShared(at) })
	if shared.cluster != nil {
		shared.cluster.showLogs(t)
	}
	if shared.err != nil {
		t.Fatal("start the shared cluster: ", shared.err)
	}
	if err := shared.cluster.empty(t.Context()); err != nil {
		t.Fatal("empty the shared cluster: ", err)
	}
	return shared.cluster
}

func startShared(at installation) (string, *Cluster, error) {
	dir, err := os.MkdirTemp("", "driftline-kafka")
	if err != nil {
		return "", nil, err
	}
	c, err := start(context.Background(), at, dir, Config{}) // it outlives the test that starts it
	return dir, c, err
}

// empty deletes topics and groups. Members of a former test may take a moment
// to be gone.
func (c *Cluster) empty(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("out of time"))
	defer cancel()
	cl, err := c.Kafka().Dial()
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	for {
		err := deleteAll(ctx, adm)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func deleteAll(ctx context.Context, adm *kadm.Client) error {
	groups, err := adm.DescribeGroups(ctx) // all of them
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := deleteGroup(ctx, adm, g); err != nil {
			return fmt.Errorf("delete group %s: %w", g.Group, err)
		}
	}
	topics, err := adm.ListTopics(ctx) // without the internal ones
	if err != nil {
		return err
	}
	var errs []error
	for _, topic := range topics.Names() {
		r, err := adm.DeleteTopic(ctx, topic)
		if err = errors.Join(err, r.Err); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			errs = append(errs, fmt.Errorf("delete topic %s: %w", topic, err))
		}
	}
	return errors.Join(errs...)
}

// deleteGroup first removes members with names of their own: they do not
// leave, and would be waited for until their sessions run out.
func deleteGroup(ctx context.Context, adm *kadm.Client, g kadm.DescribedGroup) error {
	var named []string
	for _, m := range g.Members {
		if m.InstanceID != nil {
			named = append(named, *m.InstanceID)
		}
	}
	if len(named) > 0 {
		if _, err := adm.LeaveGroup(ctx, kadm.LeaveGroup(g.Group).InstanceIDs(named...)); err != nil {
			return err
		}
	}
	r, err := adm.DeleteGroup(ctx, g.Group)
	return errors.Join(err, r.Err)
}
