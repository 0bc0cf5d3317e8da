package schemas_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/driftline/driftline/schemas"
)

// sameProto tells whether two records are the same value: their encoding is
// deterministic and, unlike ==, takes NaN as equal to itself.
func sameProto(a, b record) bool { return bytes.Equal(a.AppendProto(nil), b.AppendProto(nil)) }

// Google's own runtime reads what AppendProto writes, writes it again, and
// UnmarshalProto reads that as the same value.
func TestProtoAgreesWithTheOfficialRuntime(t *testing.T) {
	eachRandom(t, func(t *testing.T, name, _ string, v record) {
		dynamic := dynamicpb.NewMessage(message(t, name))
		if err := proto.Unmarshal(v.AppendProto(nil), dynamic); err != nil {
			t.Fatal(err)
		}
		if unknown := dynamic.GetUnknown(); len(unknown) > 0 {
			t.Fatalf("unknown fields %x", unknown)
		}
		compareFields(t, dynamic, v)
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(dynamic)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface().(record)
		if err := got.UnmarshalProto(again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("got  %+v\nwant %+v", got, v)
		}
	})
}

// compareFields holds every field by name against the Go value's JSON form.
func compareFields(t *testing.T, dynamic *dynamicpb.Message, v record) {
	t.Helper()
	rv := reflect.ValueOf(v).Elem()
	for _, m := range members(rv.Type()) {
		i := slices.IndexFunc(reflect.VisibleFields(rv.Type()), func(f reflect.StructField) bool {
			n, _ := optionalTag(f)
			return n == m.name
		})
		if m.name == "features" {
			f := rv.Field(i).Interface().(schemas.Features)
			compareField(t, dynamic, "numeric", f.Numeric)
			compareField(t, dynamic, "categorical", f.Categorical)
			continue
		}
		compareField(t, dynamic, m.name, rv.Field(i).Interface())
	}
}

func compareField(t *testing.T, dynamic *dynamicpb.Message, name string, want any) {
	t.Helper()
	f := dynamic.Descriptor().Fields().ByTextName(name)
	got := dynamic.Get(f)
	same := false
	switch want := want.(type) {
	case time.Time:
		same = got.Int() == want.UnixMilli()
	case *float64:
		same = dynamic.Has(f) == (want != nil) && (want == nil || got.Float() == *want)
	case map[string]float64:
		same = got.Map().Len() == len(want)
		for k, v := range want {
			same = same && got.Map().Get(protoreflect.ValueOfString(k).MapKey()).Float() == v
		}
	case map[string]string:
		same = got.Map().Len() == len(want)
		for k, v := range want {
			same = same && got.Map().Get(protoreflect.ValueOfString(k).MapKey()).String() == v
		}
	default:
		same = reflect.ValueOf(got.Interface()).Equal(reflect.ValueOf(want).Convert(reflect.TypeOf(got.Interface())))
	}
	if !same {
		t.Fatalf("%s: protobuf has %v, Go %v", name, got, want)
	}
}

func TestProtoUnknownFieldsAreSkipped(t *testing.T) {
	eachRandom(t, func(t *testing.T, _, _ string, v record) {
		b := protowire.AppendString(protowire.AppendTag(nil, 900, protowire.BytesType), "later")
		b = v.AppendProto(protowire.AppendVarint(protowire.AppendTag(b, 901, protowire.VarintType), 7))
		b = protowire.AppendGroup(protowire.AppendTag(b, 902, protowire.StartGroupType), 902, nil)
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface().(record)
		if err := got.UnmarshalProto(b); err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, v)
		}
	})
}

func TestProtoErrorsNameTheField(t *testing.T) {
	varint := func(num protowire.Number) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), 1)
	}
	entry := protowire.AppendBytes(protowire.AppendTag(nil, 14, protowire.BytesType), varint(2))
	tests := map[string][]byte{
		"field 2 (model): wire type 0, not 2":                      varint(2),
		"field 12 (score): wire type 0, not 1":                     varint(12),
		"field 6 (timestamp): wire type 2, not 0":                  {6<<3 | 2, 0},
		"field 14 (numeric): field 2 (value): wire type 0, not 1":  entry,
		"field 1 (tenant): unexpected EOF":                         {1<<3 | 2, 200},
		"read field tag: proto: variable length integer overflow":  bytes.Repeat([]byte{255}, 11),
		"field 100 (unknown): proto: mismatching end group marker": protowire.AppendTag(nil, 100, protowire.EndGroupType),
		"field 15 (categorical): field 1 (key): unexpected EOF":    {15<<3 | 2, 2, 1<<3 | 2, 9},
		"field 13 (latency_ms): unexpected EOF":                    {13<<3 | 1, 0, 0},
		"read field tag: unexpected EOF":                           {128},
	}
	for want, b := range tests {
		err := new(schemas.Event).UnmarshalProto(b)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "\u00a0", " "), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	eachRandom(t, func(t *testing.T, _, schema string, v record) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface().(record)
		if err := json.Unmarshal(b, got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("got  %+v\nwant %+v", got, v)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := jsonSchema(t, schema).Validate(doc); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	})
}

func TestAppendJSONMeansTheSameAsMarshal(t *testing.T) {
	eachRandom(t, func(t *testing.T, _, _ string, v record) {
		e, ok := v.(*schemas.Event)
		if !ok {
			t.SkipNow()
		}
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.AppendJSON([]byte("prefix")); !reflect.DeepEqual(decoded(t, got[len("prefix"):]), decoded(t, want)) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

func TestAppendJSONOnWhatJSONCannotHold(t *testing.T) {
	e := schemas.Event{
		Model: "m\xff\"", Time: time.UnixMilli(999_999_999_999_999).UTC(), Score: new(math.NaN()), LatencyMS: new(math.Inf(1)),
		Features: schemas.Features{Numeric: map[string]float64{"nan": math.NaN(), "both": 1}, Categorical: map[string]string{"both": "x"}},
	}
	const want = `{"model":"m\ufffd\"","timestamp":999999999999999,"features":{"both":"x"}}`
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTimestampsInBothForms(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for _, text := range []string{`"2026-01-02T03:04:05.678Z"`, `"2026-01-02T04:04:05.678+01:00"`, `1767323045678`, `1.767323045678e12`} {
		for _, in := range inputs {
			v := in.zero()
			if err := json.Unmarshal([]byte(`{"timestamp":`+text+`}`), v); err != nil {
				t.Errorf("%s %s: %v", in.message, text, err)
			}
			if got := reflect.ValueOf(v).Elem().FieldByName("Time").Interface().(time.Time); got != want {
				t.Errorf("%s %s: got %v", in.message, text, got)
			}
		}
	}
	for _, text := range []string{`"yesterday"`, `true`, `1e300`, `-1e300`, `{}`, `[]`, `""`, `"0000-01-01T00:00:00+01:00"`} {
		err := json.Unmarshal([]byte(`{"timestamp":`+text+`}`), new(schemas.Label))
		if err == nil || !strings.Contains(err.Error(), "timestamp "+text) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	var none schemas.Event
	if err := json.Unmarshal([]byte(`{"timestamp":null,"features":null,"later":{"a":[1]}}`), &none); err != nil || !none.Time.IsZero() {
		t.Errorf("null: got %v, %v", none.Time, err)
	}
}

func TestFeaturesByTypeOfTheirValue(t *testing.T) {
	var e schemas.Event
	if err := json.Unmarshal([]byte(`{"features":{"n":-1.5e3,"t":true,"f":false,"s":"x\u0041","e":"","z":null}}`), &e); err != nil {
		t.Fatal(err)
	}
	want := schemas.Features{Numeric: map[string]float64{"n": -1500, "t": 1, "f": 0}, Categorical: map[string]string{"s": "xA", "e": ""}}
	if !reflect.DeepEqual(e.Features, want) {
		t.Errorf("got %+v", e.Features)
	}
	for text, want := range map[string]string{
		`{"a":1,"b":[],"c":{}}`: `feature "b" is neither a number, a boolean, a string nor null`,
		`{"a":1e999}`:           `feature "a": 1e999 is not within the range of a double`,
		`[1]`:                   "read features",
	} {
		if err := json.Unmarshal([]byte(text), new(schemas.Features)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// What detectors, the correlator and alerting publish fits its JSON Schema.
func TestPublishedFormsFitTheirJSONSchemas(t *testing.T) {
	at := time.UnixMilli(1767323045678).UTC()
	key, span := schemas.ModelKey{Tenant: "t", Model: "m"}, schemas.Span{Start: at, End: at}
	signal := schemas.Signal{WindowStart: at, WindowEnd: at, Tenant: "t", Model: "m", State: schemas.StateAlarm, PValue: 1, EvaluatedAt: at}
	incident := schemas.Incident{ID: "i", State: schemas.IncidentOpen, Severity: schemas.SeverityError, Signals: []schemas.Signal{signal}}
	resolved := incident
	resolved.ResolvedAt, resolved.Features = &at, []string{"income"}
	for _, c := range []struct {
		schema string
		value  any
	}{
		{"signal", signal},
		{"evaluation", schemas.Evaluation{ModelKey: key, Span: span, Signals: []schemas.Signal{signal}}},
		{"evaluation", schemas.Evaluation{}},
		{"incident", incident},
		{"incident", resolved},
		{"touch", schemas.Touch{ModelKey: key, Spans: []schemas.Span{span}, Rows: 1, Watermark: at}},
		{"notification", schemas.Notification{Time: at, Status: schemas.NotificationPending}},
		{"silence", schemas.Silence{ID: "s", Matchers: []string{`severity="warning"`}, StartsAt: at, EndsAt: at}},
	} {
		b, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := jsonSchema(t, c.schema).Validate(doc); err != nil {
			t.Errorf("%v\n%s", err, b)
		}
	}
}
