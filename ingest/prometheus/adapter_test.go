package prometheus

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// The standard library writes what the adapter would; the decoder must give
// back the very bits.
func TestRandomAdapterRecordsComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		want := schemas.Sample{
			Metric: fmt.Sprint("m", rng.IntN(9)), Value: rng.NormFloat64() * math.Exp(rng.NormFloat64()*99),
			Time: time.Unix(rng.Int64N(4e9), 0).UTC(), Labels: map[string]string{},
		}
		written := map[string]string{nameLabel: want.Metric}
		for range rng.IntN(5) {
			k, v := fmt.Sprint("k", rng.IntN(9), "\n\"é"), strings.Repeat("<&\\\u2028😀", 1+rng.IntN(9))
			want.Labels[k], written[k] = v, v
		}
		b, err := json.Marshal(map[string]any{
			"timestamp": want.Time.Format(time.RFC3339), "value": strconv.FormatFloat(want.Value, 'f', -1, 64),
			"name": want.Metric, "labels": written,
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := AdapterJSON(nil, b)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Fatalf("%s: %v\ngot  %+v\nwant %+v", b, err, got, want)
		}
	}
}

func TestAdapterErrors(t *testing.T) {
	const at = `,"timestamp":"2026-01-02T15:04:05Z"`
	for b, want := range map[string]string{
		``:                                      "adapter JSON: ",
		`{`:                                     "adapter JSON: ",
		`[]`:                                    "the record is a JSON array: give one object",
		`null`:                                  "the record is a JSON null",
		`{"name":"up"}x`:                        "adapter JSON: ",
		`{"value":"1"` + at + `}`:               "name is missing or empty",
		`{"name":7,"value":"1"` + at + `}`:      "name is a JSON number: give a string",
		`{"name":"up"` + at + `}`:               "value is missing",
		`{"name":"up","value":"one"` + at + `}`: `value "one" is not a number`,
		`{"name":"up","value":""` + at + `}`:    `value "" is not a number`,
		`{"name":"up","value":true` + at + `}`:  "value is a JSON true",
		`{"name":"up","value":1e999` + at + `}`: `value "1e999" is not a number`,
		`{"name":"up","value":"1"}`:             `timestamp "" is not RFC 3339`,
		`{"name":"up","value":"1","timestamp":1767}`:                          "timestamp is a JSON number: give a string",
		`{"name":"up","value":"1","timestamp":"yesterday"}`:                   `timestamp "yesterday" is not RFC 3339`,
		`{"name":"up","value":"1","labels":[]` + at + `}`:                     "labels is a JSON array: give an object",
		`{"name":"up","value":"1","labels":{"a":1}` + at + `}`:                `label "a" is a JSON number: give a string`,
		"{\"name\":\"\xff\",\"value\":\"1\"" + at + "}":                       "is not UTF-8",
		`{"name":"` + strings.Repeat("x", 5000) + `"}`:                        "has 5000 bytes, more than 4096",
		`{"name":"up","value":"` + strings.Repeat("x", 5000) + `"` + at + `}`: "is not a number",
	} {
		got, err := AdapterJSON([]schemas.Sample{{}}, []byte(b))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 || len(got) != 1 {
			t.Errorf("%.80s: %v, want %q; %d samples", b, err, want, len(got))
		}
	}
}

func BenchmarkAdapterJSON(b *testing.B) {
	record := []byte(`{"labels":{"Hostname":"gpu-node-1","UUID":"GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52","__name__":"DCGM_FI_DEV_FB_USED","container":"server","exported_pod":"ranker-0","gpu":"0","instance":"10.2.0.14:9400","job":"dcgm","modelName":"NVIDIA A100-SXM4-80GB"},"name":"DCGM_FI_DEV_FB_USED","timestamp":"2026-01-02T15:04:05Z","value":"72113"}`)
	b.ReportAllocs()
	var dst []schemas.Sample
	for b.Loop() {
		var err error
		if dst, err = AdapterJSON(dst[:0], record); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
