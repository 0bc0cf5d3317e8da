package kafka_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Records of a transaction that was aborted never happened: an interrupted
// replay of dead letters leaves such records behind.
func TestGroupReadsCommitted(t *testing.T) { overKafkas(t, testGroupReadsCommitted) }

func testGroupReadsCommitted(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 1)
	cl, err := cfg.Dial(kgo.TransactionalID("test"))
	check(t, err)
	defer cl.Close()
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		check(t, cl.BeginTransaction())
		check(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: fmt.Append(nil, i)}).FirstErr())
		check(t, cl.EndTransaction(t.Context(), end))
	}
	produce(t, cfg, "in", 1)
	all := &seen{}
	stop := member(t, cfg, "in", metrics.NewSet(), recording(all, nil))
	until(t, "the last record", func() bool { return all.count() >= 3 })
	check(t, stop())
	if want := []string{"0", "2", "000000"}; !slices.Equal(all.values, want) {
		t.Errorf("handled %q, want %q", all.values, want)
	}
}
