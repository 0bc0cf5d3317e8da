package apachekafka

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/driftline/driftline/internal/kafka"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dial(t testing.TB, cfg kafka.Config, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := cfg.Dial(more...)
	check(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// What was produced survives a stop, a kill and the restarts after them, on
// the same address; processes that were ended are gone.
func TestBrokerKeepsItsDataOverRestarts(t *testing.T) {
	c := Shared(t)
	cl := dial(t, c.Kafka())
	check(t, kafka.CreateTopics(t.Context(), cl, 1, "in"))
	for _, end := range []func(testing.TB, int){c.Stop, c.Kill} {
		check(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: []byte("a")}).FirstErr())
		pid := c.broker(1).cmd.Process.Pid
		end(t, 1)
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d of the ended broker: %v", pid, err)
		}
		c.Restart(t, 1)
	}
	ends, err := kadm.NewClient(dial(t, c.Kafka())).ListEndOffsets(t.Context(), "in")
	check(t, err)
	if end, _ := ends.Lookup("in", 0); end.Offset != 2 {
		t.Errorf("the topic ends at %d after two records", end.Offset)
	}
}

func TestSharedClusterIsEmptyForEveryTest(t *testing.T) {
	for range 2 {
		cl := dial(t, Shared(t).Kafka())
		adm := kadm.NewClient(cl)
		topics, err := adm.ListTopics(t.Context())
		check(t, err)
		groups, err := adm.ListGroups(t.Context())
		check(t, err)
		if len(topics)+len(groups) > 0 {
			t.Errorf("topics %v and groups %v are left over", topics.Names(), groups.Groups())
		}
		check(t, kafka.CreateTopics(t.Context(), cl, 1, "in"))
		var offsets kadm.Offsets
		offsets.AddOffset("in", 0, 0, -1)
		err = adm.CommitAllOffsets(t.Context(), "group", offsets)
		for errors.Is(err, kerr.UnknownTopicOrPartition) { // not every part of the broker has heard of it yet
			time.Sleep(50 * time.Millisecond)
			err = adm.CommitAllOffsets(t.Context(), "group", offsets)
		}
		check(t, err)
	}
}

// A broker ends with the process that started it, even when that is killed:
// its guard sees the pipe between them close.
func TestGuardKillsWhenItsOwnerIsGone(t *testing.T) {
	sleeper := exec.Command("sleep", "600")
	check(t, sleeper.Start())
	g, err := newGuard(sleeper.Process.Pid)
	check(t, err)
	check(t, g.hold.Close())
	if err := sleeper.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the process ended with %v", err)
	}
	g.release()
}

func TestStartRefusesOtherSizes(t *testing.T) {
	if _, err := start(t.Context(), installation{}, t.TempDir(), Config{Brokers: 2}); err == nil || !strings.Contains(err.Error(), "supported: 1 and 3") {
		t.Error(err)
	}
}

// A broker that cannot start says why, at once.
func TestStartTellsWhatTheBrokerSaid(t *testing.T) {
	at := require(t)
	at.libs = t.TempDir()
	_, err := start(t.Context(), at, t.TempDir(), Config{})
	if err == nil || !strings.Contains(err.Error(), "StorageTool") {
		t.Error(err)
	}
}
