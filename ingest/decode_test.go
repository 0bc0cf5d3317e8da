package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/schemas"
)

// storable is what the table can hold of an event: the form in which the
// columnar decoders and the plain ones of schemas are compared.
type storable struct {
	Text           [10]string // tenant to prediction
	Millis         int64      // -1: missing, or outside of what the table can hold
	Score, Latency string
	Numeric        map[string]string // without missing values
	Categorical    map[string]string
}

// number is a value as Float32, empty when missing. Six digits, of the seven
// that a Float32 has, leave room for the last bit: fastjson may round it otherwise.
func number(v float64) string {
	f := finite(v)
	if math.IsNaN(float64(f)) {
		return ""
	}
	return fmt.Sprintf("%.6g", f+0) // no sign of zero
}

func numberAt(v *float64) string {
	if v == nil {
		return ""
	}
	return number(*v)
}

func millisOf(ms int64) int64 {
	if err := clockAt(time.Time{}, 0, 0).check(ms); err != nil {
		return -1
	}
	return ms
}

func plainView(e *schemas.Event) storable {
	v := storable{
		Text:   [10]string{e.Tenant, e.Model, e.Version, e.Segment, e.RequestID, e.Deployment, e.Pod, e.Node, e.GPU, e.Prediction},
		Millis: -1, Score: numberAt(e.Score), Latency: numberAt(e.LatencyMS), Numeric: map[string]string{}, Categorical: map[string]string{},
	}
	if !e.Time.IsZero() {
		v.Millis = millisOf(e.Time.UnixMilli())
	}
	for name, x := range e.Features.Numeric {
		if x := number(x); x != "" {
			v.Numeric[name] = x
		}
	}
	maps.Copy(v.Categorical, e.Features.Categorical)
	return v
}

func rawView(e *rawEvent) storable {
	v := storable{Millis: millisOf(e.millis), Score: number(e.score), Latency: number(e.latency), Numeric: map[string]string{}, Categorical: map[string]string{}}
	for i, b := range [][]byte{e.tenant, e.model, e.version, e.segment, e.requestID, e.deployment, e.pod, e.node, e.gpu, e.prediction} {
		v.Text[i] = string(b)
	}
	for i, name := range e.numNames { // the last one counts
		delete(v.Numeric, string(name))
		if x := number(e.numValues[i]); x != "" {
			v.Numeric[string(name)] = x
		}
	}
	for i, name := range e.catNames {
		v.Categorical[string(name)] = string(e.catValues[i])
	}
	return v
}

// decoder is a pair that must agree: the fast one and its oracle.
type decoder struct {
	format string
	fast   eventDecoder
	plain  func(b []byte, e *schemas.Event) error
	encode func(e *schemas.Event) []byte
}

// decodeOne reads a record of one event into memory that was used before.
func decodeOne(d eventDecoder, b []byte, e *rawEvent) error {
	out := rawEvents{all: []rawEvent{*e}}
	err := d.decode(&kgo.Record{Value: b}, &out)
	*e = out.all[0]
	return err
}

func decoders() []decoder {
	return []decoder{
		{FormatJSON, &jsonEvents{}, func(b []byte, e *schemas.Event) error { return json.Unmarshal(b, e) }, func(e *schemas.Event) []byte { return e.AppendJSON(nil) }},
		{FormatProtobuf, protoEvents{}, func(b []byte, e *schemas.Event) error { return e.UnmarshalProto(b) }, func(e *schemas.Event) []byte { return e.AppendProto(nil) }},
	}
}

func randomString(rng *rand.Rand) string {
	alphabet := []rune("aZ_ 0\"\\/\n\x00\x1fé\u2028世😀")
	out := make([]rune, rng.IntN(6))
	for i := range out {
		out[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(out)
}

func randomValue(rng *rand.Rand) float64 {
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 1e-7}
	if rng.IntN(4) == 0 {
		return special[rng.IntN(len(special))]
	}
	return rng.NormFloat64() * math.Pow(10, float64(rng.IntN(20)-10))
}

// randomEvent leaves about half of everything out.
func randomEvent(rng *rand.Rand) *schemas.Event {
	e := &schemas.Event{Model: "m", Time: time.UnixMilli(rng.Int64N(4e12)).UTC()}
	e.Features = schemas.Features{Numeric: map[string]float64{}, Categorical: map[string]string{}}
	for _, s := range []*string{&e.Tenant, &e.Version, &e.Segment, &e.RequestID, &e.Deployment, &e.Pod, &e.Node, &e.GPU, &e.Prediction} {
		if rng.IntN(2) == 0 {
			*s = randomString(rng)
		}
	}
	for _, p := range []**float64{&e.Score, &e.LatencyMS} {
		if rng.IntN(2) == 0 {
			*p = new(randomValue(rng))
		}
	}
	for i := range rng.IntN(30) {
		if rng.IntN(2) == 0 {
			e.Features.Numeric[fmt.Sprint("n", i, randomString(rng))] = randomValue(rng)
		} else {
			e.Features.Categorical[fmt.Sprint("c", i, randomString(rng))] = randomString(rng)
		}
	}
	return e
}

// One decoder reads many events, as in production: nothing of one event may
// show up in the next.
func TestColumnarDecodersAgreeWithThePlainOnes(t *testing.T) {
	for _, d := range decoders() {
		rng, raw := rand.New(rand.NewPCG(5, 6)), rawEvent{}
		for i := range 5000 {
			b := d.encode(randomEvent(rng))
			var plain schemas.Event
			if err := errors.Join(decodeOne(d.fast, b, &raw), d.plain(b, &plain)); err != nil {
				t.Fatalf("%s event %d: %v\n%q", d.format, i, err, b)
			}
			if got, want := rawView(&raw), plainView(&plain); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s event %d\ngot  %+v\nwant %+v\n%q", d.format, i, got, want, b)
			}
		}
	}
}

// What counts is the row: values at the positions that the schema gives, and
// nothing elsewhere.
func TestRowsHoldEveryFeatureAtItsPosition(t *testing.T) {
	for _, d := range decoders() {
		rng, at := rand.New(rand.NewPCG(7, 8)), arrivals{}
		c := newEventColumns(modelIngester(localSchemas{}, 65_000), Topic{Format: d.format, Tenant: "acme"})
		for range 500 {
			e := randomEvent(rng)
			e.Version = []string{"1", "2"}[rng.IntN(2)]
			b := d.encode(e)
			if err := c.add(t.Context(), &kgo.Record{Value: b}, &at); err != nil {
				t.Fatalf("%v\n%q", err, b)
			}
			var plain schemas.Event
			if err := d.plain(b, &plain); err != nil {
				t.Fatal(err)
			}
			compareRow(t, c, &plain)
		}
		for _, col := range c.input() {
			if col.Data.Rows() != 500 {
				t.Errorf("column %s has %d rows", col.Name, col.Data.Rows())
			}
		}
	}
}

// compareRow holds the newest row against its event.
func compareRow(t *testing.T, c *eventColumns, e *schemas.Event) {
	t.Helper()
	s, want := c.layout.schema, plainView(e)
	if want.Text[0] = or(e.Tenant, "acme"); s.Key != (schemas.SchemaKey{Tenant: want.Text[0], Model: e.Model, Version: e.Version}) {
		t.Fatalf("schema of %v for %+v", s.Key, e)
	}
	got := storable{Text: want.Text, Millis: int64(c.time.Data[len(c.time.Data)-1]), Numeric: map[string]string{}, Categorical: map[string]string{}}
	for i, v := range c.numRow {
		if v := number(float64(v)); v != "" {
			got.Numeric[s.Numeric[i]] = v
		}
	}
	for i, v := range c.catRow {
		if len(v) > 0 {
			got.Categorical[s.Categorical[i]] = string(v)
		}
	}
	got.Score, got.Latency, got.Text[9] = got.Numeric[schemas.FeatureScore], got.Numeric[schemas.FeatureLatency], got.Categorical[schemas.FeaturePrediction]
	delete(got.Numeric, schemas.FeatureScore)
	delete(got.Numeric, schemas.FeatureLatency)
	delete(got.Categorical, schemas.FeaturePrediction)
	maps.DeleteFunc(want.Categorical, func(_, v string) bool { return v == "" }) // empty is missing
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// Both readers of the protobuf form accept the same bytes and see the same.
func FuzzProtoEvents(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		f.Add(randomEvent(rng).AppendProto(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var raw rawEvent
		if num, _, _ := protowire.ConsumeTag(b); num == batchField {
			return // another message
		}
		var plain schemas.Event
		fast, slow := decodeOne(protoEvents{}, b, &raw), plain.UnmarshalProto(b)
		if (fast == nil) != (slow == nil) {
			t.Fatalf("columnar: %v; plain: %v", fast, slow)
		}
		if got, want := rawView(&raw), plainView(&plain); fast == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

// What the scan of plain JSON accepts, the parser sees the same in.
func FuzzJSONScan(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		f.Add(randomEvent(rng).AppendJSON(nil))
	}
	for _, text := range plainJSON {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"model":"m\\","timestamp":1}`))
	f.Add([]byte("{}\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var scanned rawEvent
		scanned.reset()
		if s := (scan{b: b}); !s.event(&scanned) {
			return
		}
		var parsed rawEvents
		if err := new(jsonEvents).parse(&kgo.Record{Value: b}, &parsed); err != nil || parsed.n != 1 {
			t.Fatalf("the parser takes %d events: %v", parsed.n, err)
		}
		if got, want := rawView(&scanned), rawView(&parsed.all[0]); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

// plainJSON are events as producers write them.
var plainJSON = []string{
	`{}`,
	`{"model":"m","timestamp":1767323045678,"features":{}}`,
	` { "tenant" : "t", "model":"m", "version":"v", "segment":"s", "request_id":"r", "timestamp":"2026-01-02T04:04:05.678+01:00",
		"deployment":"d","pod":"p","node":"n","gpu":"g","prediction":"yes","score":0.25,"latency_ms":1.5e2,
		"features":{"a":-1.25,"b":"text","c":true,"d":false,"e":null,"f":12345678901234567890},"unknown":"x","more":3} ` + "\n",
}

// What is usual is scanned, and is not read twice.
func TestPlainJSONIsScanned(t *testing.T) {
	for _, text := range plainJSON {
		var e rawEvent
		e.reset()
		if s := (scan{b: []byte(text)}); !s.event(&e) {
			t.Errorf("not scanned beyond byte %d: %s", s.i, text)
		}
	}
	for _, text := range []string{``, `[]`, `{"model":"a\"b"}`, `{"model":1}`, `{"score":"1"}`, `{"model":"m"`, `{"model":"m"}}`, `{"timestamp":true}`, `{"later":[{}]}`} {
		var e rawEvent
		if s := (scan{b: []byte(text)}); s.event(&e) {
			t.Errorf("scanned, though the parser has to judge it: %s", text)
		}
	}
}

// What the plain reader of JSON accepts, the columnar one accepts and sees the
// same in it. The reverse does not hold: fastjson also takes NaN and Infinity,
// which are missing values.
func FuzzJSONEvents(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		f.Add(randomEvent(rng).AppendJSON(nil))
	}
	f.Add([]byte(`{"model":"m","timestamp":1.767323045678e12,"features":{"a":true,"b":null,"c":"d"},"score":null}`))
	f.Add([]byte(`{"model":null,"timestamp":"2026-01-02T04:04:05.678+01:00","later":[{}],"features":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var raw rawEvent
		fast := decodeOne(&jsonEvents{}, b, &raw)
		var plain schemas.Event
		if json.Unmarshal(b, &plain) != nil || plain.Time.IsZero() || !plainSpoken(b) {
			return
		}
		if fast != nil {
			t.Fatalf("columnar: %v", fast)
		}
		if got, want := rawView(&raw), plainView(&plain); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

// plainSpoken tells whether JSON means one thing to all readers (RFC 8259 §4,
// §8, §9): no member twice, none that encoding/json takes for another because
// it ignores case, only valid text, and not nested deeper than fastjson goes.
func plainSpoken(b []byte) bool {
	if !utf8.Valid(b) || bytes.Contains(bytes.ToLower(b), []byte(`\ud`)) || bytes.Count(b, []byte("{"))+bytes.Count(b, []byte("[")) > 100 {
		return false
	}
	top, unique := members(b)
	for name, value := range top {
		for f := range reflect.TypeFor[schemas.Event]().Fields() {
			known, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			unique = unique && (name == known || !strings.EqualFold(name, known))
		}
		if name == "features" {
			_, once := members(value)
			unique = unique && once
		}
	}
	return unique
}

// members of an object, and whether each is there once.
func members(b []byte) (map[string]json.RawMessage, bool) {
	dec, out := json.NewDecoder(bytes.NewReader(b)), map[string]json.RawMessage{}
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, true
	}
	for dec.More() {
		key, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil, false
		}
		name, _ := key.(string)
		if _, twice := out[name]; twice {
			return nil, false
		}
		out[name] = value
	}
	return out, true
}

func reasonOf(err error) string {
	if p, ok := errors.AsType[*poison](err); ok {
		return p.reason
	}
	return fmt.Sprint(err)
}

func TestJSONEventsAreRefused(t *testing.T) {
	tests := map[string]string{
		``:                                 "bad_json",
		`{"model":"m"`:                     "bad_json",
		`"m"`:                              "bad_json",
		`{"model":1}`:                      "bad_field",
		`{"score":"1"}`:                    "bad_field",
		`{"features":[]}`:                  "bad_field",
		`{"features":{"a":{}}}`:            "bad_feature",
		`{"timestamp":null}`:               "bad_timestamp",
		`{"timestamp":"2026-13-01"}`:       "bad_timestamp",
		`{"timestamp":true,"model":false}`: "bad_timestamp", // the first fault is told
	}
	for text, want := range tests {
		var raw rawEvent
		if err := decodeOne(&jsonEvents{}, []byte(text), &raw); reasonOf(err) != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// What fastjson takes for a number and cannot read must not become 0.
func TestJSONNumbersAreNumbers(t *testing.T) {
	for _, text := range []string{`{"score":1-2}`, `{"latency_ms":1e}`, `{"timestamp":1.5.5}`, `{"features":{"a":1-2}}`, `{"features":{"a":-}}`} {
		var raw rawEvent
		if err := decodeOne(&jsonEvents{}, []byte(text), &raw); err == nil {
			t.Errorf("%s is accepted: %+v", text, rawView(&raw))
		}
	}
}

// Python writes missing numbers so, though JSON has no such values.
func TestJSONTakesNaNAndInfinityForMissing(t *testing.T) {
	var raw rawEvent
	if err := decodeOne(&jsonEvents{}, []byte(`{"score":NaN,"features":{"a":nan,"b":1e999,"c":2}}`), &raw); err != nil {
		t.Fatal(err)
	}
	if v := rawView(&raw); v.Score != "" || !maps.Equal(v.Numeric, map[string]string{"c": "2"}) {
		t.Errorf("got %+v", v)
	}
}

// A record that is refused leaves no trace in the columns.
func TestRefusedRecordsLeaveColumnsAlone(t *testing.T) {
	c, at := newEventColumns(modelIngester(localSchemas{}, 6), Topic{Format: FormatJSON, Tenant: "t"}), arrivals{}
	values := []struct{ value, reason string }{
		{`{"model":"m","timestamp":1,"features":{"a":1,"b":"x"}}`, "<nil>"},
		{`{"model":"m"}`, "missing_field"},
		{`{"timestamp":1}`, "missing_field"},
		{`{"model":"m","timestamp":-1}`, "bad_timestamp"},
		{`{"model":"m","timestamp":4102444800000}`, "bad_timestamp"},
		{`{"model":"m","timestamp":1,"features":{"":1}}`, "bad_feature"},
		{`{"model":"m","timestamp":1,"features":{"_prediction":1}}`, "bad_feature"},
		{`{"model":"m","timestamp":1,"features":{"c":1,"d":1}}`, "too_many_features"},
		{`{"model":"m","timestamp":1,"features":{"c":1}}`, "<nil>"},
	}
	rows := 0
	for _, v := range values {
		err := c.add(t.Context(), &kgo.Record{Value: []byte(v.value)}, &at)
		if reasonOf(err) != v.reason {
			t.Errorf("%s: %v, want %s", v.value, err, v.reason)
		}
		if err == nil {
			rows++
		}
		for _, col := range c.input() {
			if col.Data.Rows() != rows || at.rows != rows {
				t.Fatalf("%s: column %s has %d rows, %d counted, want %d", v.value, col.Name, col.Data.Rows(), at.rows, rows)
			}
		}
	}
}

func TestErrorsOfDecodersAreShort(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, text := range []string{`{"a":` + long, `{"timestamp":"` + long + `"}`, `{"features":{"` + long + `":[]}}`} {
		var raw rawEvent
		if err := decodeOne(&jsonEvents{}, []byte(text), &raw); err == nil || len(err.Error()) > 400 {
			t.Errorf("%.30s: error of %d bytes", text, len(err.Error()))
		}
	}
}
