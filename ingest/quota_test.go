package ingest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
)

// throttled pushes records of one tenant through a batch as a partition does,
// until the time is over, and returns how many came through.
func throttled(t *testing.T, b *batch, r *kgo.Record, d time.Duration) (n int) {
	t.Helper()
	longest := time.Duration(0)
	for end := time.Now().Add(d); time.Now().Before(end); {
		switch err := offer(t, b, r); {
		case err == nil:
			n++
			if len(b.dead) > 0 {
				t.Fatal("a quota made a dead letter")
			}
		case errors.As(err, new(*kafka.Later)):
			later := (*kafka.Later)(nil)
			errors.As(err, &later)
			longest = max(longest, later.After)
			time.Sleep(later.After)
		default:
			t.Fatal(err)
		}
	}
	if longest > slice {
		t.Errorf("a single wait of %s", longest)
	}
	return n
}

// offer does what a partition does with a record: it asks whether it may come.
func offer(t *testing.T, b *batch, r *kgo.Record) error {
	if err := b.bill.wait(); err != nil {
		return err
	}
	return b.add(t.Context(), r)
}

func quotaBatch(in *Ingester) *batch {
	return newTestBatch(in, in.topics["in"])
}

func quotaRecord(tenant string) *kgo.Record {
	return &kgo.Record{Topic: "in", Value: fmt.Appendf(nil, `{"tenant":%q,%s}`, tenant, bodies[Events])}
}

func quotaIngester(quotas map[string]Quota) *Ingester {
	return gated(Config{Topics: []Topic{{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "home"}}, Quotas: quotas})
}

func near(got int, want, tolerance float64) bool { return math.Abs(float64(got)-want) <= tolerance }

// Rows come as fast as the quota allows, whether by rows or by bytes, however
// slow or fast that is.
func TestQuotasHoldTheirRate(t *testing.T) {
	size := len(quotaRecord("a").Value)
	for name, c := range map[string]struct {
		quota Quota
		want  float64 // rows in a minute, the bucket's first second included
	}{
		"rows":       {Quota{RowsPerSecond: 100}, 6100},
		"few rows":   {Quota{RowsPerSecond: 1}, 61},
		"bytes":      {Quota{BytesPerSecond: 1 << 10}, 61 * (1 << 10) / float64(size)},
		"few bytes":  {Quota{BytesPerSecond: 10}, 61 * 10 / float64(size)}, // less than a record a second
		"both":       {Quota{RowsPerSecond: 10, BytesPerSecond: 1 << 20}, 610},
		"both again": {Quota{RowsPerSecond: 10_000, BytesPerSecond: 1 << 10}, 61 * (1 << 10) / float64(size)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := quotaIngester(map[string]Quota{"a": c.quota})
				if n := throttled(t, quotaBatch(in), quotaRecord("a"), time.Minute); !near(n, c.want, c.want/50+12) {
					t.Errorf("%d rows in a minute, want about %.0f", n, c.want)
				}
				if s := throttledSeconds(in, "a"); s < 45 || s > 60 {
					t.Errorf("%.1f seconds throttled of about 59", s)
				}
			})
		})
	}
}

func throttledSeconds(in *Ingester, tenant string) float64 {
	return in.Metrics.GetOrCreateFloatCounter(fmt.Sprintf(`driftline_ingest_throttled_seconds_total{tenant=%q}`, tenant)).Get()
}

// All partitions of the process share one allowance, and none of them starves.
func TestPartitionsShareAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := quotaIngester(map[string]Quota{"*": {RowsPerSecond: 100}})
		var each [4]int
		var wg sync.WaitGroup
		for i := range each {
			wg.Go(func() { each[i] = throttled(t, quotaBatch(in), quotaRecord("a"), time.Minute) })
		}
		wg.Wait()
		sum := 0
		for _, n := range each {
			sum += n
			if n < 100 {
				t.Errorf("a partition got %d rows of %v", n, each)
			}
		}
		if !near(sum, 6100, 200) {
			t.Errorf("%d rows in a minute, want about 6100", sum)
		}
	})
}

// Tenants do not pay for each other; those that are not named have an
// allowance each under "*"; without one they have no limit.
func TestQuotasAreByTenant(t *testing.T) {
	for _, rest := range []Quota{{}, {RowsPerSecond: 50}} {
		synctest.Test(t, func(t *testing.T) {
			in := quotaIngester(map[string]Quota{"a": {RowsPerSecond: 10}, "*": rest})
			n := map[string]int{}
			for tenant := range map[string]bool{"a": true, "b": true, "c": true} {
				if tenant != "a" && rest.RowsPerSecond == 0 {
					b := quotaBatch(in)
					for range 10_000 {
						if err := b.add(t.Context(), quotaRecord(tenant)); err != nil {
							t.Fatal(err)
						}
					}
					continue
				}
				n[tenant] = throttled(t, quotaBatch(in), quotaRecord(tenant), 10*time.Second)
			}
			if !near(n["a"], 110, 15) || rest.RowsPerSecond > 0 && (!near(n["b"], 550, 30) || !near(n["c"], 550, 30)) {
				t.Errorf("%v rows in ten seconds", n)
			}
		})
	}
}

// What cannot be decoded costs as well, and a record of many rows costs all of them.
func TestEveryRecordIsPaidFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := quotaIngester(map[string]Quota{"home": {RowsPerSecond: 10}})
		b := quotaBatch(in)
		for range 11 {
			if err := offer(t, b, &kgo.Record{Topic: "in", Value: []byte("{")}); err != nil {
				t.Fatal(err)
			}
		}
		if err := offer(t, b, &kgo.Record{Topic: "in", Value: []byte("{")}); !errors.As(err, new(*kafka.Later)) {
			t.Error("broken records are free:", err)
		}
		time.Sleep(time.Hour)
		value := "["
		for range 999 {
			value += "{" + bodies[Events] + "},"
		}
		if err := offer(t, b, &kgo.Record{Topic: "in", Value: []byte(value + "{" + bodies[Events] + "}]")}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for offer(t, b, quotaRecord("home")) != nil {
			time.Sleep(time.Second)
		}
		if waited := time.Since(start); waited < 98*time.Second || waited > 100*time.Second {
			t.Errorf("a thousand rows at ten a second held the next one up for %s", waited)
		}
	})
}

// Who makes tenants up gets no memory and no allowance for each.
func TestAllowancesAreBounded(t *testing.T) {
	q := newQuotas(map[string]Quota{"*": {RowsPerSecond: 1}, "named": {RowsPerSecond: 5}}, metrics.NewSet())
	for i := range maxBuckets + 100 {
		q.of(fmt.Append(nil, "t", i))
	}
	if n := len(q.open.by); n > maxBuckets+1 {
		t.Errorf("%d allowances", n)
	}
	if q.of([]byte("x")) != q.of([]byte("y")) || q.of([]byte("named")) == q.of([]byte("x")) {
		t.Error("allowances beyond the bound are not shared, or a named one is")
	}
}

func TestWithoutQuotasNothingIsCounted(t *testing.T) {
	in := quotaIngester(map[string]Quota{"a": {MaxModels: 5}})
	if in.quotas != nil || in.quotas.bill(Topic{}) != nil || in.quotas.bill(Topic{}).wait() != nil {
		t.Error("a bill without a rate")
	}
}
