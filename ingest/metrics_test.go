package ingest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/schemas"
)

// shown are the metrics as a scraper sees them.
func shown(t testing.TB, set *metrics.Set) map[string]float64 {
	t.Helper()
	var b strings.Builder
	set.WritePrometheus(&b)
	out := map[string]float64{}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		check(t, err)
		out[line[:at]] = v
	}
	return out
}

// sum adds up the metrics of one name.
func sum(all map[string]float64, name string) (n float64) {
	for k, v := range all {
		if strings.HasPrefix(k, name+"{") {
			n += v
		}
	}
	return n
}

// balanced checks that what became of records adds up to what was taken.
func balanced(t testing.TB, all map[string]float64) {
	t.Helper()
	rest := sum(all, "driftline_ingest_records_total")
	for _, name := range []string{"records_stored_total", "records_empty_total", "dead_letters_total", "records_returned_total", "open_records"} {
		rest -= sum(all, "driftline_ingest_"+name)
	}
	if off := sum(all, "driftline_ingest_unaccounted_records"); rest != 0 || off != 0 {
		t.Errorf("the books are out of balance by %v records, and say %v", rest, off)
		for k, v := range all {
			if strings.Contains(k, "record") || strings.Contains(k, "letter") {
				t.Log(k, v)
			}
		}
	}
}

// Records of one row, of many, of none, and broken ones: each is in the books
// once, and rows are counted apart.
func TestBooksBalance(t *testing.T) { overKafkas(t, testBooksBalance) }

func testBooksBalance(t *testing.T, start starter) {
	r := newRig(t, start, eventsTopic())
	set := metrics.NewSet()
	stop := r.run(set)
	var rows, stored, empty, broken int
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range 600 {
		var value []byte
		switch rng.IntN(10) {
		case 0:
			value, broken = []byte("{"), broken+1
		case 1:
			value, empty = []byte("[]"), empty+1
		case 2, 3:
			several := []schemas.Event{event(3 * i), event(3*i + 1), event(3*i + 2)}
			var err error
			value, err = json.Marshal(several)
			check(t, err)
			rows, stored = rows+3, stored+1
		default:
			value = encode(t, ingest.FormatJSON, event(3*i))
			rows, stored = rows+1, stored+1
		}
		r.cl.Produce(t.Context(), &kgo.Record{Topic: "in", Value: value}, nil)
	}
	check(t, r.cl.Flush(t.Context()))
	until(t, "all rows", func() bool { return r.number("SELECT count() FROM inference_events") >= uint64(rows) })
	r.consume("in.dlq", broken)
	stop()
	all := shown(t, set)
	balanced(t, all)
	for name, want := range map[string]int{
		"driftline_ingest_records_total": 600, "driftline_ingest_records_stored_total": stored, "driftline_ingest_rows_stored_total": rows,
		"driftline_ingest_records_empty_total": empty, "driftline_ingest_dead_letters_total": broken,
		"driftline_ingest_records_returned_total": 0, "driftline_kafka_lag_records": 0,
	} {
		if got := sum(all, name); got != float64(want) {
			t.Errorf("%s is %v, want %d", name, got, want)
		}
	}
}

// Instances come and go in the middle of batches; what one gives back, another
// takes, and the books of all together balance.
func TestBooksBalanceOverInstances(t *testing.T) {
	r := newRig(t, fake, eventsTopic())
	r.cfg.BatchRows = 200
	const n = 6000
	go func() {
		for i := range n {
			r.cl.Produce(t.Context(), &kgo.Record{Topic: "in", Value: encode(t, ingest.FormatJSON, event(i))}, nil)
			if i%500 == 0 {
				_ = r.cl.Flush(t.Context())
			}
		}
	}()
	var sets []*metrics.Set
	var stops []func()
	stored := func() uint64 { return r.number("SELECT count() FROM inference_events") }
	for round := uint64(1); round <= 4; round++ {
		set := metrics.NewSet()
		sets, stops = append(sets, set), append(stops, r.run(set))
		until(t, "progress", func() bool { return stored() >= round*n/8 })
		if round%2 == 0 {
			stops[0]()
			stops = stops[1:]
		}
	}
	until(t, "all rows", func() bool { return stored() >= n })
	for _, stop := range stops {
		stop()
	}
	var kept float64
	for _, set := range sets {
		all := shown(t, set)
		balanced(t, all)
		kept += sum(all, "driftline_ingest_records_stored_total")
		for name := range all {
			if strings.HasPrefix(name, "driftline_kafka_lag_") || strings.HasPrefix(name, "driftline_ingest_open_records") {
				t.Errorf("%s is of a partition that is gone", name)
			}
		}
	}
	if kept < n || stored() != n { // a batch that was repeated after a takeover counts at both
		t.Errorf("the instances stored %v records and the table has %d rows, want %d", kept, stored(), n)
	}
}

// Every stage and every delay is measured.
func TestStagesAndDelays(t *testing.T) {
	r := newRig(t, fake, eventsTopic())
	set := metrics.NewSet()
	stop := r.run(set)
	hourAgo := time.Now().Add(-time.Hour)
	for i := range 100 {
		e := event(i)
		e.Time = hourAgo.Add(time.Duration(i) * time.Second)
		r.cl.Produce(t.Context(), &kgo.Record{Topic: "in", Key: []byte("k"), Value: encode(t, ingest.FormatJSON, e)}, nil)
	}
	check(t, r.cl.Flush(t.Context()))
	until(t, "the lag to end", func() bool {
		all := shown(t, set)
		return sum(all, "driftline_ingest_rows_stored_total") == 100 && sum(all, "driftline_kafka_lag_records") == 0
	})
	stop()
	all := shown(t, set)
	mean := func(name, label string) float64 {
		n := all[fmt.Sprintf(`driftline_ingest_%s_count{topic="in",%s}`, name, label)]
		if n == 0 {
			t.Errorf("%s of %s was never observed", name, label)
		}
		return all[fmt.Sprintf(`driftline_ingest_%s_sum{topic="in",%s}`, name, label)] / n
	}
	for _, stage := range []string{"decode", "intent", "insert", "publish", "commit"} {
		if s := mean("stage_seconds", `stage="`+stage+`"`); s <= 0 || s > 30 {
			t.Errorf("stage %s took %v s", stage, s)
		}
	}
	oldest, newest := mean("event_delay_seconds", `of="oldest"`), mean("event_delay_seconds", `of="newest"`)
	if oldest < newest || newest < 3500 || oldest > 3660 {
		t.Errorf("events are stored %v to %v s late, want about 3501 to 3600", newest, oldest)
	}
	oldest, newest = mean("record_delay_seconds", `of="oldest"`), mean("record_delay_seconds", `of="newest"`)
	if oldest < newest || oldest > 60 {
		t.Errorf("records are stored %v to %v s late", newest, oldest)
	}
	if all[`driftline_ingest_batch_bytes_sum{topic="in"}`] == 0 {
		t.Error("no bytes of batches")
	}
}
