package config

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Bounds of the work of one file: aliases can make a small file describe an
// endless tree.
const (
	nodeLimit  = 200_000
	depthLimit = 64
)

// decoder fills structs from nodes and collects every fault on the way.
type decoder struct {
	dir    string          // of the configuration file
	lines  map[string]int  // line of every key that the file sets, by path
	bad    map[string]bool // paths already faulted: validating them again would say it twice
	faults []*Fault
	nodes  int // entered so far
	depth  int // of the node being read
}

func newDecoder(dir string) *decoder {
	return &decoder{dir: dir, lines: map[string]int{}, bad: map[string]bool{}}
}

func (d *decoder) fault(line int, key, format string, args ...any) {
	d.bad[key] = true
	d.faults = append(d.faults, &Fault{Key: key, Line: line, Msg: fmt.Sprintf(format, args...)})
}

// value reads a node into v, whatever the kind of either.
func (d *decoder) value(n *yaml.Node, key string, v reflect.Value) {
	n, ok := d.enter(n, key)
	if !ok {
		return
	}
	d.depth++
	defer func() { d.depth-- }()
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		d.null(n, key, v)
		return
	}
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(fresh(t))
		}
		d.value(n, key, v.Elem())
	case isText(t):
		d.scalar(n, key, v)
	case t.Kind() == reflect.Struct:
		d.mapping(n, key, v)
	case t.Kind() == reflect.Map:
		d.dictionary(n, key, v)
	case t.Kind() == reflect.Slice:
		d.list(n, key, v)
	case t.Kind() == reflect.Interface:
		d.free(n, key, v)
	default:
		d.scalar(n, key, v)
	}
}

// enter follows an alias and counts the node; not ok means stop here.
func (d *decoder) enter(n *yaml.Node, key string) (*yaml.Node, bool) {
	line := n.Line
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if d.nodes++; d.nodes == nodeLimit {
		d.fault(line, key, "too large: aliases included, more than %d values", nodeLimit)
	}
	if d.depth == depthLimit {
		d.fault(line, key, "nested more than %d deep; is an alias inside itself?", depthLimit)
		d.nodes = nodeLimit // enough: its neighbours are as deep
	}
	return n, d.nodes < nodeLimit && d.depth < depthLimit
}

// null empties what can be empty and keeps the defaults of a section whose
// keys are all commented out.
func (d *decoder) null(n *yaml.Node, key string, v reflect.Value) {
	switch {
	case isText(v.Type()):
		d.fault(n.Line, key, "no value; give one or remove the key")
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Slice, v.Kind() == reflect.Interface:
		v.SetZero()
	case v.Kind() == reflect.Struct, v.Kind() == reflect.Map:
	default:
		d.fault(n.Line, key, "no value; give one or remove the key")
	}
}

// fresh allocates what a pointer type points to, with its defaults.
func fresh(pointer reflect.Type) reflect.Value {
	p := reflect.New(pointer.Elem())
	if def, ok := reflect.TypeAssert[Defaulter](p); ok {
		def.SetDefaults()
	}
	return p
}

// free reads a node into an interface, as YAML itself would.
func (d *decoder) free(n *yaml.Node, key string, v reflect.Value) {
	before := len(d.faults)
	got := d.anything(n, key)
	if len(d.faults) > before {
		return
	}
	if got := reflect.ValueOf(got); got.IsValid() && got.Type().AssignableTo(v.Type()) {
		v.Set(got)
	}
}

func (d *decoder) anything(n *yaml.Node, key string) any {
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		d.dictionary(n, key, reflect.ValueOf(&m).Elem())
		return m
	case yaml.SequenceNode:
		var l []any
		d.list(n, key, reflect.ValueOf(&l).Elem())
		return l
	default:
		text, ok := d.text(n, key)
		if !ok {
			return nil
		}
		scalar := yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: n.Style, Tag: n.Tag}
		if text != n.Value {
			scalar.Tag = ""
		}
		if err := scalar.Decode(&v); err != nil {
			d.fault(n.Line, key, "read %q: %v", n.Value, err)
		}
	}
	return v
}
