package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lagInterval is how often the broker is asked where logs end. In between,
// fetches tell; but a partition that is paused, or that cannot be fetched, has
// none, and that is when its lag is of interest.
const lagInterval = 10 * time.Second

// lag is how far a partition's group is behind its log: from what is committed
// to the end. What waits in the queue or lies in an open batch counts, since a
// crash would bring it back.
type lag struct {
	sync.Mutex       // guards the fields below; taken by poll, worker and metrics, and nothing is called under it
	committed  int64 // -1: nothing
	start, end int64 // of the log; -1: not known yet
	fetched    int64 // the offset after the newest record fetched
	marks      []mark
	each       int       // fetches that a mark stands for
	since      int       // fetches since the newest mark
	unfetched  time.Time // since when the log is known to end beyond fetched; zero when it does not
}

// mark is the first record of fetches that are not committed as a whole.
type mark struct {
	offset int64
	time   time.Time
}

// maxMarks bounds the marks of a handler that commits seldom: at that many,
// every other one is forgotten, and from then on one is made for twice as many
// fetches.
const maxMarks = 1024

func newLag(committed int64) *lag {
	return &lag{committed: committed, start: -1, end: -1, fetched: max(committed, 0)}
}

// fetch notes records and the end of the log as of their fetch.
func (l *lag) fetch(p *kgo.FetchPartition) {
	l.Lock()
	defer l.Unlock()
	last := p.Records[len(p.Records)-1].Offset
	l.mark(p.Records[0])
	l.fetched = max(l.fetched, last+1)
	l.end = max(l.end, p.HighWatermark, l.fetched)
	if l.fetched >= l.end {
		l.unfetched = time.Time{}
	}
}

// mark notes the first record of a fetch, or of as many fetches as a mark stands
// for.
func (l *lag) mark(r *kgo.Record) {
	if len(l.marks) == 0 {
		l.each, l.since = 1, 0
	}
	if l.since++; l.since < l.each {
		return
	}
	l.since = 0
	l.marks = append(l.marks, mark{r.Offset, r.Timestamp})
	if len(l.marks) < maxMarks {
		return
	}
	for i := range maxMarks / 2 {
		l.marks[i] = l.marks[2*i]
	}
	l.marks = l.marks[:maxMarks/2]
	l.each *= 2
}

// commit forgets the marks below an offset, except the one that it lies above.
func (l *lag) commit(offset int64) {
	l.Lock()
	defer l.Unlock()
	l.committed = offset
	i := 0
	for i+1 < len(l.marks) && l.marks[i+1].offset <= offset {
		i++
	}
	if i+1 == len(l.marks) && l.fetched <= offset {
		i++
	}
	l.marks = l.marks[i:]
}

// list notes what the broker says of the log.
func (l *lag) list(start, end int64, now time.Time) {
	l.Lock()
	defer l.Unlock()
	l.start, l.end = start, max(end, l.fetched)
	switch {
	case l.end <= max(l.fetched, l.start):
		l.unfetched = time.Time{}
	case l.unfetched.IsZero():
		l.unfetched = now
	}
}

// records is the lag in offsets; NaN as long as nobody knows it.
func (l *lag) records() float64 {
	l.Lock()
	defer l.Unlock()
	from := max(l.committed, l.start) // what the log has dropped will never be read
	if from < 0 && len(l.marks) > 0 {
		from = l.marks[0].offset
	}
	if from < 0 || l.end < 0 {
		return math.NaN()
	}
	return float64(max(0, l.end-from))
}

// age is how old the oldest record is that is not committed, to within one
// fetch. Of records that were never fetched only this is known: since when they
// are there at the latest.
func (l *lag) age(now time.Time) float64 {
	l.Lock()
	defer l.Unlock()
	since := l.unfetched
	if len(l.marks) > 0 {
		since = l.marks[0].time
	}
	if since.IsZero() || l.end <= l.committed {
		return 0
	}
	return max(0, now.Sub(since).Seconds())
}

// lagNames are the metrics of a partition.
func (g *Group) lagNames(tp topicPartition) (records, seconds string) {
	label := fmt.Sprintf(`{group=%q,topic=%q,partition="%d"}`, g.name, tp.topic, tp.partition)
	return "driftline_kafka_lag_records" + label, "driftline_kafka_lag_seconds" + label
}

// showLag begins to show a partition's lag, and asks for it soon.
func (g *Group) showLag(tp topicPartition, l *lag) {
	records, seconds := g.lagNames(tp)
	g.cfg.Metrics.GetOrCreateGauge(records, l.records)
	g.cfg.Metrics.GetOrCreateGauge(seconds, func() float64 { return l.age(time.Now()) })
	select {
	case g.look <- struct{}{}:
	default:
	}
}

// hideLag ends it: the next owner's lag is another one, elsewhere.
func (g *Group) hideLag(tp topicPartition) {
	records, seconds := g.lagNames(tp)
	g.cfg.Metrics.UnregisterMetric(records)
	g.cfg.Metrics.UnregisterMetric(seconds)
}

// watchLag asks where logs begin and end until ctx does.
func (g *Group) watchLag(ctx context.Context) {
	tick := time.NewTicker(lagInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-g.look:
		}
		g.askLag(ctx)
	}
}

func (g *Group) askLag(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lagInterval)
	defer cancel()
	all := map[topicPartition]*lag{}
	seen := map[string]bool{}
	var topics []string
	g.workers.Lock()
	for tp, w := range g.workers.by {
		all[tp] = w.lag
		if !seen[tp.topic] {
			seen[tp.topic] = true
			topics = append(topics, tp.topic)
		}
	}
	g.workers.Unlock()
	if len(topics) == 0 {
		return
	}
	adm := kadm.NewClient(g.cl)
	starts, errStarts := adm.ListStartOffsets(ctx, topics...)
	ends, errEnds := adm.ListEndOffsets(ctx, topics...)
	note(all, starts, ends) // one broker that is away does not hide what the others say
	if err := errors.Join(errStarts, errEnds); err != nil {
		g.cfg.Log.Debug("ask where logs end", "err", err)
	}
}

func note(all map[topicPartition]*lag, starts, ends kadm.ListedOffsets) {
	now := time.Now()
	for tp, l := range all {
		start, ok := starts.Lookup(tp.topic, tp.partition)
		end, also := ends.Lookup(tp.topic, tp.partition)
		if ok && also && start.Err == nil && end.Err == nil {
			l.list(start.Offset, end.Offset, now)
		}
	}
}
