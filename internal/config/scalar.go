package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	fileSuffix = "_file"
	fileLimit  = 1 << 20 // no secret is larger
)

// text is the expanded text of a scalar.
func (d *decoder) text(n *yaml.Node, key string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.fault(n.Line, key, "want a single value, found %s", found(n))
		return "", false
	}
	s, err := expand(n.Value)
	if err != nil {
		d.fault(n.Line, key, "%v", err)
		return "", false
	}
	return s, true
}

// scalar reads a single value. Faults quote the file, never the environment.
func (d *decoder) scalar(n *yaml.Node, key string, v reflect.Value) {
	s, ok := d.text(n, key)
	if !ok {
		return
	}
	if err := setScalar(s, v); err != nil {
		d.fault(n.Line, key, "%v, found %q", err, n.Value)
	}
}

// setScalar parses a text by the type of v.
func setScalar(s string, v reflect.Value) error {
	if v.Type() == durationType {
		d, err := ParseDuration(s)
		v.SetInt(int64(d))
		return err
	}
	if isText(v.Type()) {
		return setText(s, v)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		return setBool(s, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return setNumber(s, v)
	default:
		return fmt.Errorf("%s cannot be set by configuration", v.Type())
	}
	return nil
}

func setText(s string, v reflect.Value) error {
	u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	if !ok {
		return fmt.Errorf("%s cannot be set by configuration", v.Type())
	}
	return u.UnmarshalText([]byte(s))
}

func setBool(s string, v reflect.Value) error {
	switch s {
	case "true", "True", "TRUE":
		v.SetBool(true)
	case "false", "False", "FALSE":
		v.SetBool(false)
	default:
		return errors.New("want true or false")
	}
	return nil
}

func setNumber(s string, v reflect.Value) error {
	var err error
	switch bits := v.Type().Bits(); {
	case v.CanInt():
		var i int64
		if i, err = strconv.ParseInt(s, 0, bits); err == nil {
			v.SetInt(i)
		}
	case v.CanUint():
		var u uint64
		if u, err = strconv.ParseUint(s, 0, bits); err == nil {
			v.SetUint(u)
		}
	default:
		var f float64
		if f, err = strconv.ParseFloat(s, bits); err == nil {
			v.SetFloat(f)
		}
	}
	return numberError(err, v.Type())
}

func numberError(err error, t reflect.Type) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("out of range for %s", t.Kind())
	default:
		return fmt.Errorf("want %s", typeName(t))
	}
}

// fromFile reads the file or files that a key with the suffix _file names.
func (d *decoder) fromFile(n *yaml.Node, key string, v reflect.Value) {
	if v.Kind() != reflect.Slice {
		if s, ok := d.contents(n, key); ok {
			v.SetString(s)
		}
		return
	}
	n, ok := d.enter(n, key)
	if !ok {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fault(n.Line, key, "want a list of files, found %s", found(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		if s, ok := d.contents(item, fmt.Sprintf("%s[%d]", key, i)); ok {
			out = reflect.Append(out, reflect.ValueOf(s).Convert(v.Type().Elem()))
		}
	}
	v.Set(out)
}

// contents is the text of the file that a node names, without its last newline.
func (d *decoder) contents(n *yaml.Node, key string) (string, bool) {
	n, ok := d.enter(n, key)
	if !ok {
		return "", false
	}
	name, ok := d.text(n, key)
	if !ok {
		return "", false
	}
	if name != "" && !filepath.IsAbs(name) {
		name = filepath.Join(d.dir, name)
	}
	data, err := readLimited(name)
	if err != nil {
		d.fault(n.Line, key, "read file %q: %s", name, reason(err))
		return "", false
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), true
}

func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err == nil && len(data) > fileLimit {
		err = fmt.Errorf("larger than %v", Bytes(fileLimit))
	}
	return data, err
}

// typeName is how a type is called in faults, the schema and the manual.
func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration"
	case t == reflect.TypeFor[Bytes]():
		return "bytes"
	case t == secretType:
		return "secret"
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case isText(t):
		return "text"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "boolean"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	case reflect.Map:
		return "map of " + typeName(t.Elem())
	case reflect.Struct:
		return "section"
	case reflect.Interface:
		return "any"
	default:
		return "whole number"
	}
}
