package app_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// gate is a way to a server that can be made to swallow all that is sent.
type gate struct {
	addr string
	sync.Mutex
	shut bool
}

func newGate(t *testing.T, server string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	g := &gate{addr: l.Addr().String()}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			wg.Go(func() {
				_, _ = io.Copy(writerFunc(func(b []byte) (int, error) { return g.pass(up, b) }), client)
				_ = up.Close()
			})
			wg.Go(func() { _, _ = io.Copy(client, up); _ = client.Close() })
		}
	})
	return g
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (g *gate) pass(to io.Writer, b []byte) (int, error) {
	g.Lock()
	shut := g.shut
	g.Unlock()
	if shut {
		return len(b), nil
	}
	return to.Write(b)
}

func (g *gate) set(shut bool) {
	g.Lock()
	defer g.Unlock()
	g.shut = shut
}

// summed adds up a metric over its labels.
func summed(t *testing.T, a *app.App, name string) (total float64) {
	t.Helper()
	var b strings.Builder
	a.Metrics().WritePrometheus(&b)
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, name+"{") {
			var n float64
			_, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n)
			check(t, err)
			total += n
		}
	}
	return total
}

// The store does not answer while the process is told to stop. It stops when
// shutdown_timeout has passed, and the next one loses and doubles nothing.
func TestStopWhileTheStoreHangs(t *testing.T) {
	direct := clickhouse.DefaultConfig()
	direct.Addr, direct.Retention = []string{embeddedtest.ClickHouse(t).Addr()}, clickhouse.Retention{}
	db, err := clickhouse.Open(direct)
	check(t, err)
	defer func() { _ = db.Close() }()
	check(t, db.Migrate(t.Context(), io.Discard))
	store := newGate(t, direct.Addr[0])

	cfg := app.DefaultConfig()
	cfg.Admin.Listen, cfg.API.Listen, cfg.ShutdownTimeout = "", "", 2*time.Second
	cfg.Kafka.Brokers = embeddedtest.Kafka(t).Addrs()
	cfg.ClickHouse = direct
	cfg.ClickHouse.Addr = []string{store.addr}
	cfg.Ingest.Topics = []ingest.Topic{{Topic: "in", Kind: ingest.Events, Format: ingest.FormatProtobuf, Tenant: "t"}}
	cl, err := cfg.Kafka.Dial()
	check(t, err)
	defer cl.Close()
	check(t, kafka.CreateTopics(t.Context(), cl, 3, "in"))
	send := func(from, to int) {
		for i := from; i < to; i++ {
			e := schemas.Event{Model: "m", RequestID: fmt.Sprint(i), Time: time.Now()}
			cl.Produce(t.Context(), &kgo.Record{Topic: "in", Key: fmt.Append(nil, i), Value: e.AppendProto(nil)}, nil)
		}
		check(t, cl.Flush(t.Context()))
	}
	rows := func(what string) (n uint64) {
		check(t, db.Conn().QueryRow(t.Context(), "SELECT "+what+" FROM inference_events").Scan(&n))
		return n
	}

	a, err := app.Start(t.Context(), cfg, []app.Role{app.Ingest}, testLog())
	check(t, err)
	defer a.Stop()
	send(0, 300)
	until(t, "the first rows", func() bool { return summed(t, a, "driftline_ingest_records_stored_total") == 300 })
	store.set(true)
	send(300, 600)
	until(t, "an open batch", func() bool { return summed(t, a, "driftline_ingest_open_records") > 0 })
	start := time.Now()
	a.Stop()
	if took := time.Since(start); took < 2*time.Second || took > 6*time.Second {
		t.Errorf("the shutdown took %s, want 2s and what teardown takes", took)
	}
	if n := summed(t, a, "driftline_ingest_records_returned_total"); n == 0 || n > 300 {
		t.Errorf("%v records were returned to the next owner, want up to 300", n)
	}

	store.set(false)
	a, err = app.Start(context.WithoutCancel(t.Context()), cfg, []app.Role{app.Ingest}, testLog())
	check(t, err)
	until(t, "all rows", func() bool { return rows("count()") >= 600 })
	a.Stop()
	if n, ids := rows("count()"), rows("uniqExact(request_id)"); n != 600 || ids != 600 {
		t.Errorf("%d rows of %d events, want 600", n, ids)
	}
}
