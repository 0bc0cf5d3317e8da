package ingest

import (
	"time"

	"github.com/driftline/driftline/internal/kafka"
)

// bill is what one partition owes for its tenants. One goroutine uses it. A
// nil bill costs nothing.
type bill struct {
	quotas   *quotas
	fallback []byte // who pays for records that cannot be decoded
	items    []item // of the record at hand

	due   time.Time  // when all is paid
	debt  *allowance // that is paid last
	since time.Time  // of the wait that is under way
}

type item struct {
	tenant []byte
	rows   int
}

func (q *quotas) bill(t Topic) *bill {
	if q == nil {
		return nil
	}
	return &bill{quotas: q, fallback: []byte(t.Tenant)}
}

// row notes a row of a tenant.
func (b *bill) row(tenant []byte) {
	if b == nil {
		return
	}
	for i := len(b.items) - 1; i >= 0; i-- {
		if string(b.items[i].tenant) == string(tenant) {
			b.items[i].rows++
			return
		}
	}
	b.add(tenant)
}

// add notes the first row of a tenant, in the memory of earlier ones.
func (b *bill) add(tenant []byte) {
	if len(b.items) == cap(b.items) {
		b.items = append(b.items, item{})
	} else {
		b.items = b.items[:len(b.items)+1]
	}
	i := &b.items[len(b.items)-1]
	i.tenant, i.rows = append(i.tenant[:0], tenant...), 1
}

// settle spends for the record at hand. Its bytes are shared by rows.
func (b *bill) settle(bytes int) {
	if b == nil {
		return
	}
	if len(b.items) == 0 {
		b.add(b.fallback)
	}
	total, now := 0, time.Now()
	for _, i := range b.items {
		total += i.rows
	}
	for _, i := range b.items {
		a := b.quotas.of(i.tenant)
		if wait := a.take(now, i.rows, bytes*i.rows/total); wait > 0 && now.Add(wait).After(b.due) {
			b.due, b.debt = now.Add(wait), a
		}
	}
	b.items = b.items[:0]
}

const (
	// slack is the debt that a partition may run up before it waits, so that
	// it does not wait after every record.
	slack = 100 * time.Millisecond
	// slice is the longest single wait.
	slice = time.Second
)

// wait tells whether the next record may come: nil, or a *kafka.Later with the
// time to wait. Once a partition waits, it does so until all is paid.
func (b *bill) wait() error {
	if b == nil || b.debt == nil {
		return nil
	}
	now := time.Now()
	left := b.due.Sub(now)
	if !b.since.IsZero() {
		b.debt.throttled.Add(now.Sub(b.since).Seconds())
	}
	if left <= 0 || b.since.IsZero() && left < slack {
		b.since = time.Time{}
		if left <= 0 {
			b.debt = nil
		}
		return nil
	}
	b.since = now
	return &kafka.Later{After: min(left, slice)}
}
