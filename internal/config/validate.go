package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// validate calls every Validator from v down and takes over its faults.
func (d *decoder) validate(v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			d.validate(v.Elem(), path)
		}
		return
	}
	if v.CanAddr() && v.Addr().CanInterface() {
		if check, ok := reflect.TypeAssert[Validator](v.Addr()); ok {
			d.adopt(check.Validate(), path)
		}
	}
	if isText(v.Type()) {
		return
	}
	d.descend(v, path)
}

func (d *decoder) descend(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if key, inline := yamlKey(v.Type().Field(i)); inline || key != "" {
				d.validate(v.Field(i), joinKey(path, key))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			d.validate(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			element := reflect.New(v.Type().Elem()).Elem() // values of a map have no address
			element.Set(v.MapIndex(k))
			d.validate(element, joinKey(path, fmt.Sprint(k)))
		}
	default: // nothing below
	}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int {
		return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}

// adopt makes the faults of the struct at path absolute and finds their lines.
func (d *decoder) adopt(err error, path string) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // joined errors are taken apart one by one
		for _, one := range many.Unwrap() {
			d.adopt(one, path)
		}
		return
	}
	f := &Fault{Msg: err.Error()}
	if own := (*Fault)(nil); errors.As(err, &own) {
		*f = *own
	}
	f.Key = joinKey(path, f.Key)
	f.Line = d.lineOf(f.Key)
	if !d.known(f) {
		d.faults = append(d.faults, f)
	}
}

// known tells whether a fault was said already: by the decoder about the same
// key or a section around it, or by another Validate in the same words.
func (d *decoder) known(f *Fault) bool {
	for key := f.Key; key != ""; key = parentKey(key) {
		if d.bad[key] {
			return true
		}
	}
	return d.bad[""] || slices.ContainsFunc(d.faults, func(o *Fault) bool {
		return o.Key == f.Key && o.Msg == f.Msg
	})
}

// lineOf is the line of a key, or of the nearest section around it.
func (d *decoder) lineOf(key string) int {
	for ; key != ""; key = parentKey(key) {
		if line, ok := d.lines[key]; ok {
			return line
		}
	}
	return 1
}

// parentKey cuts the last key or index from a path.
func parentKey(key string) string {
	return key[:max(strings.LastIndexAny(key, ".["), 0)]
}
