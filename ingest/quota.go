package ingest

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/time/rate"

	"github.com/driftline/driftline/schemas"
)

// unnamedTenants is the name under ingest.quotas of all tenants that are not
// named there.
const unnamedTenants = "*"

// maxBuckets bounds the tenants with an allowance of their own: those who make
// tenants up share one.
const maxBuckets = 10_000

// quotas are the allowances of all tenants in this process.
type quotas struct {
	cfg map[string]Quota
	set *metrics.Set

	open struct {
		sync.Mutex // never held while waiting
		by         map[string]*allowance
	}
}

// newQuotas gives nil when no quota limits a rate.
func newQuotas(cfg map[string]Quota, set *metrics.Set) *quotas {
	q := &quotas{cfg: cfg, set: set}
	q.open.by = map[string]*allowance{}
	for _, c := range cfg {
		if c.RowsPerSecond > 0 || c.BytesPerSecond > 0 {
			return q
		}
	}
	return nil
}

// quotaOf is what holds for a tenant.
func quotaOf(cfg map[string]Quota, tenant string) Quota {
	if c, ok := cfg[tenant]; ok {
		return c
	}
	return cfg[unnamedTenants]
}

// tooMany tells whether a model version is beyond those of its tenant. One that
// nobody has named yet has the rank that it would get.
func (in *Ingester) tooMany(s *schemas.FeatureSchema) bool {
	limit := in.cfg.MaxModels
	if len(in.cfg.Quotas) > 0 {
		limit = cmp.Or(quotaOf(in.cfg.Quotas, s.Key.Tenant).MaxModels, limit)
	}
	return limit > 0 && s.Rank >= limit
}

// of gives the allowance of a tenant.
func (q *quotas) of(tenant []byte) *allowance {
	q.open.Lock()
	defer q.open.Unlock()
	if a := q.open.by[string(tenant)]; a != nil {
		return a
	}
	name := string(tenant)
	if len(q.open.by) >= maxBuckets {
		if _, named := q.cfg[name]; !named {
			name = unnamedTenants
		}
	}
	a := q.open.by[name]
	if a == nil {
		a = newAllowance(quotaOf(q.cfg, name), q.set, name)
		q.open.by[name] = a
	}
	return a
}

// allowance is what a tenant may still send. It is safe for concurrent use.
type allowance struct {
	rows, bytes *rate.Limiter // nil without a limit
	throttled   *metrics.FloatCounter
}

func newAllowance(c Quota, set *metrics.Set, tenant string) *allowance {
	a := &allowance{rows: bucket(c.RowsPerSecond), bytes: bucket(int(c.BytesPerSecond))}
	if a.rows != nil || a.bytes != nil {
		a.throttled = set.GetOrCreateFloatCounter(fmt.Sprintf(`driftline_ingest_throttled_seconds_total{tenant=%q}`, tenant))
	}
	return a
}

// bucket holds what may come in a second.
func bucket(perSecond int) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), perSecond)
}

// take spends what was taken in and tells how long it is until that is paid
// for: a record is whole, so it may cost more than is there.
func (a *allowance) take(now time.Time, rows, bytes int) time.Duration {
	return max(spend(a.rows, now, rows), spend(a.bytes, now, bytes))
}

func spend(l *rate.Limiter, now time.Time, n int) (wait time.Duration) {
	if l == nil {
		return 0
	}
	for n > 0 { // a limiter gives no more at once than its bucket holds
		part := min(n, l.Burst())
		wait = l.ReserveN(now, part).DelayFrom(now)
		n -= part
	}
	return wait
}
