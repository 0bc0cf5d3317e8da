package ingest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
)

// output is what a process logs.
type output struct {
	sync.Mutex
	bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.Lock()
	defer o.Unlock()
	return o.Buffer.Write(b)
}

// uncompress makes the store keep texts as they are, so that looking for one
// in its files means something.
func (r *rig) uncompress() {
	r.Helper()
	rows, err := r.db.Conn().Query(r.Context(), `SELECT table, name FROM system.columns
		WHERE database = currentDatabase() AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
		AND type LIKE '%String%' AND type NOT LIKE '%AggregateFunction%' AND default_kind = ''`)
	check(r, err)
	var alter []string
	for rows.Next() {
		var table, column string
		check(r, rows.Scan(&table, &column))
		alter = append(alter, fmt.Sprintf("ALTER TABLE `%s` MODIFY COLUMN `%s` CODEC(NONE)", table, column))
	}
	check(r, rows.Err())
	check(r, rows.Close())
	if len(alter) < 20 {
		r.Fatalf("only %d columns of text", len(alter))
	}
	for _, sql := range alter {
		check(r, r.db.Conn().Exec(r.Context(), sql))
	}
}

// filesWith names the files below a directory that hold a text.
func filesWith(t testing.TB, dir, text string, skip func(path string) bool) (found []string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) { // a merge replaced it
			return nil
		}
		if err != nil || !d.Type().IsRegular() || skip(path) {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if bytes.Contains(b, []byte(text)) {
			found = append(found, path)
		}
		return nil
	}))
	return found
}

// columnsWith names the columns of text that hold a text, parts of it in
// aggregate states left out.
func (r *rig) columnsWith(text string) (found []string) {
	r.Helper()
	rows, err := r.db.Conn().Query(r.Context(), `SELECT table, name FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%' AND type NOT LIKE '%AggregateFunction%'`)
	check(r, err)
	var all [][2]string
	for rows.Next() {
		var c [2]string
		check(r, rows.Scan(&c[0], &c[1]))
		all = append(all, c)
	}
	check(r, rows.Err())
	check(r, rows.Close())
	for _, c := range all {
		if r.number(fmt.Sprintf("SELECT count() FROM `%s` WHERE position(toString(`%s`), '%s') > 0", c[0], c[1], text)) > 0 {
			found = append(found, c[0]+"."+c[1])
		}
	}
	return found
}

const marker = "zqxSECRETzqx" // nothing else is called so

// secretRecords hold the marker wherever a policy may touch it, of each kind a
// good and several broken ones.
func secretRecords() (out []*kgo.Record) {
	s := func(name string) string { return fmt.Sprintf("%q:%q", name, marker+"-"+name) }
	for kind, good := range map[ingest.Kind]string{
		ingest.Events: `"model":"m","timestamp":1772366400000,` + strings.Join([]string{
			s("segment"), s("request_id"), s("deployment"), s("pod"), s("node"), s("gpu"), s("prediction"), `"features":{` + s("email") + `,"age":4}`,
		}, ","),
		ingest.Labels:    `"model":"m","timestamp":"2026-03-01T12:00:00Z",` + s("request_id") + "," + s("label"),
		ingest.Telemetry: `"metric":"m","timestamp":"2026-03-01T12:00:00Z",` + s("source") + "," + s("unit") + "," + s("pod") + `,"labels":{` + s("user") + `}`,
		ingest.Jobs:      `"state":"failed","timestamp":"2026-03-01T12:00:00Z",` + s("job") + "," + s("run_id") + "," + s("error"),
		ingest.Changes:   `"kind":"deploy","timestamp":"2026-03-01T12:00:00Z",` + s("id") + "," + s("entity") + "," + s("author") + "," + s("description"),
	} {
		for _, value := range []string{
			"{" + good + "}", "{" + good, "{" + strings.Replace(good, `"timestamp":`, `"timestamp":"`+marker+`","x":`, 1) + "}",
			"{" + strings.Replace(good, `"model":"m"`, `"model":["`+marker+`"]`, 1) + "," + marker + "}", marker,
		} {
			out = append(out, &kgo.Record{Topic: string(kind), Value: []byte(value), Key: []byte(marker), Headers: []kgo.RecordHeader{{Key: "user", Value: []byte(marker)}}})
		}
	}
	return out
}

// Values that a policy takes out are nowhere afterwards: not in the files of
// the store, nor in its columns, nor in any topic but the one they came from,
// nor in the log. Without the policies the same search finds them in all of
// these places.
func TestNoRawValueIsKept(t *testing.T) {
	hash := []ingest.Policy{{Action: ingest.ActionHash, Fields: []string{"*"}}}
	for name, c := range map[string]struct {
		policies []ingest.Policy
		letters  string
		clear    bool
	}{
		"no policies": {nil, "", true},
		"hash":        {hash, "", false},
		"encrypted":   {hash, ingest.LettersEncrypt, false},
		"each kind another": {[]ingest.Policy{
			{Action: ingest.ActionAllowFields, Fields: []string{"features.age"}, Kinds: []ingest.Kind{ingest.Events}},
			{Action: ingest.ActionTruncate, Bytes: 4, Fields: []string{"*"}, Kinds: []ingest.Kind{ingest.Labels, ingest.Changes}},
			{Action: ingest.ActionDrop, Fields: []string{"*"}, Kinds: []ingest.Kind{ingest.Telemetry}},
			{Action: ingest.ActionAllowValues, Values: []string{"a"}, Fields: []string{"*"}, Kinds: []ingest.Kind{ingest.Jobs}},
		}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var topics []ingest.Topic
			for _, k := range ingest.Kinds {
				topics = append(topics, ingest.Topic{Topic: string(k), Kind: k, Format: ingest.FormatJSON, Tenant: "t", DeadLetters: c.letters})
			}
			dir := t.TempDir()
			r := newRig(t, func(t testing.TB) kafka.Config {
				cfg := kafka.DefaultConfig()
				cfg.Brokers = embeddedtest.Kafka(t, func(k *embedded.KafkaConfig) { k.DataDir = dir }).Addrs()
				return cfg
			}, topics...)
			r.uncompress()
			var log output
			r.logs = slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
			r.cfg.Policies, r.cfg.HashKey = c.policies, "0123456789abcdef0123456789abcdef"
			r.cfg.LetterKeys = []ingest.LetterKey{{ID: "k", Key: config.Secret(base64.StdEncoding.EncodeToString(make([]byte, 32)))}}
			check(t, r.cfg.Validate())
			stop := r.run(metrics.NewSet())
			// The log has one line in ten seconds; this makes it one that would tell.
			r.produce(&kgo.Record{Topic: "events", Value: []byte(`{"model":"m","timestamp":"` + marker + `"}`)})
			r.consume("events.dlq", 1)
			records := secretRecords()
			r.produce(records...)
			for _, topic := range topics {
				n := len(records)/len(topics) - 1
				if topic.Kind == ingest.Events {
					n++
				}
				r.consume(kafka.DLQ(topic.Topic), n)
			}
			for _, table := range []string{"inference_events", "labels", "telemetry", "job_events", "changes"} {
				until(t, table, func() bool { return r.number("SELECT count() FROM "+table) == 1 })
			}
			stop()
			places := map[string]bool{
				"files of the store": len(filesWith(t, r.storeDir(), marker, func(string) bool { return false })) > 0, // before any query names it
				"log":                strings.Contains(log.String(), marker),
			}
			if columns := r.columnsWith(marker); len(columns) > 0 {
				places["columns"] = true
				if !c.clear {
					t.Errorf("columns %v hold it", columns)
				}
			} else {
				places["columns"] = false
			}
			places["topics"] = r.topicsHold(marker, topics)
			places["files of Kafka"] = len(filesWith(t, dir, marker, func(path string) bool {
				for _, topic := range topics { // where producers put it
					if strings.Contains(path, "/"+topic.Topic+"-") && !strings.Contains(path, ".dlq") {
						return true
					}
				}
				return false
			})) > 0
			for place, found := range places {
				if found != c.clear {
					t.Errorf("%s: found %v, want %v", place, found, c.clear)
				}
			}
		})
	}
}

func (r *rig) storeDir() (dir string) {
	r.Helper()
	check(r, r.db.Conn().QueryRow(r.Context(), "SELECT path FROM system.disks WHERE name = 'default'").Scan(&dir))
	return dir
}

// topicsHold looks into all topics but those that producers wrote to.
func (r *rig) topicsHold(text string, inputs []ingest.Topic) bool {
	r.Helper()
	own := r.kafka.Topics
	all := []string{own.Schemas, own.Windows, own.Signals, own.Incidents}
	for _, t := range inputs {
		all = append(all, kafka.DLQ(t.Topic))
	}
	for _, topic := range all {
		for _, rec := range r.consumeAll(topic) {
			if strings.Contains(fmt.Sprintf("%s %s %s", rec.Key, rec.Value, rec.Headers), text) {
				return true
			}
		}
	}
	return false
}

// A quota delays, and loses nothing: a throttled instance stops at once, and
// what it had not taken is there for the next one.
func TestQuotasDelayAndLoseNothing(t *testing.T) {
	r := newRig(t, fake, ingest.Topic{Topic: "in", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"})
	r.cfg.Quotas = map[string]ingest.Quota{"default": {RowsPerSecond: 200}}
	const n = 3000
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: "in", Partition: int32(i % 3), Value: encode(t, ingest.FormatJSON, event(i))})
	}
	r.produce(records...)
	set := metrics.NewSet()
	start := time.Now()
	stop := r.run(set)
	until(t, "some rows", func() bool { return r.number("SELECT count() FROM inference_events") >= 500 })
	if d := time.Since(start); d < time.Second { // 200 at once, 300 more in one and a half seconds
		t.Errorf("500 rows after %s", d)
	}
	stopping := time.Now()
	stop()
	if d := time.Since(stopping); d > 10*time.Second {
		t.Errorf("a throttled instance took %s to stop", d)
	}
	if got := r.number("SELECT count() FROM inference_events"); got > 2000 {
		t.Errorf("%d rows in %s", got, time.Since(start))
	}
	if s := set.GetOrCreateFloatCounter(`driftline_ingest_throttled_seconds_total{tenant="default"}`).Get(); s < 1 {
		t.Errorf("%.1f seconds throttled", s)
	}
	r.cfg.Quotas = nil
	stop = r.run(metrics.NewSet())
	until(t, "all rows", func() bool { return r.number("SELECT count() FROM inference_events") >= n })
	stop()
	if rows, ids := r.number("SELECT count() FROM inference_events"), r.number("SELECT uniqExact(request_id) FROM inference_events"); rows != n || ids != n {
		t.Errorf("%d rows of %d requests, want %d", rows, ids, n)
	}
}
