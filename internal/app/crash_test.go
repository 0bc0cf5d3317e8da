package app_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// crashEvents is how many events flow while the process is killed.
const crashEvents = 500_000

// Kill -9 of the whole process at random moments loses nothing and counts
// nothing twice: not in the rows, and not in what the views make of them.
func TestKillNine(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	if testing.Short() {
		t.Skip("half a million events")
	}
	bin := filepath.Join(t.TempDir(), "driftline")
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "github.com/driftline/driftline/cmd/driftline")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does: the compiler has done it already
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	broker := embeddedtest.Kafka(t)
	kcfg := kafka.DefaultConfig()
	kcfg.Brokers = broker.Addrs()
	cl, err := kcfg.Dial(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	check(t, err)
	defer cl.Close()
	check(t, kafka.CreateTopics(t.Context(), cl, 4, "events"))
	data := t.TempDir()
	conf := filepath.Join(t.TempDir(), "driftline.yaml")
	check(t, os.WriteFile(conf, fmt.Appendf(nil, `
admin: {listen: ""}
kafka: {brokers: [%q], instance: crash}
clickhouse: {retention: {raw: 0s, summaries: 0s}}
embedded: {clickhouse: {enabled: true, data_dir: %q}}
ingest:
  batch_rows: 20000
  flush_interval: 200ms
  topics: [{topic: events, kind: events, format: protobuf}]
`, broker.Addrs()[0], data), 0o600))

	var producer sync.WaitGroup
	producer.Go(func() {
		pace := time.NewTicker(100 * time.Millisecond) // events flow during all kills
		defer pace.Stop()
		start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for i := range crashEvents {
			if i%5000 == 0 {
				<-pace.C
			}
			score := float64(i%1000) / 1000
			e := schemas.Event{
				Model: "m", Version: "v1", RequestID: fmt.Sprint(i), Time: start.Add(time.Duration(i) * time.Millisecond), Score: &score,
				Features: schemas.Features{Numeric: map[string]float64{"a": float64(i % 97)}, Categorical: map[string]string{"c": []string{"x", "y", "z"}[i%3]}},
			}
			cl.Produce(t.Context(), &kgo.Record{Topic: "events", Value: e.AppendProto(nil)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
	})

	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills, busy, adm := 0, 0, kadm.NewClient(cl)
	for lag := int64(1); lag > 0; {
		p := startProcess(t, bin, conf)
		if kills < 10 {
			time.Sleep(time.Duration(rng.IntN(900)) * time.Millisecond) // the random moment
			if groupLag(t, adm) > 0 {
				busy++
			}
			check(t, p.cmd.Process.Kill())
			kills++
		} else {
			producer.Wait()
			until(t, "everything committed", func() bool { lag = groupLag(t, adm); return lag == 0 })
			check(t, p.cmd.Process.Signal(os.Interrupt))
		}
		_ = p.cmd.Wait()
		<-p.drained
	}

	store, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: data})
	check(t, err)
	defer func() { _ = store.Close() }()
	ccfg := clickhouse.DefaultConfig()
	ccfg.Addr = []string{store.Addr()}
	db, err := clickhouse.Open(ccfg)
	check(t, err)
	defer func() { _ = db.Close() }()
	for sql, want := range map[string]uint64{
		"SELECT count() FROM inference_events":                        crashEvents,
		"SELECT uniqExact(request_id) FROM inference_events":          crashEvents,
		"SELECT sum(rows) FROM feature_sketches_1m":                   crashEvents,
		"SELECT sumForEachMerge(present)[3] FROM feature_sketches_1m": crashEvents,
		"SELECT sum(rows) FROM category_counts_1m WHERE position = 1": crashEvents,
		"SELECT uniqExact(_partition, _offset) FROM inference_events": crashEvents,
	} {
		var got uint64
		check(t, db.Conn().QueryRow(t.Context(), sql).Scan(&got))
		if got != want {
			t.Errorf("%s gives %d, want %d", sql, got, want)
		}
	}
	t.Logf("%d kills, %d of them with records on their way", kills, busy)
	if busy < kills/2 {
		t.Error("most kills met an idle process: this run proves nothing")
	}
}

// process is a running driftline whose log is read to its end.
type process struct {
	cmd     *exec.Cmd
	drained chan struct{}
}

// startProcess returns when ingest runs.
func startProcess(t testing.TB, bin, conf string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(bin, "run", "-config", conf, "--roles", "ingest"), drained: make(chan struct{})}
	out, err := p.cmd.StderrPipe()
	check(t, err)
	check(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	started, lines := make(chan struct{}), []string{}
	go func() {
		defer close(p.drained)
		once := sync.OnceFunc(func() { close(started) })
		defer once()
		for s := bufio.NewScanner(out); s.Scan(); {
			lines = append(lines, s.Text())
			if strings.Contains(s.Text(), "started") {
				once()
			}
			if strings.Contains(s.Text(), "panic") || strings.Contains(s.Text(), "ERROR") {
				t.Log(s.Text())
			}
		}
	}()
	select {
	case <-started:
	case <-time.After(2 * time.Minute):
		t.Fatal("driftline does not start")
	}
	select {
	case <-p.drained:
		t.Fatalf("driftline ended: %v\n%s", p.cmd.Wait(), strings.Join(lines, "\n"))
	default:
	}
	return p
}

// groupLag is how many records are not committed yet; an intent counts as one.
func groupLag(t testing.TB, adm *kadm.Client) (lag int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ends, err := adm.ListEndOffsets(ctx, "events")
	check(t, err)
	committed, err := adm.FetchOffsets(ctx, "driftline-ingest")
	check(t, err)
	ends.Each(func(end kadm.ListedOffset) {
		o, ok := committed.Lookup(end.Topic, end.Partition)
		if !ok {
			lag += end.Offset
			return
		}
		lag += end.Offset - o.At
		if o.Metadata != "" {
			lag++
		}
	})
	return lag
}
