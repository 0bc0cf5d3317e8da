package kserve

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// binary is a record in binary mode.
func binary(kind Kind, body string) *kgo.Record { return fuzzRecord(byte(kind), []byte(body)) }

func reasonOf(err error) Reason {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func TestLimits(t *testing.T) {
	l := Limits{Rows: 3, Features: 4, Values: 10}
	for body, want := range map[string]Reason{
		`{"instances": [1,2,3]}`:                                                                                       "",
		`{"instances": [1,2,3,4]}`:                                                                                     TooManyRows,
		`{"instances": [[1,2,3,4]]}`:                                                                                   "",
		`{"instances": [[1,2,3,4,5]]}`:                                                                                 TooManyFeatures,
		`{"instances": [[[1,2],[3,4,5]]]}`:                                                                             TooManyFeatures,
		`{"instances": [{"a":1,"b":2,"c":3,"d":4}]}`:                                                                   "",
		`{"instances": [{"a":1,"b":2,"c":3,"d":"4","e":5}]}`:                                                           TooManyFeatures,
		`{"instances": [[null,null,null,null],[1,2,3,4],[1,2,3]]}`:                                                     TooManyValues,
		`{"inputs": [{"name":"x","shape":[3,4],"data":[1,2,3,4,5,6,7,8,9,0,1,2]}]}`:                                    TooManyValues,
		`{"inputs": [{"name":"x","shape":[4],"data":[1,2,3,4]}]}`:                                                      TooManyRows,
		`{"inputs": [{"name":"x","shape":[1,4],"data":[1,2,3,4]},{"name":"y","shape":[1],"data":[1]}]}`:                TooManyFeatures,
		`{"inputs": [{"name":"x","shape":[9223372036854775807,0],"data":[]}]}`:                                         TooManyRows,
		`{"inputs": [{"name":"x","shape":[4294967296,4294967296],"data":[]}]}`:                                         BadBody,
		`{"inputs": [{"name":"x","shape":[3,9223372036854775807,9223372036854775807],"data":[1,2,3]}]}`:                BadBody,
		`{"inputs": [{"name":"x","shape":[2,0],"data":[]}]}`:                                                           "",
		`{"inputs": [{"name":"x","shape":[],"data":[5]}]}`:                                                             "",
		`{"instances": [` + strings.Repeat("[", 290) + `1` + strings.Repeat("]", 290) + `]}`:                           "",
		`{"instances": [` + strings.Repeat("[", 400) + `1` + strings.Repeat("]", 400) + `]}`:                           BadJSON,
		`{"instances": [` + strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat("}", 200) + `]}`:                       "",
		`{"instances": [[{"a":1},{"a":2}]]}`:                                                                           "",
		`{"instances": [{"x":[{"a":1},[{"a":2}]]}]}`:                                                                   "",
		`{"inputs": [` + strings.Repeat(`{"name":"x","shape":[],"data":[1]},`, 11) + `{"name":"y"}]}`:                  TooManyValues,
		`{"inputs": [{"name":"x","shape":[1],"data":[1]},{"name":"x","shape":[1],"data":[1]}]}`:                        BadFeature,
		`{"inputs": [{"name":"x","shape":["1"],"data":[1]}]}`:                                                          BadBody,
		`{"inputs": [{"name":"x","shape":[1.5],"data":[1]}]}`:                                                          BadBody,
		`{"instances": [{"b64":"AAAA"},{"b64":"AAAA","x":1}]}`:                                                         "",
		`{"instances": [{"_outcome":"ok"}]}`:                                                                           BadFeature,
		"{\"instances\": [\"\xff\"]}":                                                                                  BadJSON,
		`{"inputs": [{"name":"x","shape":[2],"datatype":"BYTES","data":["` + strings.Repeat("long", 1000) + `",""]}]}`: "",
	} {
		h, err := NewDecoder(l).Decode(binary(Request, body))
		if reasonOf(err) != want || (err != nil) != (want != "") {
			t.Errorf("%.100s: %v, want %q", body, err, want)
		}
		if err != nil && !reflect.DeepEqual(h, Half{}) {
			t.Errorf("%.100s: an error and %+v", body, h)
		}
	}
}

func TestLimitsOfAnswers(t *testing.T) {
	l := Limits{Rows: 3, Features: 2, Values: 6}
	for body, want := range map[string]Reason{
		`{"predictions": [1,2,3,4]}`:                                                   TooManyRows,
		`{"predictions": [[1,2,3]]}`:                                                   TooManyFeatures,
		`{"predictions": [[0.1,0.2,0.7]]}`:                                             "",
		`{"predictions": [[0,0,0,0,0,0,0]]}`:                                           TooManyValues,
		`{"predictions": [{"x":[1,2,3,4,5,6,7]}]}`:                                     TooManyValues,
		`{"predictions": [{"x":[0.1,0.9],"y":[0.5,0.5],"z":[0.5,0.5]}]}`:               TooManyFeatures,
		`{"predictions": [{"a":0.1,"b":0.1,"c":0.1,"d":0.1,"e":0.2,"f":0.2,"g":0.2}]}`: TooManyValues,
		`{"predictions": [{"x":1,"y":2,"z":3}]}`:                                       TooManyFeatures,
		`{"predictions": [{"x":[0.1,0.9],"y":1,"z":2,"score":0.5}]}`:                   TooManyFeatures,
		`{"predictions": [{"response.x":1}, {"x": 1.2.3}]}`:                            BadJSON,
		`{"predictions": [1.2.3]}`:                                                     BadJSON,
		`{"predictions": [{"x":{"y":1},"x.y":2}]}`:                                     BadFeature,
		`{"outputs": 3}`:   BadBody,
		`{"outputs": [3]}`: BadBody,
		`{"outputs": [{"name":"y","shape":[4],"data":[1,2,3,4]}]}`:       TooManyRows,
		`{"outputs": [{"name":"y","shape":[7],"data":[1,2,3,4,5,6,7]}]}`: TooManyValues,
		`{"outputs": [{"name":"y","shape":[1,3],"data":[1,2,3]}]}`:       TooManyFeatures,
		`{"outputs": [{"name":"y","shape":[1],"data":[1.2.3]}]}`:         BadJSON,
	} {
		if _, err := NewDecoder(l).Decode(binary(Response, body)); reasonOf(err) != want || (err != nil) != (want != "") {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	err := bad(BadBody, "%s", "what is wrong")
	if err.Error() != "what is wrong" {
		t.Error(err)
	}
}

// A request's feature stays what it is, whatever a response calls its own.
func TestAnswersDoNotReplaceFeatures(t *testing.T) {
	d, j := NewDecoder(Limits{}), newJoiner(t, Config{})
	var events []schemas.Event
	for i, r := range []*kgo.Record{
		binary(Request, `{"instances": [{"response.a": 1, "response.b": "x"}]}`),
		binary(Response, `{"predictions": [{"a": "y", "b": 2, "c": 3, "d": "z"}]}`),
	} {
		h, err := d.Decode(r)
		if err != nil {
			t.Fatal(err)
		}
		if events, err = j.Add(int64(i), r.Timestamp, h); err != nil {
			t.Fatal(err)
		}
	}
	want := schemas.Features{
		Numeric:     map[string]float64{"response.a": 1, "response.c": 3},
		Categorical: map[string]string{"response.b": "x", "response.d": "z", Outcome: OutcomeOK},
	}
	if len(events) != 1 || !reflect.DeepEqual(events[0].Features, want) {
		t.Errorf("%+v", events)
	}
}

// What a response says, as prediction, score and the rest.
func TestAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`{"predictions": [2.5]}`:                                                   `"" 2.5 map[]`,
		`{"predictions": ["cat"]}`:                                                 `"cat" - map[]`,
		`{"predictions": [false]}`:                                                 `"false" - map[]`,
		`{"predictions": [null]}`:                                                  `"" - map[]`,
		`{"predictions": [[7]]}`:                                                   `"" 7 map[]`,
		`{"predictions": [[]]}`:                                                    `"" - map[]`,
		`{"predictions": [[0.25,0.5,0.25]]}`:                                       `"1" 0.5 map[]`,
		`{"predictions": [[0.5,0.5]]}`:                                             `"0" 0.5 map[]`,
		`{"predictions": [[[0.5],[0.5]]]}`:                                         `"0" 0.5 map[]`,
		`{"predictions": [[0.5,0.6]]}`:                                             `"" - map[response[0]:0.5 response[1]:0.6]`,
		`{"predictions": [[1.5,-0.5]]}`:                                            `"" - map[response[0]:1.5 response[1]:-0.5]`,
		`{"predictions": [["a","b"]]}`:                                             `"" - map[response[0]:a response[1]:b]`,
		`{"predictions": {"label": "x"}}`:                                          `"x" - map[]`,
		`{"predictions": [{"class": 3, "probability": 0.9}]}`:                      `"3" 0.9 map[]`,
		`{"predictions": [{"class": 3.5}]}`:                                        `"" 3.5 map[]`,
		`{"predictions": [{"label": "a", "score": "high"}]}`:                       `"a" - map[response.score:high]`,
		`{"predictions": [{"prediction": 41.5, "std": 2}]}`:                        `"" 41.5 map[response.std:2]`,
		`{"predictions": [{"prediction": "b", "scores": [0.1,0.9]}]}`:              `"b" 0.9 map[]`,
		`{"predictions": [{"prediction": 7, "scores": [0.1,0.9]}]}`:                `"7" 0.9 map[]`,
		`{"predictions": [{"score": 0.4, "p": {"x":0.1,"y":0.9}}]}`:                `"y" 0.9 map[response.score:0.4]`,
		`{"predictions": [{"a": 0.1, "b": 0.9}]}`:                                  `"b" 0.9 map[]`,
		`{"predictions": [{"a": 0.1, "b": 0.1}]}`:                                  `"" - map[response.a:0.1 response.b:0.1]`,
		`{"predictions": [{"a": {"b": 1, "c": "d"}}]}`:                             `"" - map[response.a.b:1 response.a.c:d]`,
		`{"predictions": [[{"label":"a","score":0.1},{"label":"b","score":0.2}]]}`: `"b" 0.2 map[]`,
		`{"predictions": [[{"label":"a"},{"label":"b"}]]}`:                         `"a" - map[]`,
		`{"predictions": [[1,{"a":2}]]}`:                                           `"" - map[response[0]:1 response[1].a:2]`,
		`{"outputs": [{"name":"y","shape":[1,2],"data":[0.2,0.8]},{"name":"z","shape":[1,2],"data":[0.5,0.5]}]}`:                               `"1" 0.8 map[response.z[0]:0.5 response.z[1]:0.5]`,
		`{"outputs": [{"name":"c","shape":[1],"data":["k"]},{"name":"n","shape":[1],"data":[4]},{"name":"p","shape":[1,2],"data":[0.2,0.8]}]}`: `"k" 0.8 map[response.n:4]`,
		`{"outputs": [{"name":"n","shape":[1],"data":[4.5]},{"name":"p","shape":[1,2],"data":[0.2,0.8]}]}`:                                     `"1" 0.8 map[response.n:4.5]`,
		`{"outputs": [{"name":"n","shape":[1],"data":[4.5]},{"name":"m","shape":[1],"data":[5.5]}]}`:                                           `"" 4.5 map[response.m:5.5]`,
	} {
		h, err := NewDecoder(Limits{}).Decode(binary(Response, body))
		if err != nil || len(h.Rows) != 1 {
			t.Errorf("%s: %+v %v", body, h, err)
			continue
		}
		r, all, score := h.Rows[0], map[string]any{}, "-"
		for k, v := range r.Features.Numeric {
			all[k] = v
		}
		for k, v := range r.Features.Categorical {
			all[k] = v
		}
		if r.Score != nil {
			score = fmt.Sprint(*r.Score)
		}
		if got := fmt.Sprintf("%q %s %v", r.Prediction, score, all); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

func TestAttributes(t *testing.T) {
	body := `{"instances": [1]}`
	long := strings.Repeat("x", maxAttribute+1)
	for name, values := range map[string]map[string]Reason{
		"ce_id":        {"": BadEvent, long: BadEvent, "\xff": BadEvent, "1": ""},
		"ce_type":      {"": BadEvent, "inference.request": BadEvent, "a.inference.request": "", "A.Inference.Request": BadEvent},
		"ce_time":      {"": "", "1": BadTime, "2026-03-02T10:00:00+02:00": ""},
		"ce_namespace": {"": "", long: BadEvent},
		"content-type": {"application/cloudevents": BadBody, "application/json": "", "application/cloudevents-batch": BadEvent},
	} {
		for value, want := range values {
			r := binary(Request, body)
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
			if name == "content-type" && want == BadBody {
				want = BadEvent // its attributes are looked for in the body
			}
			if _, err := NewDecoder(Limits{}).Decode(r); reasonOf(err) != want || (err != nil) != (want != "") {
				t.Errorf("%s %.40q: %v, want %q", name, value, err, want)
			}
		}
	}
}

// The record's own time stands in for a missing one.
func TestTimeOfARecordWithoutOne(t *testing.T) {
	r := binary(Request, `{"instances": [1]}`)
	h, err := NewDecoder(Limits{}).Decode(r)
	if err != nil || !h.Time.Equal(r.Timestamp) {
		t.Errorf("%v %v", h.Time, err)
	}
}

func TestMemoryForNamesIsBounded(t *testing.T) {
	d := NewDecoder(Limits{Features: 100_000})
	for i := range 40 {
		var b strings.Builder
		b.WriteString(`{"instances": [{"x": [0,1]`)
		for k := range 1000 {
			fmt.Fprintf(&b, `,"f%d": [%d,1]`, i*1000+k, k)
		}
		b.WriteString("}]}")
		if _, err := d.Decode(binary(Request, b.String())); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.names.known) > maxNames+1 || len(d.names.columns) > maxColumns+1 {
		t.Errorf("%d names and %d columns are kept", len(d.names.known), len(d.names.columns))
	}
}

func TestTexts(t *testing.T) {
	if Request.String() != "request" || Response.String() != "response" {
		t.Error("kinds")
	}
	seen := map[string]bool{}
	for _, c := range Causes() {
		seen[c.String()] = true
	}
	if len(seen) != int(causes) {
		t.Errorf("causes are told apart by %v", seen)
	}
	if err := in("row", 1, errors.ErrUnsupported); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
