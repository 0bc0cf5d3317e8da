package clickhouse_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/clickhouse"
)

// While the store is away, blocks wait behind the breaker instead of dialling
// in a storm; the block that waits is written when the store is back.
func TestInsertWaitsForTheStore(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts and hangs up: a store that is going down
	check(t, err)
	dials := make(chan struct{}, 10_000)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			dials <- struct{}{}
			_ = c.Close()
		}
	}()
	cfg := clickhouse.DefaultConfig()
	cfg.Addr = []string{ln.Addr().String()}
	set := metrics.NewSet()
	ins, err := clickhouse.NewInserter(cfg, set)
	check(t, err)
	defer ins.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	err = ins.Insert(ctx, "inference_events", "token", proto.Input{{Name: "a", Data: &proto.ColInt8{1}}})
	if err == nil {
		t.Fatal("inserted into a store that is away")
	}
	_ = ln.Close()
	var page strings.Builder
	set.WritePrometheus(&page)
	if n := len(dials); n > 20 {
		t.Errorf("%d dials in 4 s: the breaker does not hold them back", n)
	}
	if !strings.Contains(page.String(), "driftline_clickhouse_breaker_state 2") && !strings.Contains(page.String(), "driftline_clickhouse_breaker_state 1") {
		t.Errorf("breaker is not open:\n%s", page.String())
	}
}
