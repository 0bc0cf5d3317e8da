package schemas_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// record is an input record in all its forms.
type record interface {
	AppendProto(b []byte) []byte
	UnmarshalProto(b []byte) error
}

// inputs are the records that producers send, with the name of their JSON Schema.
var inputs = []struct {
	message, schema string
	zero            func() record
}{
	{"Event", "event", func() record { return new(schemas.Event) }},
	{"Label", "label", func() record { return new(schemas.Label) }},
	{"Sample", "sample", func() record { return new(schemas.Sample) }},
	{"JobEvent", "job_event", func() record { return new(schemas.JobEvent) }},
	{"Change", "change", func() record { return new(schemas.Change) }},
}

// eachRandom runs f on many random values of every input record.
func eachRandom(t *testing.T, f func(t *testing.T, message, schema string, v record)) {
	t.Helper()
	for _, in := range inputs {
		t.Run(in.message, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				v := in.zero()
				fill(rng, reflect.ValueOf(v).Elem(), true)
				f(t, in.message, in.schema, v)
			}
		})
	}
}

// fill sets v to a random value of its type; half of what may be left out is.
func fill(rng *rand.Rand, v reflect.Value, required bool) {
	if !required && rng.IntN(2) == 0 {
		return
	}
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.UnixMilli(rng.Int64N(4e12)).UTC()
		return
	case *schemas.JobState:
		*at = []schemas.JobState{schemas.JobStarted, schemas.JobHeartbeat, schemas.JobSucceeded, schemas.JobFailed, schemas.JobCancelled}[rng.IntN(5)]
		return
	case **float64:
		*at = new(randomNumber(rng))
		return
	case *map[string]float64:
		*at = map[string]float64{"n": 0}
		for range rng.IntN(80) {
			(*at)["n"+randomText(rng)] = randomNumber(rng)
		}
		return
	case *map[string]string:
		*at = map[string]string{"c": ""}
		for range rng.IntN(80) {
			(*at)["c"+randomText(rng)] = randomText(rng)
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x" + randomText(rng))
	case reflect.Float64:
		v.SetFloat(randomNumber(rng))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(rng.Uint64() >> (64 - v.Type().Bits()) >> rng.IntN(32))
	case reflect.Struct:
		for i := range v.NumField() {
			_, optional := optionalTag(v.Type().Field(i))
			fill(rng, v.Field(i), !optional)
		}
	default:
		panic("no random value of " + v.Type().String())
	}
}

var alphabet = []rune("aZ_ 0\"\\/\n\t\x00\x1f\x7f<>&é\u2028\u2029世😀\ufffd")

func randomText(rng *rand.Rand) string {
	out := make([]rune, rng.IntN(12))
	for i := range out {
		out[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(out)
}

func randomNumber(rng *rand.Rand) float64 {
	special := []float64{0, math.Copysign(0, -1), 1, -1, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 1e-7, 0.1}
	if rng.IntN(4) == 0 {
		return special[rng.IntN(len(special))]
	}
	return rng.NormFloat64() * math.Pow(10, float64(rng.IntN(40)-20))
}
