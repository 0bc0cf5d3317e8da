package kserve

import (
	"github.com/valyala/fastjson"
)

// tensor of V2.
type tensor struct {
	name   string
	batch  int // first dimension, or -1 if there is none
	leaves []*fastjson.Value
}

// piece gives the i-th of n equal parts.
func (t *tensor) piece(i, n int) []*fastjson.Value {
	width := len(t.leaves) / n
	return t.leaves[i*width : (i+1)*width]
}

// read takes the tensors of a body, and finds its batch: the first dimension
// if all agree on it, or else one.
func (d *Decoder) read(all []*fastjson.Value) (tensors []tensor, batch int, err error) {
	if err := d.count(len(all)); err != nil {
		return nil, 0, err
	}
	tensors = make([]tensor, len(all))
	for i, v := range all {
		if tensors[i], err = d.tensor(v); err != nil {
			return nil, 0, in("tensor", i, err)
		}
	}
	for _, t := range tensors {
		if t.batch < 0 || t.batch != tensors[0].batch {
			return tensors, 1, nil
		}
		batch = t.batch
	}
	return tensors, batch, nil
}

func (d *Decoder) tensor(v *fastjson.Value) (t tensor, err error) {
	o, err := v.Object()
	if err != nil {
		return t, bad(BadBody, "it is %s, not an object", v.Type())
	}
	if t.name = d.names.intern(o.Get("name").GetStringBytes()); t.name == "" {
		return t, bad(BadBody, "name is missing")
	}
	data := o.Get("data")
	if data == nil || data.Type() != fastjson.TypeArray {
		return t, bad(BadBody, "%.64q has no array as data: binary tensors are not supported", t.name)
	}
	if t.leaves, err = d.flat(data); err != nil {
		return t, err
	}
	for _, v := range t.leaves {
		if v.Type() == fastjson.TypeObject {
			return t, bad(BadBody, "%.64q has objects in its data", t.name)
		}
	}
	t.batch, err = t.shape(o.Get("shape"))
	return t, err
}

// shape holds the shape against the data, and returns the first dimension.
func (t *tensor) shape(v *fastjson.Value) (batch int, err error) {
	if v == nil || v.Type() != fastjson.TypeArray {
		return 0, bad(BadBody, "%.64q has no shape", t.name)
	}
	batch = -1
	size, empty := 1, false
	for i, dim := range v.GetArray() {
		n, err := dim.Int()
		if err != nil || n < 0 {
			return 0, bad(BadBody, "%.64q has a dimension that is no whole number", t.name)
		}
		if i == 0 {
			batch = n
		}
		if n == 0 {
			empty = true
		} else if size > len(t.leaves)/n+1 { // before it overflows
			size = len(t.leaves) + 1
		} else {
			size *= n
		}
	}
	if empty {
		size = 0
	}
	if size != len(t.leaves) {
		return 0, bad(BadBody, "the shape of %.64q does not fit its %d values", t.name, len(t.leaves))
	}
	return batch, nil
}

// inputs reads the requests of V2.
func (d *Decoder) inputs(all []*fastjson.Value) ([]Row, error) {
	tensors, batch, err := d.read(all)
	if err != nil {
		return nil, err
	}
	rows, err := d.rows(batch)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		for _, t := range tensors {
			if err := d.array(&rows[i].Features, t.name, t.piece(i, batch)); err != nil {
				return nil, in("instance", i, err)
			}
		}
	}
	return rows, nil
}

// outputs reads the responses of V2.
func (d *Decoder) outputs(all []*fastjson.Value) ([]Row, error) {
	tensors, batch, err := d.read(all)
	if err != nil {
		return nil, err
	}
	rows, err := d.rows(batch)
	if err != nil {
		return nil, err
	}
	for i := range tensors {
		tensors[i].name = d.names.join(extra, []byte(tensors[i].name))
	}
	for i := range rows {
		a := answer{d: d, row: &rows[i]}
		for _, t := range tensors {
			if err := a.values(t.name, t.piece(i, batch)); err != nil {
				return nil, in("instance", i, err)
			}
		}
		if err := a.settle(); err != nil {
			return nil, in("instance", i, err)
		}
	}
	return rows, nil
}
