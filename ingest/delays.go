package ingest

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// extent is from the oldest to the newest of some times. One comparison or two
// is all that it costs a row; the times in between are not kept, because what
// waits too long is seen at the ends.
type extent struct{ oldest, newest time.Time }

func (e *extent) add(t time.Time) {
	switch {
	case e.oldest.IsZero():
		e.oldest, e.newest = t, t
	case t.Before(e.oldest):
		e.oldest = t
	case t.After(e.newest):
		e.newest = t
	}
}

// delays are how long it took from something to a row in the store: for each
// batch one observation of the oldest and one of the newest.
type delays struct{ oldest, newest *metrics.Histogram }

func newDelays(set *metrics.Set, name, topic string) delays {
	of := func(which string) *metrics.Histogram {
		return set.GetOrCreateHistogram(fmt.Sprintf(`%s{topic=%q,of=%q}`, name, topic, which))
	}
	return delays{oldest: of("oldest"), newest: of("newest")}
}

// observe takes a clock that is ahead for no delay.
func (d delays) observe(e extent, stored time.Time) {
	if e.oldest.IsZero() {
		return
	}
	d.oldest.Update(max(0, stored.Sub(e.oldest).Seconds()))
	d.newest.Update(max(0, stored.Sub(e.newest).Seconds()))
}
