package ingest

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ledger is a partition without faults, over nine good records and one that is
// broken, the fourth.
type ledger struct {
	*partition
	*world
	set *metrics.Set
	log *strings.Builder
}

func newLedger(t *testing.T) ledger {
	t.Helper()
	set, log := metrics.NewSet(), &strings.Builder{}
	w := &world{TB: t, rng: rand.New(rand.NewPCG(1, 1)), schema: localSchemas{}, set: set, offset: -1, tokens: map[string]bool{}, stored: map[int64]int{}, buried: map[int64]int{}, at: map[int64]window{}, due: map[int64]window{}, silent: map[int64]window{}, summed: map[window]int{}}
	for i := range int64(10) {
		r := &kgo.Record{Topic: "in", Offset: i, Timestamp: time.Now(), Value: w.event(i)}
		if i == 3 {
			r.Value = []byte("{")
		}
		w.log = append(w.log, r)
	}
	cfg := DefaultConfig()
	cfg.Topics = []Topic{{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "t"}}
	cfg.MaxDays = 90
	in := New(cfg, Options{Windows: "windows", Store: w, Schemas: w.schema, Producer: w, Log: slog.New(slog.NewTextHandler(log, nil)), Metrics: set})
	p, err := in.handler(owner{w, 0}, -1, "", assignment{topic: "in", token: "cluster/id/0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Handle(t.Context(), w.log); err != nil {
		t.Fatal(err)
	}
	return ledger{p, w, set, log}
}

// gauge and counter read a metric of the partition.
func (l ledger) gauge(name string) float64 {
	return l.set.GetOrCreateGauge(name+`{topic="in",partition="0"}`, nil).Get()
}

func (l ledger) counter(name string) uint64 {
	return l.set.GetOrCreateCounter(name + `{topic="in",partition="0"}`).Get()
}

// A record that is lost on the way, by whatever fault, shows in the books.
func TestLostRecordsShowInTheBooks(t *testing.T) {
	for name, tc := range map[string]struct {
		lose func(t *testing.T, l ledger)
		want float64
	}{
		"nothing is lost": {func(*testing.T, ledger) {}, 0},
		"a record left out of the batch": {func(t *testing.T, l ledger) {
			dead, buried := l.batch.dead, l.batch.buried
			l.batch = l.another()
			if err := l.batch.takeGood(t.Context(), l.world.log[:9]...); err != nil {
				t.Fatal(err)
			}
			l.batch.dead, l.batch.buried = dead, buried
		}, 1},
		"a batch that is forgotten":   {func(_ *testing.T, l ledger) { l.batch.reset() }, 10},
		"a dead letter that is not":   {func(_ *testing.T, l ledger) { l.batch.dead = nil }, 1},
		"a record that counts twice":  {func(_ *testing.T, l ledger) { l.batch.empty++ }, 1},
		"a record taken behind a row": {func(_ *testing.T, l ledger) { l.open++ }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			tc.lose(t, l)
			if err := l.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := l.gauge("driftline_ingest_unaccounted_records"); got != tc.want {
				t.Errorf("%v records are unaccounted for, want %v", got, tc.want)
			}
			if told := strings.Contains(l.log.String(), "do not balance"); told != (tc.want != 0) {
				t.Errorf("logged:\n%s", l.log)
			}
		})
	}
}

// Records that are open when the partition goes are given back, once.
func TestOpenRecordsAreReturned(t *testing.T) {
	l := newLedger(t)
	if n := l.gauge("driftline_ingest_open_records"); n != 10 {
		t.Errorf("%v records are open, want 10", n)
	}
	l.End()
	l.End()
	if n := l.counter("driftline_ingest_records_returned_total"); n != 10 {
		t.Errorf("%d records were returned, want 10", n)
	}
	for _, name := range l.set.ListMetricNames() {
		if strings.HasPrefix(name, "driftline_ingest_open_records") {
			t.Errorf("%s is left", name)
		}
	}
}

// A record that vanishes from the log while the store refuses its batch is
// lost, and said to be.
func TestVanishedRecordsAreLost(t *testing.T) {
	l := newLedger(t)
	l.cursed = map[int64]bool{6: true}
	l.world.log = append(l.world.log[:8:8], l.world.log[9])
	if err := l.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lost, stored, dead := l.counter("driftline_ingest_lost_records_total"), l.counter("driftline_ingest_records_stored_total"), l.counter("driftline_ingest_dead_letters_total"); lost != 1 || stored != 7 || dead != 2 {
		t.Errorf("%d lost, %d stored, %d dead letters; want 1, 7, 2", lost, stored, dead)
	}
	if n := l.gauge("driftline_ingest_unaccounted_records"); n != 0 {
		t.Errorf("%v records are unaccounted for", n)
	}
}
