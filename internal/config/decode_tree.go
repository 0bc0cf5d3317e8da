package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pairs visits the keys of a mapping that are fit to be read: no duplicates,
// no merges, nothing but scalars.
func (d *decoder) pairs(n *yaml.Node, path string, visit func(key, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		line, again := first[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode:
			d.fault(k.Line, path, "a key must be plain text")
		case k.Tag == "!!merge":
			d.fault(k.Line, joinKey(path, k.Value), "merge keys are not supported; use an alias for a whole value")
		case again:
			d.fault(k.Line, joinKey(path, k.Value), "duplicate key; first given in line %d", line)
		default:
			first[k.Value] = k.Line
			visit(k, n.Content[i+1])
		}
	}
}

// mapping reads the keys of a struct.
func (d *decoder) mapping(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n.Line, path, "want a mapping of keys, found %s", found(n))
		return
	}
	fields, given := fieldsOf(v.Type()), map[string]int{}
	d.pairs(n, path, func(k, value *yaml.Node) {
		name := k.Value
		f, known := findField(fields, name)
		base, isFile := strings.CutSuffix(name, fileSuffix)
		if !known && isFile {
			f, known = findField(fields, base)
			known = known && f.fileable()
		} else {
			isFile = false
		}
		if !known {
			d.unknown(k, path, fields)
			return
		}
		key := joinKey(path, f.key)
		if line, twice := given[f.key]; twice {
			d.fault(k.Line, joinKey(path, name), "%s and %s%s are both given (see line %d); keep one", f.key, f.key, fileSuffix, line)
			return
		}
		given[f.key], d.lines[key] = k.Line, k.Line
		if isFile {
			d.lines[joinKey(path, name)] = k.Line
			d.fromFile(value, joinKey(path, name), v.FieldByIndex(f.index))
			return
		}
		d.value(value, key, v.FieldByIndex(f.index))
	})
}

// unknown faults a key and remembers what it meant: a required key that is
// only mistyped is one mistake, not two.
func (d *decoder) unknown(k *yaml.Node, path string, fields []field) {
	valid, candidates := make([]string, len(fields)), []string{}
	for i, f := range fields {
		valid[i] = f.key
		if f.fileable() {
			candidates = append(candidates, f.key+fileSuffix)
		}
	}
	near := nearest(k.Value, append(valid, candidates...))
	if near != "" {
		d.bad[joinKey(path, strings.TrimSuffix(near, fileSuffix))] = true
	}
	d.fault(k.Line, joinKey(path, k.Value), "%s", unknownKey(near, valid))
}

// dictionary reads a map; keys of the file join those of the defaults.
func (d *decoder) dictionary(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n.Line, path, "want a mapping of names to values, found %s", found(n))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	d.pairs(n, path, func(k, value *yaml.Node) {
		path := joinKey(path, k.Value)
		d.lines[path] = k.Line
		name := reflect.New(v.Type().Key()).Elem()
		if err := setScalar(k.Value, name); err != nil {
			d.fault(k.Line, path, "key %q: %v", k.Value, err)
			return
		}
		element := fresh(reflect.PointerTo(v.Type().Elem())).Elem()
		if old := v.MapIndex(name); old.IsValid() {
			element.Set(old)
		}
		d.value(value, path, element)
		v.SetMapIndex(name, element)
	})
}

// list reads a slice, which replaces the default.
func (d *decoder) list(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n.Line, path, "want a list, found %s", found(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		key := fmt.Sprintf("%s[%d]", path, i)
		d.lines[key] = item.Line
		element := fresh(reflect.PointerTo(v.Type().Elem())).Elem()
		d.value(item, key, element)
		out = reflect.Append(out, element)
	}
	v.Set(out)
}

// found names what stands in a node.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}
