package clickhouse_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/clickhouse"
)

// A block that is sent twice is counted as left out, by the server itself, and
// one that is new is not.
func TestDeduplicatedBlocksAreCounted(t *testing.T) {
	db, cfg := open(t)
	ins, err := clickhouse.NewInserter(cfg, metrics.NewSet())
	check(t, err)
	defer ins.Close()
	blocks := func() (n uint64) {
		all, err := db.DeduplicatedBlocks(t.Context())
		check(t, err)
		if len(all) != 1 {
			t.Fatalf("counts of %d servers: %v", len(all), all)
		}
		for _, v := range all {
			n = v
		}
		return n
	}
	send := func(token string) {
		var word, text proto.ColStr
		at := new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli)
		at.Append(time.Now())
		word.Append("x")
		text.Append("r1")
		check(t, ins.Insert(t.Context(), "job_events", token, proto.Input{
			{Name: "timestamp", Data: at}, {Name: "job", Data: &word}, {Name: "run_id", Data: &text},
		}))
	}
	before := blocks()
	send("once")
	if n := blocks(); n != before {
		t.Errorf("the first insert makes %d of %d blocks left out", n, before)
	}
	send("once")
	one := blocks() - before
	send("once")
	send("another")
	if n := blocks() - before; one == 0 || n != 2*one {
		t.Errorf("the first repetition counts %d, two count %d", one, n)
	}

	set := metrics.NewSet()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- db.WatchEvents(ctx, set, slog.New(slog.DiscardHandler)) }()
	var shown string
	for deadline := time.Now().Add(10 * time.Second); shown == "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var b strings.Builder
		set.WritePrometheus(&b)
		shown = b.String()
	}
	cancel()
	check(t, <-done)
	if !strings.HasPrefix(shown, `driftline_clickhouse_deduplicated_blocks_total{server="`) || strings.HasSuffix(shown, "} 0\n") {
		t.Errorf("shown: %q", shown)
	}
}
