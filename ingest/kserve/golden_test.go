package kserve

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a record of the corpus.
type sample struct {
	Timestamp time.Time         `json:"timestamp"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	Text      string            `json:"text"` // a body that is no JSON
	Skip      bool              `json:"skip"` // a record without a half
}

func (s *sample) record(offset int64) *kgo.Record {
	r := &kgo.Record{Offset: offset, Timestamp: s.Timestamp, Value: s.Body}
	if s.Body == nil {
		r.Value = []byte(s.Text)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Headers)) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(s.Headers[k])})
	}
	return r
}

// corpus gives the records of testdata, by the name of their file.
func corpus(tb testing.TB) map[string][]sample {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no corpus: %v", err)
	}
	all := map[string][]sample{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var samples []sample
		if err := json.Unmarshal(text, &samples); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		all[file] = samples
	}
	return all
}

// outcome of a record.
type outcome struct {
	Offset int64           `json:"offset"`
	Reason Reason          `json:"reason,omitempty"`
	Error  string          `json:"error,omitempty"`
	Events []schemas.Event `json:"events,omitempty"`
}

func TestGolden(t *testing.T) {
	for file, samples := range corpus(t) {
		d, j := NewDecoder(Limits{}), newJoiner(t, Config{Window: 100, MaxAge: time.Minute})
		var all []outcome
		for i, s := range samples {
			all = append(all, step(t, d, j, s.record(int64(i)), s.Skip))
		}
		golden(t, file, map[string]any{"records": all, "counts": j.Counts()})
	}
}

func newJoiner(tb testing.TB, c Config) *Joiner {
	tb.Helper()
	j, err := NewJoiner(c)
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

// step does what the owner of a partition does with a record.
func step(t *testing.T, d *Decoder, j *Joiner, r *kgo.Record, skip bool) outcome {
	t.Helper()
	o := outcome{Offset: r.Offset}
	var events []schemas.Event
	var h Half
	var err error
	if !skip {
		h, err = d.Decode(r)
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		o.Reason, o.Error, skip = e.Reason, e.Detail, true
	} else if err != nil {
		t.Fatalf("an error without a reason: %v", err)
	}
	if skip {
		events, err = j.Skip(r.Offset, r.Timestamp)
	} else {
		events, err = j.Add(r.Offset, r.Timestamp, h)
	}
	if err != nil {
		t.Fatal(err)
	}
	o.Events = slices.Clone(events)
	return o
}

func golden(t *testing.T, file string, v any) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(file, ".json") + ".golden"
	if *update {
		if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("%s differs from its golden file; look, then run with -update:\n%s", file, buf.Bytes())
	}
}
