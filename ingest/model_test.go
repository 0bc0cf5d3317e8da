package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

// The tests below run the state machine of a partition against a model of all
// that surrounds it, under random interleavings of records, ticks, faults at
// every step and takeovers. They prove the protocol; that Kafka and ClickHouse
// behave as the model does is what the tests with real engines are for.

// errFault is what every injected fault says.
var errFault = errors.New("injected fault")

// world is one partition with its group's offset, the store, the topics that
// are written to, and what can go wrong with them.
type world struct {
	testing.TB
	seed   uint64
	rng    *rand.Rand
	faults bool

	log     []*kgo.Record    // without those that are compacted away
	end     int64            // of the log
	start   int64            // of the log
	broken  map[int64]bool   // offsets that can never be decoded
	cursed  map[int64]bool   // offsets that the store refuses
	format  string           // of the records
	schema  localSchemas     // outlives all instances, as Kafka's log does
	set     *metrics.Set     // of all instances
	age     int              // of the newest owner: fences all former ones
	offset  int64            // committed
	intent  string           // committed metadata
	tokens  map[string]bool  // and days that the store knows
	stored  map[int64]int    // rows by offset
	due     map[int64]window // of the records
	at      map[int64]window // of the rows
	summed  map[window]int   // rows that states count
	buried  map[int64]int    // dead letters by offset
	late    []block          // sent by one who gave up, and not there yet
	silent  map[int64]window // rows whose window is not announced since they came
	retries uint64           // of inserts, by who sends them

	former    []*instance // who do not know yet that they are no longer owners
	rules     int         // of the configuration
	forgotten int64       // offset whose batch is older than the tokens that the store knows
}

// fatalf ends the test; the seed repeats the run.
func (w *world) fatalf(format string, args ...any) {
	w.Helper()
	w.Fatalf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *world) fault() bool { return w.faults && w.chance(12) }

// write appends n records, with holes as transactions leave them.
func (w *world) write(n int) {
	for range n {
		if w.chance(10) {
			w.end += 1 + w.rng.Int64N(3)
		}
		r := &kgo.Record{Topic: "in", Offset: w.end, Timestamp: time.UnixMilli(0)}
		if w.chance(15) {
			w.broken[w.end] = true
			r.Value = []byte("{")
		} else {
			w.cursed[w.end] = w.chance(2)
			r.Value = w.event(w.end)
		}
		w.log = append(w.log, r)
		w.end++
	}
}

func (w *world) event(offset int64) []byte {
	e := schemas.Event{
		Model: []string{"a", "b"}[w.rng.IntN(2)], RequestID: strconv.FormatInt(offset, 10),
		Time: time.UnixMilli(1e12 + w.rng.Int64N(3*86_400_000)),
	}
	w.due[offset] = window{e.Model, minuteOf(e.Time)}
	e.Features.Numeric = map[string]float64{"f" + strconv.Itoa(w.rng.IntN(20)): 1}
	if w.format == FormatProtobuf {
		return e.AppendProto(nil)
	}
	return e.AppendJSON(nil)
}

// compact takes a record away that may or may not have been read.
func (w *world) compact() {
	if i := w.rng.IntN(len(w.log) + 1); i < len(w.log) && w.log[i].Offset >= w.offset {
		w.log = slices.Delete(w.log, i, i+1)
	}
}

// LogStart is the oldest offset that the log has.
func (w *world) LogStart(context.Context) (int64, error) {
	if w.fault() {
		return 0, errFault
	}
	return w.start, nil
}

// Read returns what the log has of a range.
func (w *world) Read(_ context.Context, from, to int64) (out []*kgo.Record, err error) {
	if w.fault() {
		return nil, errFault
	}
	for _, r := range w.log {
		if r.Offset >= from && r.Offset < to {
			out = append(out, r)
		}
	}
	return out, nil
}

// expire takes the oldest records away, read or not.
func (w *world) expire() {
	n := w.rng.IntN(min(3, len(w.log)) + 1)
	if n > 0 {
		w.start = w.log[n-1].Offset + 1
		w.log = slices.Delete(w.log, 0, n)
	}
}

// ProduceSync is the topics of dead letters and announcements. On a fault some
// records are there and some are not.
func (w *world) ProduceSync(_ context.Context, records ...*kgo.Record) (out kgo.ProduceResults) {
	fault := w.fault()
	for _, r := range records {
		result := kgo.ProduceResult{Record: r}
		there := true
		if fault {
			there = w.chance(50)
			result.Err = errFault
		}
		if there {
			w.receive(r)
		}
		out = append(out, result)
	}
	return out
}

func (w *world) receive(r *kgo.Record) {
	if r.Topic == "windows" {
		var touch schemas.Touch
		if err := json.Unmarshal(r.Value, &touch); err != nil {
			w.fatalf("announcement %s: %v", r.Value, err)
		}
		for offset, at := range w.silent {
			if slices.ContainsFunc(touch.Spans, func(s schemas.Span) bool { return s.Contains(time.Unix(at.minute*60, 0)) }) && at.model == touch.Model {
				delete(w.silent, offset)
			}
		}
		return
	}
	for _, h := range r.Headers {
		if h.Key == HeaderOffset {
			offset, _ := strconv.ParseInt(string(h.Value), 10, 64)
			w.buried[offset]++
		}
	}
}

// owner commits for one instance. Only the newest one can.
type owner struct {
	*world
	age int
}

// Commit holds to the rule that all depends on: what lies below a committed
// offset is safe.
func (o owner) Commit(_ context.Context, offset int64, metadata string) error {
	w := o.world
	fault := w.fault()
	if o.age != w.age || fault && w.chance(50) {
		return errFault
	}
	if offset < w.offset {
		w.fatalf("offset %d is committed after %d", offset, w.offset)
	}
	w.offset, w.intent = offset, metadata
	w.checkBelow(offset)
	if fault { // committed; the answer is lost
		return errFault
	}
	return nil
}

// checkBelow checks the records below an offset that still exist.
func (w *world) checkBelow(end int64) {
	for _, r := range w.log {
		switch {
		case r.Offset >= end:
			return
		case w.bad(r.Offset) && w.buried[r.Offset] == 0:
			w.fatalf("offset %d is committed and %d has no dead letter", end, r.Offset)
		case !w.bad(r.Offset) && w.stored[r.Offset] != 1:
			w.fatalf("offset %d is committed and %d is stored %d times", end, r.Offset, w.stored[r.Offset])
		}
	}
}

// bad tells whether a record must end as a dead letter.
func (w *world) bad(offset int64) bool { return w.broken[offset] || w.cursed[offset] }

// instance is a handler with the place that it reads at.
type instance struct {
	*partition
	w   *world
	pos int64
}

// takeOver makes the newest owner, whose limits may differ from those before.
func (w *world) takeOver() *instance {
	w.age++
	cfg := DefaultConfig()
	cfg.Topics = []Topic{{Topic: "in", Kind: Events, Format: w.format, Tenant: "t"}}
	cfg.BatchRows, cfg.BatchBytes, cfg.MaxDays = 1+w.rng.IntN(8), config.Bytes(1+w.rng.IntN(2000)), 1+w.rng.IntN(4)
	cfg.FlushInterval, cfg.IdleCommit = w.interval(), w.interval()
	cfg.MaxAhead = time.Duration(1+w.rules) * time.Hour
	if w.offset == w.forgotten { // the batch is as old for the next owner
		cfg.ReplayWithin = time.Nanosecond
	}
	in := New(cfg, Options{Windows: "windows", Store: w, Schemas: w.schema, Producer: w, Log: slog.New(slog.DiscardHandler), Metrics: w.set})
	in.lookEvery = 0
	p, err := in.handler(owner{w, w.age}, w.offset, w.intent, assignment{topic: "in", token: "cluster/id/0"})
	if err != nil {
		w.fatalf("take over at %d %q: %v", w.offset, w.intent, err)
	}
	return &instance{p, w, max(w.offset, 0)}
}

// interval is over at once or not before a long tick.
func (w *world) interval() time.Duration {
	if w.chance(20) {
		return time.Nanosecond
	}
	return time.Hour
}

// read hands the next records over, at times with some that were read before.
func (i *instance) read() error {
	if i.w.chance(10) {
		i.pos = max(0, i.pos-i.w.rng.Int64N(5))
	}
	at, _ := slices.BinarySearchFunc(i.w.log, i.pos, func(r *kgo.Record, pos int64) int { return int(r.Offset - pos) })
	batch := i.w.log[at:min(len(i.w.log), at+1+i.w.rng.IntN(6))]
	if len(batch) > 0 {
		i.pos = batch[len(batch)-1].Offset + 1
	}
	return i.Handle(context.Background(), batch)
}

// tick comes now, or after a silence longer than any interval.
func (i *instance) tick(after time.Duration) error {
	return i.Tick(context.Background(), time.Now().Add(after))
}

// step lets one instance do one thing. It tells whether the instance lives on:
// the group ends a handler at its first error.
func (i *instance) step() bool {
	var err error
	switch n := i.w.rng.IntN(20); {
	case n < 13:
		err = i.read()
	case n < 15:
		err = i.tick(0)
	case n < 18:
		err = i.tick(2 * time.Hour)
	default:
		_ = i.Close(context.Background())
		return false
	}
	if err != nil && !errors.Is(err, errFault) {
		i.w.fatalf("%v", err)
	}
	return err == nil
}

// run is one random history, and its end: all faults over, everything read,
// then silence.
func run(t testing.TB, seed uint64, set *metrics.Set) {
	w := &world{
		TB: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), faults: true, broken: map[int64]bool{}, cursed: map[int64]bool{}, at: map[int64]window{}, due: map[int64]window{}, summed: map[window]int{}, format: []string{FormatJSON, FormatProtobuf}[seed%2],
		schema: localSchemas{}, set: set, offset: -1, forgotten: -2, tokens: map[string]bool{}, stored: map[int64]int{}, buried: map[int64]int{}, silent: map[int64]window{},
	}
	w.write(w.rng.IntN(20))
	newest := w.takeOver()
	for range 60 {
		switch n := w.rng.IntN(20); {
		case n < 12:
			if !newest.step() {
				newest = w.takeOver()
			}
		case n < 14:
			w.former = append(w.former, newest)
			switch {
			case w.chance(15): // after so long an outage that the store has forgotten tokens, and all who were there are gone
				w.forgotten, w.tokens, w.late, w.former = w.offset, map[string]bool{}, nil, nil
			case w.chance(15): // under another configuration, after all who had the old one are stopped
				w.rules, w.former = 1-w.rules, nil
			}
			newest = w.takeOver()
		case n < 16 && len(w.former) > 0:
			if k := w.rng.IntN(len(w.former)); !w.former[k].step() {
				w.former = slices.Delete(w.former, min(k, len(w.former)), min(k+1, len(w.former)))
			}
		case n < 17:
			if w.chance(10) {
				w.expire()
			} else {
				w.compact()
			}
		case n < 18:
			w.arrive()
		default:
			w.write(w.rng.IntN(5))
		}
	}
	w.settle()
}

func (w *world) settle() {
	w.faults = false
	if n := len(w.log); n == 0 || w.log[n-1].Offset < w.end-1 || w.chance(50) {
		w.write(5) // where the tail of a range to be repeated is gone, only what follows tells so
	}
	last := w.takeOver()
	for last.pos < w.end {
		if err := last.read(); err != nil {
			w.fatalf("read at %d: %v", last.pos, err)
		}
		if w.chance(30) {
			w.arrive()
		}
	}
	for range 2 { // writes what is open, then commits that nothing is
		if err := last.tick(2 * time.Hour); err != nil {
			w.fatalf("tick: %v", err)
		}
	}
	for len(w.late) > 0 {
		w.arrive()
	}
	if w.offset != w.end || w.intent != "" {
		w.fatalf("at rest %d %q is committed, the log ends at %d", w.offset, w.intent, w.end)
	}
	w.checkBelow(w.end)
	for offset, n := range w.stored { // also those that are compacted away
		if n != 1 || w.bad(offset) {
			w.fatalf("offset %d is stored %d times (broken or cursed: %v)", offset, n, w.bad(offset))
		}
	}
	w.checkSummaries()
	for _, r := range w.log { // what was compacted away before its range was repeated is not announced again
		if at, ok := w.silent[r.Offset]; ok {
			w.fatalf("offset %d changed %v and nobody was told", r.Offset, at)
		}
	}
}

// checkSummaries holds what is summed up against what is stored. A record that
// is compacted away while its batch is unfinished may be in one and not in the
// other.
func (w *world) checkSummaries() {
	stored, there := w.storedByWindow(), map[int64]bool{}
	for _, r := range w.log {
		there[r.Offset] = true
	}
	gone := map[window]bool{}
	for offset, at := range w.due {
		gone[at] = gone[at] || !there[offset]
	}
	for at, n := range w.summed {
		if n != stored[at] && !gone[at] {
			w.fatalf("states count %d rows of %v, stored are %d", n, at, stored[at])
		}
	}
	for at, n := range stored {
		if w.summed[at] == 0 && !gone[at] {
			w.fatalf("states count none of %d rows of %v", n, at)
		}
	}
}

// Whatever fails and whoever takes over, at the end every record is stored
// exactly once or buried at least once, every change is announced, and nothing
// is pending.
func TestPartitionStoresEveryRecordOnce(t *testing.T) {
	runs := uint64(4000)
	if testing.Short() || testkit.Race {
		runs = 1000
	}
	set := metrics.NewSet()
	for seed := range runs {
		run(t, seed, set)
	}
	if n := set.GetOrCreateGauge(`driftline_ingest_unaccounted_records{topic="in",partition="0"}`, nil).Get(); n != 0 {
		t.Errorf("the books of batches are out of balance by %v records", n)
	}
}
