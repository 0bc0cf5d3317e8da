package kserve

import (
	"math"
	"strconv"

	"github.com/valyala/fastjson"
)

// extra begins the names of what is neither prediction nor score.
const extra = "response"

// answer is what a response says about one instance.
type answer struct {
	d   *Decoder
	row *Row

	label      string // the prediction, if given as such
	labelled   bool
	number     *float64
	numberName string
	top        *float64 // the highest of the probabilities
	topClass   string   // its index or key
}

// predictions reads the responses of V1.
func (d *Decoder) predictions(all []*fastjson.Value) ([]Row, error) {
	rows, err := d.rows(len(all))
	if err != nil {
		return nil, err
	}
	for i, v := range all {
		a := answer{d: d, row: &rows[i]}
		if err := a.prediction(v); err != nil {
			return nil, in("prediction", i, err)
		}
		if err := a.settle(); err != nil {
			return nil, in("prediction", i, err)
		}
	}
	return rows, nil
}

func (a *answer) prediction(v *fastjson.Value) error {
	switch v.Type() {
	case fastjson.TypeObject:
		return a.object(v.GetObject())
	case fastjson.TypeArray:
		leaves, err := a.d.flat(v)
		if err != nil {
			return err
		}
		if best := bestOf(leaves); best != nil {
			return a.object(best)
		}
		return a.values(extra, leaves)
	default:
		if err := a.d.count(1); err != nil {
			return err
		}
		return a.value(extra, v)
	}
}

// bestOf finds the object with the highest score, as pipelines that name
// several classes return them.
func bestOf(all []*fastjson.Value) *fastjson.Object {
	var best *fastjson.Object
	highest := math.Inf(-1)
	for _, v := range all {
		o := v.GetObject()
		if o == nil {
			return nil
		}
		score := math.Inf(-1)
		if v := o.Get("score"); v != nil && v.Type() == fastjson.TypeNumber {
			score = v.GetFloat64()
		}
		if best == nil || score > highest {
			best, highest = o, score
		}
	}
	return best
}

func (a *answer) object(o *fastjson.Object) (err error) {
	if a.classes(o) {
		return a.d.count(o.Len())
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		if err == nil {
			err = a.field(key, v)
		}
	})
	return err
}

func (a *answer) field(key []byte, v *fastjson.Value) error {
	name := a.d.names.join(extra, key)
	kind := v.Type()
	if kind == fastjson.TypeArray {
		leaves, err := a.d.flat(v)
		if err != nil {
			return err
		}
		return a.values(name, leaves)
	}
	if kind == fastjson.TypeObject {
		if a.classes(v.GetObject()) {
			return a.d.count(v.GetObject().Len())
		}
		return a.d.put(&a.row.Features, name, v)
	}
	if err := a.d.count(1); err != nil {
		return err
	}
	switch string(key) {
	case "label", "class", "class_name", "predicted_class", "predicted_label":
		if text, ok := whole(v); ok && !a.labelled {
			a.label, a.labelled = text, true
			return nil
		}
		return a.value(name, v)
	case "score", "probability", "confidence", "prediction":
		return a.value(name, v)
	default:
		return a.d.set(&a.row.Features, name, v)
	}
}

// values takes what comes as several, or as an array of one.
func (a *answer) values(name string, leaves []*fastjson.Value) error {
	switch {
	case len(leaves) == 0:
		return nil
	case len(leaves) == 1 && leaves[0].Type() != fastjson.TypeObject:
		return a.value(name, leaves[0])
	case a.top == nil && a.probabilities(leaves):
		return nil
	}
	return a.d.array(&a.row.Features, name, leaves)
}

// value takes a single value.
func (a *answer) value(name string, v *fastjson.Value) error {
	switch v.Type() {
	case fastjson.TypeString, fastjson.TypeTrue, fastjson.TypeFalse:
		if !a.labelled {
			a.label, a.labelled = string(v.GetStringBytes()), true
			if v.Type() != fastjson.TypeString {
				a.label = strconv.FormatBool(v.GetBool())
			}
			return nil
		}
	case fastjson.TypeNumber:
		if n, err := v.Float64(); err == nil && a.number == nil && finite(n) {
			a.number, a.numberName = &n, name
			return nil
		}
	default:
	}
	return a.d.set(&a.row.Features, name, v)
}

// whole gives the text of a whole number.
func whole(v *fastjson.Value) (string, bool) {
	n, err := v.Float64()
	if err != nil {
		return "", false
	}
	return wholeText(n)
}

func wholeText(n float64) (string, bool) {
	if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return "", false
	}
	return strconv.FormatInt(int64(n), 10), true
}

// settle decides what is the prediction and what the score.
func (a *answer) settle() error {
	r := a.row
	if a.labelled {
		r.Prediction = a.label
	}
	if a.top == nil {
		r.Score = a.number
		return nil
	}
	r.Score = a.top
	if a.labelled {
		return a.keep()
	}
	r.Prediction = a.topClass
	if a.number == nil {
		return nil
	}
	if text, ok := wholeText(*a.number); ok {
		r.Prediction = text
		return nil
	}
	return a.keep()
}

// keep makes a feature of the number.
func (a *answer) keep() error {
	if a.number == nil {
		return nil
	}
	return a.d.number(&a.row.Features, a.numberName, *a.number)
}
