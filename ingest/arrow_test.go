package ingest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// arrowStream is what a producer writes of events: one column a field or
// feature, in batches of a few rows.
func arrowStream(t testing.TB, events []*schemas.Event, perBatch int, options ...ipc.Option) []byte {
	t.Helper()
	numeric, categorical := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		for name := range e.Features.Numeric {
			numeric[name] = true
		}
		for name := range e.Features.Categorical {
			categorical[name] = true
		}
	}
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}
	fields := []arrow.Field{{Name: "model", Type: dict}, {Name: "version", Type: arrow.BinaryTypes.LargeString, Nullable: true}, {Name: "request_id", Type: arrow.BinaryTypes.String}}
	fields = append(fields, arrow.Field{Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_us}, arrow.Field{Name: "score", Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	for _, name := range slices.Sorted(maps.Keys(numeric)) {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	for _, name := range slices.Sorted(maps.Keys(categorical)) {
		fields = append(fields, arrow.Field{Name: name, Type: dict, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(options, ipc.WithSchema(schema))...)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for part := range slices.Chunk(events, perBatch) {
		for _, e := range part {
			appendRow(t, b, e)
		}
		if err := w.Write(b.NewRecord()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func appendRow(t testing.TB, b *array.RecordBuilder, e *schemas.Event) {
	t.Helper()
	for i, f := range b.Schema().Fields() {
		switch col := b.Field(i).(type) {
		case *array.TimestampBuilder:
			col.Append(arrow.Timestamp(e.Time.UnixMicro()))
		case *array.LargeStringBuilder:
			col.Append(e.Version)
		case *array.StringBuilder:
			col.Append(e.RequestID)
		case *array.BinaryDictionaryBuilder:
			text, ok := e.Features.Categorical[f.Name]
			if f.Name == "model" {
				text, ok = e.Model, true
			}
			if !ok {
				col.AppendNull()
			} else if err := col.AppendString(text); err != nil {
				t.Fatal(err)
			}
		case *array.Float64Builder:
			value, ok := e.Features.Numeric[f.Name]
			if f.Name == "score" {
				ok = e.Score != nil
				if ok {
					value = *e.Score
				}
			}
			if ok {
				col.Append(value)
			} else {
				col.AppendNull()
			}
		}
	}
}

// Arrow gives the same events as JSON does, whatever the size of its batches
// and however they are compressed.
func TestArrowEventsAreTheSameEvents(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		events := make([]*schemas.Event, 1+rng.IntN(20))
		for i := range events {
			e := randomEvent(rng)
			events[i] = &schemas.Event{Model: e.Model, Version: e.Version, RequestID: e.RequestID, Time: e.Time, Score: e.Score, Features: e.Features}
			if rng.IntN(2) == 0 { // features must not be taken for fields
				delete(e.Features.Numeric, "n0")
			}
		}
		options := [][]ipc.Option{nil, {ipc.WithLZ4()}, {ipc.WithZstd()}}[i%3]
		value := arrowStream(t, events, 1+rng.IntN(8), options...)
		out := rawEvents{}
		if err := (&arrowEvents{}).decode(&kgo.Record{Value: value}, &out); err != nil {
			t.Fatal(err)
		}
		if len(out.list()) != len(events) {
			t.Fatalf("%d events, want %d", len(out.list()), len(events))
		}
		for i := range events {
			if got, want := rawView(&out.list()[i]), plainView(events[i]); !reflect.DeepEqual(got, want) {
				t.Fatalf("event %d\ngot  %+v\nwant %+v", i, got, want)
			}
		}
	}
}

// Every type of number becomes a numeric feature, a struct named features is
// opened, and what has no meaning is refused by its name.
func TestArrowTypes(t *testing.T) {
	structType := arrow.StructOf(arrow.Field{Name: "model", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "i8", Type: arrow.PrimitiveTypes.Int8})
	fields := []arrow.Field{
		{Name: "model", Type: arrow.BinaryTypes.String},
		{Name: "timestamp", Type: arrow.PrimitiveTypes.Int64},
		{Name: "u64", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "features", Type: structType},
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	b.Field(0).(*array.StringBuilder).Append("m")
	b.Field(1).(*array.Int64Builder).Append(5)
	b.Field(2).(*array.Uint64Builder).Append(7)
	b.Field(3).(*array.Float32Builder).Append(.5)
	b.Field(4).(*array.BooleanBuilder).Append(true)
	s := b.Field(5).(*array.StructBuilder)
	s.Append(true)
	s.FieldBuilder(0).(*array.StringBuilder).Append("a feature of that name")
	s.FieldBuilder(1).(*array.Int8Builder).Append(-3)
	out := rawEvents{}
	if err := (&arrowEvents{}).rows(b.NewRecord(), &out); err != nil {
		t.Fatal(err)
	}
	got := rawView(&out.list()[0])
	if want := map[string]string{"u64": "7", "f32": "0.5", "flag": "1", "i8": "-3"}; !maps.Equal(got.Numeric, want) || got.Categorical["model"] != "a feature of that name" || got.Text[1] != "m" || got.Millis != 5 {
		t.Errorf("%+v", got)
	}
	for name, typ := range map[string]arrow.DataType{"score": arrow.BinaryTypes.String, "model": arrow.PrimitiveTypes.Int8, "timestamp": arrow.BinaryTypes.String, "x": arrow.ListOf(arrow.PrimitiveTypes.Int8)} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: name, Type: typ}}, nil))
		if err := (&arrowEvents{}).rows(b.NewRecord(), &rawEvents{}); err == nil || !bytes.Contains([]byte(err.Error()), []byte(name)) {
			t.Errorf("%s of %s: %v", name, typ, err)
		}
	}
}

// A stream whose lengths are lies is refused, and takes no memory.
func FuzzArrowEvents(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, options := range [][]ipc.Option{nil, {ipc.WithLZ4()}, {ipc.WithZstd()}} {
		f.Add(arrowStream(f, []*schemas.Event{{Model: "m", Time: time.UnixMilli(5), Features: randomEvent(rng).Features}}, 1, options...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out := rawEvents{}
		err := (&arrowEvents{}).decode(&kgo.Record{Value: b}, &out)
		if err != nil && reasonOf(err) == fmt.Sprint(err) {
			t.Fatalf("not a poison: %v", err)
		}
	})
}
