package kserve

import (
	"math"

	"github.com/valyala/fastjson"

	"github.com/driftline/driftline/schemas"
)

// Outcome is the categorical feature that says how an event came about.
const Outcome = "_outcome"

// The outcomes of an inference.
const (
	OutcomeOK        = "ok"        // request and response
	OutcomeUnmatched = "unmatched" // a request without a response, as failed ones are
	OutcomeOrphan    = "orphan"    // a response without a request
	OutcomeUnpaired  = "unpaired"  // request and response of different numbers of instances
)

// unnamed is the tensor of instances without names, as in KServe's own
// conversion from V1 to V2.
const unnamed = "input-0"

// instances reads the requests of V1.
func (d *Decoder) instances(all []*fastjson.Value) ([]Row, error) {
	rows, err := d.rows(len(all))
	if err != nil {
		return nil, err
	}
	for i, v := range all {
		name := unnamed
		if v.Type() == fastjson.TypeObject {
			name = ""
		}
		if err := d.put(&rows[i].Features, name, v); err != nil {
			return nil, in("instance", i, err)
		}
	}
	return rows, nil
}

// put adds a value and all that it holds. Recursion ends where the parser's
// does.
func (d *Decoder) put(f *schemas.Features, name string, v *fastjson.Value) (err error) {
	switch v.Type() {
	case fastjson.TypeObject:
		o := v.GetObject()
		if o.Len() == 1 && o.Get("b64") != nil { // bytes, such as an image
			return d.count(1)
		}
		o.Visit(func(key []byte, v *fastjson.Value) {
			if err == nil {
				err = d.put(f, d.names.join(name, key), v)
			}
		})
		return err
	case fastjson.TypeArray:
		leaves, err := d.flat(v)
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return nil
		}
		return d.array(f, name, leaves)
	default:
		if err := d.count(1); err != nil {
			return err
		}
		return d.set(f, name, v)
	}
}

// array adds the values of an array, row by row.
func (d *Decoder) array(f *schemas.Features, name string, leaves []*fastjson.Value) error {
	if err := d.bounded(f, len(leaves)); err != nil {
		return err
	}
	if f.Numeric == nil && len(leaves) > 1 && leaves[0].Type() == fastjson.TypeNumber {
		f.Numeric = make(map[string]float64, len(leaves))
	}
	for i, v := range leaves {
		column := name
		if len(leaves) > 1 {
			column = d.names.column(name, i)
		}
		var err error
		if v.Type() == fastjson.TypeObject {
			err = d.put(f, column, v)
		} else {
			err = d.set(f, column, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flat lists the values of nested arrays row by row, objects being values. The
// list holds until the next record.
func (d *Decoder) flat(v *fastjson.Value) ([]*fastjson.Value, error) {
	from := len(d.leaves)
	err := d.flatten(v)
	return d.leaves[from:len(d.leaves):len(d.leaves)], err
}

func (d *Decoder) flatten(v *fastjson.Value) error {
	if v.Type() != fastjson.TypeArray {
		d.leaves = append(d.leaves, v)
		return d.count(1)
	}
	for _, v := range v.GetArray() {
		if err := d.flatten(v); err != nil {
			return err
		}
	}
	return nil
}

// set adds a single value.
func (d *Decoder) set(f *schemas.Features, name string, v *fastjson.Value) error {
	number := 0.0
	switch v.Type() {
	case fastjson.TypeNumber: // to fastjson all that is made of digits, signs, points and e
		var err error
		if number, err = v.Float64(); err != nil {
			return bad(BadJSON, "feature %.64q is no number", name)
		}
		if !finite(number) {
			return nil
		}
	case fastjson.TypeTrue:
		number = 1
	case fastjson.TypeFalse:
	case fastjson.TypeString:
		return d.category(f, name, v.GetStringBytes())
	case fastjson.TypeNull:
		return nil
	default:
		return bad(BadFeature, "feature %.64q is %s", name, v.Type())
	}
	return d.number(f, name, number)
}

func finite(n float64) bool { return !math.IsNaN(n) && !math.IsInf(n, 0) }

func (d *Decoder) number(f *schemas.Features, name string, number float64) error {
	if err := d.fits(f, name); err != nil {
		return err
	}
	if f.Numeric == nil {
		f.Numeric = map[string]float64{}
	}
	f.Numeric[name] = number
	return nil
}

func (d *Decoder) category(f *schemas.Features, name string, text []byte) error {
	if err := d.fits(f, name); err != nil {
		return err
	}
	if f.Categorical == nil {
		f.Categorical = map[string]string{}
	}
	f.Categorical[name] = string(text)
	return nil
}

// fits refuses a feature that has no name of its own, and one too many.
func (d *Decoder) fits(f *schemas.Features, name string) error {
	switch name {
	case "":
		return bad(BadFeature, "a feature has no name")
	case Outcome, schemas.FeatureScore, schemas.FeatureLatency, schemas.FeaturePrediction:
		return bad(BadFeature, "feature name %s is reserved: rename it", name)
	}
	if has(f, name) {
		return bad(BadFeature, "feature %.64q is given twice", name)
	}
	return d.bounded(f, 1)
}

func has(f *schemas.Features, name string) bool {
	_, number := f.Numeric[name]
	_, text := f.Categorical[name]
	return number || text
}

// bounded refuses n features more if they are too many.
func (d *Decoder) bounded(f *schemas.Features, n int) error {
	if n += len(f.Numeric) + len(f.Categorical); n > d.limits.Features {
		return bad(TooManyFeatures, "an instance has %d features or more; up to %d are supported", n, d.limits.Features)
	}
	return nil
}
