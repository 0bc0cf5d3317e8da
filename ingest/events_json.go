package ingest

import (
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/valyala/fastjson"
)

// jsonEvents decodes schemas.Event in JSON: one object, or an array of them.
type jsonEvents struct {
	parser fastjson.Parser
	e      *rawEvent
	err    error
}

func (d *jsonEvents) decode(r *kgo.Record, out *rawEvents) error {
	if plain := (scan{b: r.Value}); plain.event(out.next()) {
		return nil
	}
	out.reset()
	return d.parse(r, out)
}

// parse reads whatever JSON it is.
func (d *jsonEvents) parse(r *kgo.Record, out *rawEvents) error {
	v, err := d.parser.ParseBytes(r.Value)
	if err != nil {
		return poisonf("bad_json", "%s", clip(err.Error()))
	}
	if v.Type() != fastjson.TypeArray {
		return d.event(v, out.next())
	}
	all, _ := v.Array()
	for i, v := range all {
		if err := d.event(v, out.next()); err != nil {
			return ofSeveral("event", i, len(all), err)
		}
	}
	return nil
}

func (d *jsonEvents) event(v *fastjson.Value, e *rawEvent) error {
	o, err := v.Object()
	if err != nil {
		return poisonf("bad_json", "record is %s, not an object or an array of objects", v.Type())
	}
	d.e, d.err = e, nil
	o.Visit(d.field)
	return d.err
}

func (d *jsonEvents) field(key []byte, v *fastjson.Value) {
	e := d.e
	switch string(key) {
	case "tenant":
		d.text(key, v, &e.tenant)
	case "model":
		d.text(key, v, &e.model)
	case "version":
		d.text(key, v, &e.version)
	case "segment":
		d.text(key, v, &e.segment)
	case "request_id":
		d.text(key, v, &e.requestID)
	case "timestamp":
		d.time(v)
	case "deployment":
		d.text(key, v, &e.deployment)
	case "pod":
		d.text(key, v, &e.pod)
	case "node":
		d.text(key, v, &e.node)
	case "gpu":
		d.text(key, v, &e.gpu)
	case "prediction":
		d.text(key, v, &e.prediction)
	case "score":
		d.number(key, v, &e.score)
	case "latency_ms":
		d.number(key, v, &e.latency)
	case "features":
		if v.Type() == fastjson.TypeNull {
			return
		}
		o, err := v.Object()
		if err != nil {
			d.fail("bad_field", "features is %s, not an object", v.Type())
			return
		}
		o.Visit(d.feature)
	}
}

func (d *jsonEvents) feature(name []byte, v *fastjson.Value) {
	e := d.e
	var number float64
	switch v.Type() {
	case fastjson.TypeNumber:
		d.number(name, v, &number)
	case fastjson.TypeTrue:
		number = 1
	case fastjson.TypeFalse:
		number = 0
	case fastjson.TypeString:
		value, _ := v.StringBytes()
		e.category(name, value)
		return
	case fastjson.TypeNull:
		return
	default:
		d.fail("bad_feature", "feature %.64s is %s; numbers, booleans, strings and null are supported", name, v.Type())
		return
	}
	e.number(name, number)
}

func (d *jsonEvents) text(key []byte, v *fastjson.Value, into *[]byte) {
	switch v.Type() {
	case fastjson.TypeString:
		*into, _ = v.StringBytes()
	case fastjson.TypeNull:
	default:
		d.fail("bad_field", "%s is %s, not a string", plain(key), v.Type())
	}
}

func (d *jsonEvents) number(key []byte, v *fastjson.Value, into *float64) {
	switch v.Type() {
	case fastjson.TypeNumber: // to fastjson all that is made of digits, signs, points and e
		var err error
		if *into, err = v.Float64(); err != nil {
			d.fail("bad_json", "%.64s: %s", key, clip(err.Error()))
		}
	case fastjson.TypeNull:
	default:
		d.fail("bad_field", "%s is %s, not a number", plain(key), v.Type())
	}
}

// time takes RFC 3339 and unix milliseconds.
func (d *jsonEvents) time(v *fastjson.Value) {
	switch v.Type() {
	case fastjson.TypeNumber:
		ms, err := v.Int64()
		if err != nil {
			var f float64
			if d.number([]byte("timestamp"), v, &f); math.Abs(f) > 1<<62 || math.IsNaN(f) {
				d.fail("bad_timestamp", "timestamp %.64s is outside 1970 to 2100: give RFC 3339 or unix milliseconds", v)
			}
			ms = int64(f)
		}
		d.e.millis = ms
	case fastjson.TypeString:
		text, _ := v.StringBytes()
		t, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil {
			d.fail("bad_timestamp", "timestamp %.64q is not RFC 3339", text)
			return
		}
		d.e.millis = t.UnixMilli()
	default:
		d.fail("bad_timestamp", "timestamp is %s; give RFC 3339 or unix milliseconds", v.Type())
	}
}

func (d *jsonEvents) fail(reason, format string, args ...any) {
	if d.err == nil {
		d.err = poisonf(reason, format, args...)
	}
}

// clip keeps a decoder's complaint from carrying the whole record.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
