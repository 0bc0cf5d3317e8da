package config

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"
)

// Patterns of the texts that stand for other types.
const (
	durationPattern = `^(-?[0-9].*(ns|us|µs|ms|s|m|h|d)|0)$`
	bytesPattern    = `^[0-9.]+ *([kKMGT]?B|[KMGT]iB)?$`
	variablePattern = `\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`
)

// Schema is the JSON Schema (draft 2020-12) of a configuration, described by
// the comments in its sources and with the values of cfg as defaults. What
// Load refuses for its keys or types, the schema refuses too.
func Schema(cfg any, sources ...Source) ([]byte, error) {
	c, err := readComments(sources)
	if err != nil {
		return nil, err
	}
	r := schemaWriter{comments: c, choices: map[string][]Choices{}, defs: jsonschema.Definitions{}}
	for _, s := range sources {
		for field, choices := range s.Choices {
			r.choices[s.PkgPath+"."+field] = choices
		}
	}
	root := r.properties(indirect(cfg))
	root.Version, root.Definitions = jsonschema.Version, r.defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(out, '\n'), nil
}

type schemaWriter struct {
	comments comments
	choices  map[string][]Choices // by import path, type and field
	defs     jsonschema.Definitions
}

// properties describes a struct in place.
func (w schemaWriter) properties(v reflect.Value) *jsonschema.Schema {
	s := &jsonschema.Schema{Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	s.Type = "object"
	for _, f := range fieldsOf(v.Type()) {
		p := w.schemaOf(f.typ)
		if choices := w.choices[typeKey(f.owner)+"."+f.name]; choices != nil {
			p = w.limited(f.typ, choices)
		}
		p.Description = w.comments.of(f)
		p.Default = defaultOf(v.FieldByIndex(f.index))
		s.Properties.Set(f.key, p)
		if f.fileable() {
			s.Properties.Set(f.key+fileSuffix, fileSchema(f))
		}
	}
	return s
}

func fileSchema(f field) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Description: "File that holds " + f.key + "."}
	if f.typ.Kind() == reflect.Slice {
		s = &jsonschema.Schema{Type: "array", Items: s, Description: "Files that hold " + f.key + ", one value each."}
	}
	return s
}

// schemaOf describes a type; structs by reference, because they may nest in themselves.
func (w schemaWriter) schemaOf(t reflect.Type) *jsonschema.Schema {
	switch {
	case t.Kind() == reflect.Pointer:
		s := w.schemaOf(t.Elem())
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
	case t == durationType:
		return textOrVariable(durationPattern)
	case t == reflect.TypeFor[Bytes]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "integer"}, textOrVariable(bytesPattern)}}
	case t == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string"}
	case isText(t):
		return &jsonschema.Schema{Type: "string"}
	case t.Kind() == reflect.Struct:
		return w.reference(t)
	case t.Kind() == reflect.Slice:
		return orNull(&jsonschema.Schema{Type: "array", Items: w.schemaOf(t.Elem())})
	case t.Kind() == reflect.Map:
		return orNull(&jsonschema.Schema{Type: "object", AdditionalProperties: w.schemaOf(t.Elem())})
	default:
		return basic(t)
	}
}

// limited describes a text of which only some are right, a list of such texts,
// or a map with such keys.
func (w schemaWriter) limited(t reflect.Type, sets []Choices) *jsonschema.Schema {
	var s jsonschema.Schema
	for _, set := range sets {
		s.AnyOf = append(s.AnyOf, w.choiceSet(set))
	}
	switch t.Kind() {
	case reflect.Slice:
		return orNull(&jsonschema.Schema{Type: "array", Items: w.limited(t.Elem(), sets)})
	case reflect.Map:
		return orNull(&jsonschema.Schema{Type: "object", PropertyNames: &s, AdditionalProperties: w.schemaOf(t.Elem())})
	default:
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: "string", Pattern: variablePattern})
		return &s
	}
}

// choiceSet is a reference to the set's definition, which is written once.
func (w schemaWriter) choiceSet(set Choices) *jsonschema.Schema {
	if _, ok := w.defs[set.Name]; !ok {
		var def jsonschema.Schema
		for _, c := range set.Of {
			def.OneOf = append(def.OneOf, &jsonschema.Schema{Const: c.Value, Description: c.Help})
		}
		w.defs[set.Name] = &def
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + set.Name}
}

func (w schemaWriter) reference(t reflect.Type) *jsonschema.Schema {
	name := path.Base(t.PkgPath()) + "." + t.Name()
	if _, ok := w.defs[name]; !ok {
		w.defs[name] = &jsonschema.Schema{} // before descending: the type may hold itself
		def := orNull(w.properties(freshElement(t)))
		def.Description = w.comments.ofType(t)
		w.defs[name] = def
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

// orNull also allows a section whose keys are all commented out.
func orNull(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
}

func textOrVariable(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: pattern + "|" + variablePattern}
}

// basic describes Go's own types. A variable may stand in for any of them.
func basic(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	switch t.Kind() {
	case reflect.String: // Load takes any single value as text
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
	case reflect.Interface:
		return s
	case reflect.Bool:
		s.Type = "boolean"
	case reflect.Float32, reflect.Float64:
		s.Type = "number"
	default:
		s.Type = "integer"
		if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
			s.Minimum = "0"
		}
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "string", Pattern: variablePattern}}}
}

// defaultOf is the default to show for a key: scalars and lists of scalars
// that are not empty.
func defaultOf(v reflect.Value) any {
	t := v.Type()
	switch {
	case t == secretType || v.IsZero():
		return nil
	case t == durationType || isText(t):
		return scalarText(v)
	case t.Kind() == reflect.Slice:
		return defaultList(v)
	case t.Kind() == reflect.Map || t.Kind() == reflect.Struct ||
		t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return nil
	default:
		return v.Interface()
	}
}

func defaultList(v reflect.Value) any {
	var out []any
	for i := range v.Len() {
		d := defaultOf(v.Index(i))
		if d == nil {
			return nil
		}
		out = append(out, d)
	}
	if out == nil {
		return nil
	}
	return out
}
