package kafka_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// gauge reads one of the metrics of partition 0 of topic in.
func gauge(set *metrics.Set, name string) float64 {
	return set.GetOrCreateGauge(name+`{group="driftline-test",topic="in",partition="0"}`, nil).Get()
}

func shown(set *metrics.Set, name string) (n int) {
	for _, m := range set.ListMetricNames() {
		if strings.HasPrefix(m, name) {
			n++
		}
	}
	return n
}

// While handlers stand still the lag is all that was produced; it ends at 0,
// and a partition that is gone has none.
func TestLagIsShown(t *testing.T) { overKafkas(t, testLagIsShown) }

func testLagIsShown(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 1)
	produce(t, cfg, "in", 100)
	var all seen
	set, hold := metrics.NewSet(), make(chan struct{})
	stop := member(t, cfg, "in", set, recording(&all, func() { <-hold }))
	until(t, "a partition", func() bool { return shown(set, "driftline_kafka_lag_records") == 1 })
	until(t, "a lag of 100 records", func() bool { return gauge(set, "driftline_kafka_lag_records") == 100 })
	time.Sleep(20 * time.Millisecond) // of age
	if s := gauge(set, "driftline_kafka_lag_seconds"); s < .02 || s > 60 {
		t.Errorf("the oldest record is %v s old", s)
	}
	close(hold)
	until(t, "no lag", func() bool { return gauge(set, "driftline_kafka_lag_records") == 0 })
	if s := gauge(set, "driftline_kafka_lag_seconds"); s != 0 {
		t.Errorf("without a lag the oldest record is %v s old", s)
	}
	check(t, stop())
	if n := shown(set, "driftline_kafka_lag_"); n != 0 {
		t.Errorf("%d metrics of partitions that are gone: %v", n, set.ListMetricNames())
	}
}

// A partition that is taken away takes its lag along.
func TestLagMovesWithItsPartition(t *testing.T) { overKafkas(t, testLagMovesWithItsPartition) }

func testLagMovesWithItsPartition(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 4)
	var all seen
	sets := []*metrics.Set{metrics.NewSet(), metrics.NewSet()}
	stopA := member(t, cfg, "in", sets[0], recording(&all, nil))
	until(t, "four partitions", func() bool { return shown(sets[0], "driftline_kafka_lag_records") == 4 })
	stopB := member(t, cfg, "in", sets[1], recording(&all, nil))
	until(t, "two partitions each", func() bool {
		return shown(sets[0], "driftline_kafka_lag_records") == 2 && shown(sets[1], "driftline_kafka_lag_records") == 2
	})
	names := append(sets[0].ListMetricNames(), sets[1].ListMetricNames()...)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, "driftline_kafka_lag_records") })
	slices.Sort(names)
	if len(slices.Compact(names)) != 4 {
		t.Errorf("lags of %v", names)
	}
	check(t, stopB())
	check(t, stopA())
}

// Where nothing is committed and nothing arrives, the lag is told all the same.
func TestLagOfASilentPartition(t *testing.T) {
	cfg, _ := fake(t)
	with(t, cfg, "in", 1)
	var all seen
	set := metrics.NewSet()
	stop := member(t, cfg, "in", set, recording(&all, nil))
	until(t, "a partition", func() bool { return shown(set, "driftline_kafka_lag_records") == 1 })
	until(t, "an answer", func() bool { return !math.IsNaN(gauge(set, "driftline_kafka_lag_records")) })
	if n := gauge(set, "driftline_kafka_lag_records"); n != 0 {
		t.Errorf("the lag is %v", n)
	}
	check(t, stop())
}
