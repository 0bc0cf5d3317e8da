package schemas_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/driftline/driftline/schemas"
)

func FuzzEventProto(f *testing.F)    { fuzzProto[schemas.Event](f) }
func FuzzLabelProto(f *testing.F)    { fuzzProto[schemas.Label](f) }
func FuzzSampleProto(f *testing.F)   { fuzzProto[schemas.Sample](f) }
func FuzzJobEventProto(f *testing.F) { fuzzProto[schemas.JobEvent](f) }
func FuzzChangeProto(f *testing.F)   { fuzzProto[schemas.Change](f) }

func FuzzEventJSON(f *testing.F)    { fuzzJSON[schemas.Event](f) }
func FuzzLabelJSON(f *testing.F)    { fuzzJSON[schemas.Label](f) }
func FuzzSampleJSON(f *testing.F)   { fuzzJSON[schemas.Sample](f) }
func FuzzJobEventJSON(f *testing.F) { fuzzJSON[schemas.JobEvent](f) }
func FuzzChangeJSON(f *testing.F)   { fuzzJSON[schemas.Change](f) }

type recordOf[T any] interface {
	*T
	record
}

// seeds are a few random values of T.
func seeds[T any]() []*T {
	rng := rand.New(rand.NewPCG(3, 4))
	out := make([]*T, 5)
	for i := range out {
		out[i] = new(T)
		fill(rng, reflect.ValueOf(out[i]).Elem(), true)
	}
	return out
}

// fuzzProto: nothing panics, and what is accepted encodes to the same value.
func fuzzProto[T any, P recordOf[T]](f *testing.F) {
	for _, v := range seeds[T]() {
		f.Add(P(v).AppendProto(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first, second := P(new(T)), P(new(T))
		if first.UnmarshalProto(b) != nil {
			return
		}
		if err := second.UnmarshalProto(first.AppendProto(nil)); err != nil {
			t.Fatalf("own encoding: %v", err)
		}
		if !sameProto(first, second) {
			t.Fatalf("got  %+v\nwant %+v", second, first)
		}
	})
}

// fuzzJSON: nothing panics, and what is accepted encodes to the same value.
func fuzzJSON[T any, P recordOf[T]](f *testing.F) {
	for _, v := range seeds[T]() {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"duration_ms":-0}`)) // omitted as empty: the sign of a zero is not kept
	f.Add([]byte(`{"timestamp":1767323045678,"features":{"a":true,"b":null,"c":"d"},"value":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, second, third := P(new(T)), P(new(T)), P(new(T))
		if json.Unmarshal(b, first) != nil {
			return
		}
		encoded, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("encode what was accepted: %v", err)
		}
		if err := json.Unmarshal(encoded, second); err != nil || !sameJSON(t, first, second) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, second, first)
		}
		if e, ok := any(first).(*schemas.Event); ok {
			if err := json.Unmarshal(e.AppendJSON(nil), third); err != nil || !sameJSON(t, first, third) {
				t.Fatalf("AppendJSON: %v\ngot  %+v\nwant %+v", err, third, first)
			}
		}
	})
}

func sameJSON(t *testing.T, a, b record) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return bytes.Equal(x, y)
}
