package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}

// rig is both engines and the topics of a test.
type rig struct {
	testing.TB
	kafka kafka.Config
	store clickhouse.Config
	cfg   ingest.Config
	db    *clickhouse.DB
	cl    *kgo.Client
	logs  slog.Handler
}

// starter gives a test an empty Kafka.
type starter func(t testing.TB) kafka.Config

func fake(t testing.TB) kafka.Config {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Brokers = embeddedtest.Kafka(t).Addrs()
	return cfg
}

func newRig(t testing.TB, start starter, topics ...ingest.Topic) *rig {
	t.Helper()
	r := &rig{TB: t, kafka: start(t), store: clickhouse.DefaultConfig(), cfg: ingest.DefaultConfig(), logs: slog.DiscardHandler}
	r.store.Addr = []string{embeddedtest.ClickHouse(t).Addr()}
	r.store.Retention = clickhouse.Retention{}
	r.cfg.Topics, r.cfg.FlushInterval, r.cfg.IdleCommit = topics, 50*time.Millisecond, 100*time.Millisecond
	var err error
	r.db, err = clickhouse.Open(r.store)
	check(t, err)
	t.Cleanup(func() { _ = r.db.Close() })
	check(t, r.db.Migrate(t.Context(), discard{}))
	r.cl, err = r.kafka.Dial()
	check(t, err)
	t.Cleanup(r.cl.Close)
	for _, in := range topics {
		check(t, kafka.CreateTopics(t.Context(), r.cl, 3, in.Topic))
		check(t, kafka.EnsureTopics(t.Context(), r.cl, r.kafka.Topics, in.Topic))
	}
	return r
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// run starts one ingesting instance. Closing it finishes what is open.
func (r *rig) run(set *metrics.Set) (stop func()) {
	r.Helper()
	log, err := kafka.OpenSchemaLog(r.Context(), r.kafka, r.db.PutFeatureSchema)
	check(r, err)
	sink, err := clickhouse.NewInserter(r.store, set)
	check(r, err)
	quiet := slog.New(r.logs)
	in := ingest.New(r.cfg, ingest.Options{
		Windows: r.kafka.Topics.Windows, Store: clickhouse.Store{Inserter: sink, DB: r.db}, Schemas: log, Producer: r.cl, Log: quiet, Metrics: set,
	})
	var names []string
	for _, t := range r.cfg.Topics {
		names = append(names, t.Topic)
	}
	g, err := kafka.NewGroup(r.Context(), kafka.GroupConfig{
		Kafka: r.kafka, Role: "ingest", Topics: names, Markers: true, Tick: 10 * time.Millisecond, New: in.Handler, Log: quiet, Metrics: set,
	})
	check(r, err)
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = log.Run(ctx) })
	groupCtx, stopGroup := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- g.Run(groupCtx) }()
	return sync.OnceFunc(func() {
		stopGroup()
		check(r, <-done)
		cancel()
		wg.Wait()
		log.Close()
		sink.Close()
	})
}

func (r *rig) produce(records ...*kgo.Record) {
	r.Helper()
	check(r, r.cl.ProduceSync(r.Context(), records...).FirstErr())
}

func (r *rig) number(sql string) (n uint64) {
	r.Helper()
	check(r, r.db.Conn().QueryRow(r.Context(), sql).Scan(&n))
	return n
}

// consume waits until a topic holds records, which must then be n.
func (r *rig) consume(topic string, n int) (out []*kgo.Record) {
	r.Helper()
	until(r.TB, fmt.Sprintf("%d records in %s", n, topic), func() bool {
		out = r.consumeAll(topic)
		return len(out) >= n
	})
	if len(out) != n {
		r.Fatalf("topic %s holds %d records, want %d", topic, len(out), n)
	}
	return out
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func event(i int) schemas.Event {
	score, latency := float64(i%100)/100, float64(i%50)
	return schemas.Event{
		Model: "credit", Version: "v" + strconv.Itoa(1+i%2), Segment: "eu", RequestID: fmt.Sprint("r", i),
		Time: noon.Add(time.Duration(i) * 10 * time.Millisecond), Deployment: "d", Pod: "p", Node: "n", GPU: "g",
		Prediction: []string{"yes", "no"}[i%2], Score: &score, LatencyMS: &latency,
		Features: schemas.Features{
			Numeric:     map[string]float64{"age": float64(i % 80), "income": float64(i)},
			Categorical: map[string]string{"country": []string{"de", "fr", "it"}[i%3]},
		},
	}
}

func encode(t testing.TB, format string, e schemas.Event) []byte {
	t.Helper()
	if format == ingest.FormatProtobuf {
		return e.AppendProto(nil)
	}
	b, err := json.Marshal(e)
	check(t, err)
	return b
}

// Both formats of the same events give the same rows.
func TestEventsAreStoredOnceInBothFormats(t *testing.T) {
	overKafkas(t, testEventsAreStoredOnceInBothFormats)
}

func testEventsAreStoredOnceInBothFormats(t *testing.T, start starter) {
	for _, format := range []string{ingest.FormatJSON, ingest.FormatProtobuf} {
		t.Run(format, func(t *testing.T) {
			r := newRig(t, start, ingest.Topic{Topic: "in", Kind: ingest.Events, Format: format, Tenant: "acme"})
			set := metrics.NewSet()
			stop := r.run(set)
			const n = 3000
			for i := range n {
				r.cl.Produce(t.Context(), &kgo.Record{Topic: "in", Key: strconv.AppendInt(nil, int64(i), 10), Value: encode(t, format, event(i))}, nil)
			}
			check(t, r.cl.Flush(t.Context()))
			until(t, "all rows", func() bool { return r.number("SELECT count() FROM inference_events") >= n })
			stop()
			for sql, want := range map[string]uint64{
				"SELECT count() FROM inference_events":                                                                     n,
				"SELECT uniqExact(request_id) FROM inference_events":                                                       n,
				"SELECT sum(rows) FROM feature_sketches_1m":                                                                n,
				"SELECT sum(rows) FROM category_counts_1m WHERE position = 0":                                              n,
				"SELECT count() FROM inference_events WHERE tenant = 'acme' AND model = 'credit'":                          n,
				"SELECT toUInt64(sum(num[4])) FROM inference_events":                                                       n * (n - 1) / 2, // income, after _score, _latency_ms and age
				"SELECT count() FROM model_schemas FINAL WHERE name = 'income' AND position = 3":                           2,               // of both versions
				"SELECT countIf(prediction = 'yes') FROM inference_events":                                                 n / 2,
				"SELECT countIf(abs(score - toUInt64(substring(request_id, 2)) % 100 / 100) < 1e-6) FROM inference_events": n,
				"SELECT uniqExact(_partition, _offset) FROM inference_events":                                              n,
			} {
				if got := r.number(sql); got != want {
					t.Errorf("%s\n gives %d, want %d", sql, got, want)
				}
			}
			var touched uint64
			for _, rec := range r.consumeAll(r.kafka.Topics.Windows) {
				var touch schemas.Touch
				check(t, json.Unmarshal(rec.Value, &touch))
				touched += touch.Rows
			}
			if touched != n {
				t.Errorf("announcements speak of %d rows, want %d", touched, n)
			}
		})
	}
}

// consumeAll reads a topic to its present end.
func (r *rig) consumeAll(topic string) (out []*kgo.Record) {
	r.Helper()
	cl, err := r.kafka.Dial(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	check(r, err)
	defer cl.Close()
	var ends kadm.ListedOffsets
	until(r.TB, topic+" has a leader", func() bool { // a new topic takes a moment
		ends, err = kadm.NewClient(cl).ListEndOffsets(r.Context(), topic)
		return err == nil && ends.Error() == nil
	})
	missing := map[int32]int64{} // partition → where it ends
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			missing[o.Partition] = o.Offset
		}
	})
	for len(missing) > 0 {
		fetches := cl.PollFetches(r.Context())
		check(r, fetches.Err())
		fetches.EachRecord(func(rec *kgo.Record) {
			if !rec.Attrs.IsControl() {
				out = append(out, rec)
			}
			if rec.Offset >= missing[rec.Partition]-1 {
				delete(missing, rec.Partition)
			}
		})
	}
	return out
}

// One record in a hundred is broken: all good ones are stored, all broken ones
// are dead letters that say why and whence, and the books balance.
func TestBrokenRecordsAreDeadLetters(t *testing.T) { overKafkas(t, testBrokenRecordsAreDeadLetters) }

func testBrokenRecordsAreDeadLetters(t *testing.T, start starter) {
	r := newRig(t, start, ingest.Topic{Topic: "in", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"})
	set := metrics.NewSet()
	stop := r.run(set)
	broken := map[string]string{ // value → reason
		`{"model":"credit"`:                    "bad_json",
		`[1,2]`:                                "bad_json",
		`{"timestamp":"2026-03-01T12:00:00Z"}`: "missing_field",
		`{"model":"credit"}`:                   "missing_field",

		`{"model":"credit","timestamp":"yesterday"}`:                           "bad_timestamp",
		`{"model":"credit","timestamp":99999999999999999}`:                     "bad_timestamp",
		`{"model":7,"timestamp":"2026-03-01T12:00:00Z"}`:                       "bad_field",
		`{"model":"credit","timestamp":1772366400000,"score":"high"}`:          "bad_field",
		`{"model":"credit","timestamp":1772366400000,"features":{"age":[1]}}`:  "bad_feature",
		`{"model":"credit","timestamp":1772366400000,"features":{"_score":1}}`: "bad_feature",
	}
	broken["\x00\x01"] = "bad_json"
	var values []string
	for v := range broken {
		values = append(values, v)
	}
	const n = 5000
	bad := 0
	for i := range n {
		rec := &kgo.Record{Topic: "in", Value: encode(t, ingest.FormatJSON, event(i)), Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("t")}}}
		if i%100 == 99 {
			rec.Value, rec.Key = []byte(values[bad%len(values)]), []byte("broken")
			bad++
		}
		r.cl.Produce(t.Context(), rec, nil)
	}
	check(t, r.cl.Flush(t.Context()))
	dead := r.consume("in.dlq", bad)
	until(t, "good rows", func() bool { return r.number("SELECT count() FROM inference_events") >= uint64(n-bad) })
	stop()
	if got := r.number("SELECT count() FROM inference_events"); got != uint64(n-bad) {
		t.Errorf("%d rows stored, want %d", got, n-bad)
	}
	origins := map[string]bool{}
	for _, d := range dead {
		h := map[string]string{}
		for _, kv := range d.Headers {
			h[kv.Key] = string(kv.Value)
		}
		if want, ok := broken[string(d.Value)]; !ok || h[ingest.HeaderReason] != want || h[ingest.HeaderError] == "" {
			t.Errorf("dead letter %q has reason %q (%s), want %q", d.Value, h[ingest.HeaderReason], h[ingest.HeaderError], want)
		}
		if h[ingest.HeaderTopic] != "in" || h["trace"] != "t" || string(d.Key) != "broken" {
			t.Errorf("dead letter has headers %v and key %q", h, d.Key)
		}
		origins[h[ingest.HeaderPartition]+"/"+h[ingest.HeaderOffset]] = true
	}
	if len(origins) != bad {
		t.Errorf("%d different origins, want %d", len(origins), bad)
	}
	records, stored, buried := total(set, "driftline_ingest_records_total"), total(set, "driftline_ingest_rows_stored_total"), total(set, "driftline_ingest_dead_letters_total")
	if records != n || stored+buried != records {
		t.Errorf("conservation: %d records, %d stored, %d dead letters", records, stored, buried)
	}
}

func total(set *metrics.Set, name string) (n int) {
	for p := range 3 {
		n += int(set.GetOrCreateCounter(fmt.Sprintf(`%s{topic="in",partition="%d"}`, name, p)).Get())
	}
	return n
}

// A broken record as large as its topic allows does not fit into the
// dead-letter topic with its headers: its beginning does, and ingest goes on.
func TestLargestBrokenRecordIsBuried(t *testing.T) { overKafkas(t, testLargestBrokenRecordIsBuried) }

func testLargestBrokenRecordIsBuried(t *testing.T, start starter) {
	r := newRig(t, start, ingest.Topic{Topic: "in", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"})
	stop := r.run(metrics.NewSet())
	rng, big := rand.New(rand.NewPCG(1, 1)), make([]byte, 999_850)
	for i := range big {
		big[i] = byte(rng.Uint32()) // does not compress
	}
	r.produce(&kgo.Record{Topic: "in", Value: big})
	r.produce(&kgo.Record{Topic: "in", Value: encode(t, ingest.FormatJSON, event(1))})
	dead := r.consume("in.dlq", 1)[0]
	size := ""
	for _, h := range dead.Headers {
		if h.Key == ingest.HeaderSize {
			size = string(h.Value)
		}
	}
	if len(dead.Value) >= len(big) || size != "999850" {
		t.Errorf("dead letter keeps %d bytes and says the record had %q", len(dead.Value), size)
	}
	until(t, "the good record", func() bool { return r.number("SELECT count() FROM inference_events") == 1 })
	stop()
}

// The other four kinds reach their tables, in both formats.
func TestOtherKindsAreStored(t *testing.T) { overKafkas(t, testOtherKindsAreStored) }

func testOtherKindsAreStored(t *testing.T, start starter) {
	value := .5
	at := noon
	label := schemas.Label{Model: "credit", RequestID: "r1", Time: at, Label: "yes", Value: &value}
	sample := schemas.Sample{Time: at, Metric: "gpu_temp", Value: 61, Unit: "celsius", Node: "n1", GPU: "0", Labels: map[string]string{"k": "v"}}
	job := schemas.JobEvent{Job: "score", RunID: "7", Time: at, State: schemas.JobStarted, ItemsIn: 10}
	change := schemas.Change{ID: "c1", Time: at, Kind: schemas.ChangeDeploy, Entity: "deployment/credit", From: "v1", To: "v2"}
	kinds := map[ingest.Kind][2][]byte{}
	add := func(k ingest.Kind, v any, proto []byte) {
		b, err := json.Marshal(v)
		check(t, err)
		kinds[k] = [2][]byte{b, proto}
	}
	add(ingest.Labels, label, label.AppendProto(nil))
	add(ingest.Telemetry, sample, sample.AppendProto(nil))
	add(ingest.Jobs, job, job.AppendProto(nil))
	add(ingest.Changes, change, change.AppendProto(nil))
	var topics []ingest.Topic
	for k := range kinds {
		for _, f := range []string{ingest.FormatJSON, ingest.FormatProtobuf} {
			topics = append(topics, ingest.Topic{Topic: string(k) + "-" + f, Kind: k, Format: f, Tenant: "t"})
		}
	}
	r := newRig(t, start, topics...)
	stop := r.run(metrics.NewSet())
	for k, forms := range kinds {
		r.produce(&kgo.Record{Topic: string(k) + "-json", Value: forms[0]}, &kgo.Record{Topic: string(k) + "-protobuf", Value: forms[1]},
			&kgo.Record{Topic: string(k) + "-json", Value: []byte("{}")}) // lacks everything: a dead letter
	}
	for _, sql := range []string{
		"SELECT count() FROM labels WHERE tenant = 't' AND model = 'credit' AND request_id = 'r1' AND label = 'yes' AND value = 0.5",
		"SELECT count() FROM telemetry WHERE metric = 'gpu_temp' AND value = 61 AND labels['k'] = 'v' AND node = 'n1'",
		"SELECT count() FROM job_events WHERE job = 'score' AND run_id = '7' AND state = 'started' AND items_in = 10",
		"SELECT count() FROM changes WHERE id = 'c1' AND kind = 'deploy' AND `from` = 'v1' AND `to` = 'v2'",
	} {
		until(t, sql, func() bool { return r.number(sql) == 2 })
	}
	stop()
	for k := range kinds {
		r.consume(string(k)+"-json.dlq", 1)
	}
}

// Instances come and go while records flow; partitions move between them, and
// everything is stored once.
func TestInstancesComeAndGo(t *testing.T) { overKafkas(t, testInstancesComeAndGo) }

func testInstancesComeAndGo(t *testing.T, start starter) {
	r := newRig(t, start, ingest.Topic{Topic: "in", Kind: ingest.Events, Format: ingest.FormatProtobuf, Tenant: "default"})
	r.cfg.BatchRows = 500
	const n = 20_000
	go func() {
		for i := range n {
			r.cl.Produce(t.Context(), &kgo.Record{Topic: "in", Value: encode(t, ingest.FormatProtobuf, event(i))}, nil)
			if i%1000 == 0 {
				_ = r.cl.Flush(t.Context())
			}
		}
	}()
	rng := rand.New(rand.NewPCG(7, 7))
	set := metrics.NewSet()
	var stops []func()
	stored := func() uint64 { return r.number("SELECT count() FROM inference_events") }
	for round := uint64(1); round <= 6; round++ {
		stops = append(stops, r.run(set))
		goal := min(n, round*n/8)
		until(t, "progress", func() bool { return stored() >= goal })
		if len(stops) > 1 {
			k := rng.IntN(len(stops))
			stops[k]()
			stops = append(stops[:k], stops[k+1:]...)
		}
	}
	until(t, "all rows", func() bool { return stored() >= n })
	for _, stop := range stops {
		stop()
	}
	if raw, distinct, states := stored(), r.number("SELECT uniqExact(request_id) FROM inference_events"), r.number("SELECT sum(rows) FROM feature_sketches_1m"); raw != n || distinct != n || states != n {
		t.Errorf("raw %d, distinct %d, in states %d; want %d each", raw, distinct, states, n)
	}
}
