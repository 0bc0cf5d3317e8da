package kserve

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/valyala/fastjson"
)

// Limits of one record, so that it cannot take all memory: a value of two bytes
// becomes a feature of a hundred. Zero takes the default.
type Limits struct {
	Rows     int // instances. Default 10,000
	Features int // of an instance. Default 1,000
	Values   int // of all instances, with those that become no feature. Default 1,000,000
}

func (l Limits) orDefault() Limits {
	for _, d := range []struct {
		limit    *int
		standard int
	}{{&l.Rows, 10_000}, {&l.Features, 1000}, {&l.Values, 1_000_000}} {
		if *d.limit <= 0 {
			*d.limit = d.standard
		}
	}
	return l
}

// Decoder reads records. It keeps memory for the next one, so one goroutine at
// a time may use it.
type Decoder struct {
	limits       Limits
	outer, inner fastjson.Parser // of structured events, of bodies
	names        names

	values int               // of this record
	leaves []*fastjson.Value // of this record's arrays
}

// NewDecoder makes a decoder with these limits.
func NewDecoder(l Limits) *Decoder {
	return &Decoder{limits: l.orDefault()}
}

// Decode reads a record. The same record gives the same half or the same
// error, which is an [Error], whatever the decoder read before.
func (d *Decoder) Decode(r *kgo.Record) (Half, error) {
	d.values, d.leaves = 0, d.leaves[:0]
	d.names.trim()
	h, err := d.decode(r)
	if err != nil {
		return Half{}, err
	}
	return h, nil
}

func (d *Decoder) decode(r *kgo.Record) (Half, error) {
	e, err := d.unwrap(r)
	if err != nil {
		return Half{}, err
	}
	h, err := d.half(&e, r.Timestamp)
	if err != nil {
		return Half{}, err
	}
	if e.parsed == nil {
		if e.parsed, err = parse(&d.inner, e.body); err != nil {
			return Half{}, err
		}
	}
	body, err := e.parsed.Object()
	if err != nil {
		return Half{}, bad(BadBody, "the body is %s, not an object", e.parsed.Type())
	}
	if h.Kind == Request {
		h.Rows, err = d.request(body)
	} else {
		h.Version = string(body.Get("model_version").GetStringBytes())
		h.Rows, err = d.response(body)
	}
	if err == nil && len(h.Rows) == 0 {
		err = bad(BadBody, "the %s holds no instance", h.Kind)
	}
	return h, err
}

func (d *Decoder) request(body *fastjson.Object) ([]Row, error) {
	if v := body.Get("instances"); v != nil {
		instances, err := v.Array()
		if err != nil {
			return nil, bad(BadBody, "instances is %s, not an array", v.Type())
		}
		return d.instances(instances)
	}
	if v := body.Get("inputs"); v != nil {
		tensors, err := v.Array()
		if err != nil {
			return nil, bad(BadBody, "inputs is %s, not an array of tensors: TensorFlow's columns are not supported, send instances", v.Type())
		}
		return d.inputs(tensors)
	}
	return nil, bad(BadBody, "the request has neither instances (V1) nor inputs (V2)")
}

func (d *Decoder) response(body *fastjson.Object) ([]Row, error) {
	if v := body.Get("predictions"); v != nil {
		if v.Type() != fastjson.TypeArray { // of custom models
			return d.predictions([]*fastjson.Value{v})
		}
		return d.predictions(v.GetArray())
	}
	if v := body.Get("outputs"); v != nil {
		tensors, err := v.Array()
		if err != nil {
			return nil, bad(BadBody, "outputs is %s, not an array of tensors", v.Type())
		}
		return d.outputs(tensors)
	}
	return nil, bad(BadBody, "the response has neither predictions (V1) nor outputs (V2)")
}

// rows makes n rows within the limit.
func (d *Decoder) rows(n int) ([]Row, error) {
	if n > d.limits.Rows {
		return nil, bad(TooManyRows, "the record holds %d instances; up to %d are supported: send smaller batches", n, d.limits.Rows)
	}
	return make([]Row, n), nil
}

// count counts n values of the record.
func (d *Decoder) count(n int) error {
	if d.values += n; d.values > d.limits.Values {
		return bad(TooManyValues, "the record holds more than %d values: send smaller batches", d.limits.Values)
	}
	return nil
}

// in says in which instance a fault is.
func in(what string, i int, err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return bad(e.Reason, "%s %d: %s", what, i, e.Detail)
	}
	return err
}
