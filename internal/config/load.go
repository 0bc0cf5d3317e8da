package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Defaulter is an element of a list or map that has defaults of its own.
// SetDefaults is called on every new element before its keys are read.
type Defaulter interface{ SetDefaults() }

// Load reads a YAML file into a struct that already holds its defaults, and
// validates the result. The error is an *Error with every mistake in the file.
// File names in keys ending in _file are relative to the configuration file.
func Load(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return newError(path, []*Fault{{Msg: "read: " + reason(err)}})
	}
	return Parse(path, data, into)
}

// Parse is Load for a document in memory; file names it in errors.
func Parse(file string, data []byte, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: load into %T, want a pointer to a struct", into))
	}
	root, fault := parseYAML(data)
	if fault != nil {
		return newError(file, []*Fault{fault})
	}
	d := newDecoder(filepath.Dir(file))
	if root != nil {
		d.value(root, "", v.Elem())
	}
	d.validate(v.Elem(), "")
	if len(d.faults) > 0 {
		return newError(file, d.faults)
	}
	return nil
}

// parseYAML gives the content of the only document, nil when it is empty.
func parseYAML(data []byte) (*yaml.Node, *Fault) {
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxFault(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, &Fault{Line: second.Line, Msg: "a second document; one file holds one configuration"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxFault(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

var syntaxLine = regexp.MustCompile(`^line (\d+): `)

// syntaxFault turns the parser's "yaml: line 3: message" into a fault.
func syntaxFault(err error) *Fault {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	f := &Fault{Msg: "not valid YAML: " + syntaxLine.ReplaceAllString(msg, "")}
	if m := syntaxLine.FindStringSubmatch(msg); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
	}
	return f
}

// reason is the part of a file error that does not repeat its path.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}
