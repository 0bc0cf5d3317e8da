package config

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// field is one key of a configuration struct. Load, Dump, Schema and Markdown
// all see structs through it, so that they cannot disagree.
type field struct {
	key   string // in YAML
	name  string // in Go
	index []int  // from the struct that was asked for
	typ   reflect.Type
	owner reflect.Type // the struct that declares it: where its comment is
}

// fieldsOf lists the keys of a struct in the order of declaration; those of
// embedded structs and of fields tagged inline stand in their place.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, inline := yamlKey(f)
		switch {
		case inline:
			for _, in := range fieldsOf(f.Type) {
				in.index = append([]int{i}, in.index...)
				all = append(all, in)
			}
		case key != "":
			all = append(all, field{key, f.Name, []int{i}, f.Type, t})
		}
	}
	return all
}

// yamlKey is the key of a Go field, empty when configuration cannot set it.
func yamlKey(f reflect.StructField) (key string, inline bool) {
	key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if key == "-" {
		return "", false
	}
	if f.Type.Kind() == reflect.Struct && !isText(f.Type) &&
		(strings.Contains(options, "inline") || f.Anonymous && key == "") {
		return "", true
	}
	if !f.IsExported() {
		return "", false
	}
	if key == "" {
		key = strings.ToLower(f.Name)
	}
	return key, false
}

// isText tells whether values of the type are written as one scalar of their own form.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textType)
}

// fileable tells whether the key has a companion with the suffix _file.
func (f field) fileable() bool {
	if strings.HasSuffix(f.key, fileSuffix) {
		return false
	}
	t := f.typ
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t == secretType || t == reflect.TypeFor[string]()
}

// isStruct tells whether the type is written as a mapping of its fields.
func isStruct(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isText(t) }

func findField(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

// joinKey appends a key or an index such as "[2]" to a path.
func joinKey(path, key string) string {
	if path == "" || key == "" || key[0] == '[' {
		return path + key
	}
	return path + "." + key
}
