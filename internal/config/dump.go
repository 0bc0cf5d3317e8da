package config

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const commentWidth = 76

// Dump writes a configuration as YAML with the comments of its fields. Secrets
// appear as "***"; everything else reads back as the same configuration.
func Dump(w io.Writer, cfg any, sources ...Source) error {
	return write(w, cfg, nil, sources)
}

// Diff writes only the keys that differ from base, such as the defaults.
func Diff(w io.Writer, cfg, base any, sources ...Source) error {
	return write(w, cfg, base, sources)
}

func write(w io.Writer, cfg, base any, sources []Source) error {
	c, err := readComments(sources)
	if err != nil {
		return err
	}
	d := dumper{c}
	root := d.section(indirect(cfg), indirect(base))
	if len(root.Content) == 0 {
		return nil
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return enc.Close()
}

func indirect(cfg any) reflect.Value {
	if cfg == nil {
		return reflect.Value{}
	}
	return reflect.Indirect(reflect.ValueOf(cfg))
}

type dumper struct{ comments comments }

// section is the mapping of a struct; keys equal to those of base are left out
// when there is a base.
func (d dumper) section(v, base reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fieldsOf(v.Type()) {
		value, was := v.FieldByIndex(f.index), reflect.Value{}
		if base.IsValid() {
			was = base.FieldByIndex(f.index)
			if reflect.DeepEqual(value.Interface(), was.Interface()) {
				continue
			}
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: f.key, HeadComment: wrapComment(d.comments.of(f))}
		n.Content = append(n.Content, key, d.node(value, was))
	}
	return n
}

func (d dumper) node(v, base reflect.Value) *yaml.Node {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		if v.IsNil() {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		}
		return d.node(v.Elem(), reflect.Value{})
	case isStruct(t):
		return d.section(v, base)
	case isText(t):
		return scalarNode(v)
	case t.Kind() == reflect.Slice:
		return d.sequence(v)
	case t.Kind() == reflect.Map:
		return d.mapped(v)
	default:
		return scalarNode(v)
	}
}

func (d dumper) sequence(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if v.Len() == 0 || !isStructOrPointer(v.Type().Elem()) {
		n.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		n.Content = append(n.Content, d.node(v.Index(i), reflect.Value{}))
	}
	return n
}

func (d dumper) mapped(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	for _, k := range sortedKeys(v) {
		key := &yaml.Node{}
		key.SetString(scalarText(k))
		n.Content = append(n.Content, key, d.node(v.MapIndex(k), reflect.Value{}))
	}
	return n
}

// scalarNode writes a value so that Load reads it back.
func scalarNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: scalarText(v)}
	switch {
	case isText(v.Type()), v.Kind() == reflect.String:
		n.SetString(escape(n.Value))
	case n.Value == "":
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// escape keeps Load from expanding dollar signs.
func escape(s string) string { return strings.ReplaceAll(s, "$", "$$") }

func scalarText(v reflect.Value) string {
	if v.Type() == durationType {
		return FormatDuration(time.Duration(v.Int()))
	}
	if m, ok := marshaler(v); ok {
		text, err := m.MarshalText()
		if err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v.Interface())
}

func marshaler(v reflect.Value) (encoding.TextMarshaler, bool) {
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		return m, true
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	m, ok := reflect.TypeAssert[encoding.TextMarshaler](p)
	return m, ok
}

func wrapComment(text string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > commentWidth {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
