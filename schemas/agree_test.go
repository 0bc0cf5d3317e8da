package schemas_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/driftline/driftline/schemas"
	jsonfiles "github.com/driftline/driftline/schemas/json"
)

// member is a field of a Go type as its JSON form shows it.
type member struct {
	name     string
	typ      reflect.Type
	optional bool // left out when empty
}

// members of a Go type by its JSON tags; those of embedded structs count as its own.
func members(t reflect.Type) (out []member) {
	for f := range t.Fields() {
		if f.Anonymous {
			out = append(out, members(f.Type)...)
			continue
		}
		if name, optional := optionalTag(f); name != "" && name != "-" {
			out = append(out, member{name, f.Type, optional})
		}
	}
	return out
}

func optionalTag(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "omitempty" || options == "omitzero"
}

var protoFile = sync.OnceValues(func() (protoreflect.FileDescriptor, error) {
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{ImportPaths: []string{"proto"}}}
	files, err := c.Compile(context.Background(), "driftline.proto")
	if err != nil {
		return nil, err
	}
	return files[0], nil
})

func message(t testing.TB, name string) protoreflect.MessageDescriptor {
	t.Helper()
	file, err := protoFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Package() != "driftline.v1" || file.Syntax() != protoreflect.Proto3 {
		t.Fatalf("package %s, %s", file.Package(), file.Syntax())
	}
	m := file.Messages().ByName(protoreflect.Name(name))
	if m == nil {
		t.Fatalf("no message %s", name)
	}
	return m
}

// protoTypes is how a Go type is written in the .proto file.
var protoTypes = map[reflect.Type]string{
	reflect.TypeFor[string]():             "string",
	reflect.TypeFor[schemas.JobState]():   "string",
	reflect.TypeFor[schemas.ChangeKind](): "string",
	reflect.TypeFor[time.Time]():          "int64",
	reflect.TypeFor[float64]():            "double",
	reflect.TypeFor[*float64]():           "optional double",
	reflect.TypeFor[uint32]():             "uint32",
	reflect.TypeFor[uint64]():             "uint64",
	reflect.TypeFor[map[string]string]():  "map<string, string>",
}

func protoType(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("map<%s, %s>", f.MapKey().Kind(), f.MapValue().Kind())
	case f.IsList():
		return "repeated " + f.Kind().String()
	case f.HasOptionalKeyword():
		return "optional " + f.Kind().String()
	}
	return f.Kind().String()
}

// Names, types and order agree; numbers count from 1 without gaps, which the
// hand-written decoder relies on.
func TestProtoAgreesWithGo(t *testing.T) {
	for _, in := range inputs {
		var want, got []string
		for _, m := range members(reflect.TypeOf(in.zero()).Elem()) {
			if m.name == "features" {
				want = append(want, "numeric map<string, double>", "categorical map<string, string>")
				continue
			}
			want = append(want, m.name+" "+protoTypes[m.typ])
		}
		fields := message(t, in.message).Fields()
		for i := range fields.Len() {
			f := fields.ByNumber(protoreflect.FieldNumber(i + 1))
			if f == nil {
				t.Fatalf("%s: no field %d of %d", in.message, i+1, fields.Len())
			}
			got = append(got, string(f.Name())+" "+protoType(f))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n.proto %q\nGo     %q", in.message, got, want)
		}
	}
}

// published are the types that have a JSON Schema.
var published = map[string]reflect.Type{
	"event":        reflect.TypeFor[schemas.Event](),
	"label":        reflect.TypeFor[schemas.Label](),
	"sample":       reflect.TypeFor[schemas.Sample](),
	"job_event":    reflect.TypeFor[schemas.JobEvent](),
	"change":       reflect.TypeFor[schemas.Change](),
	"signal":       reflect.TypeFor[schemas.Signal](),
	"evaluation":   reflect.TypeFor[schemas.Evaluation](),
	"incident":     reflect.TypeFor[schemas.Incident](),
	"touch":        reflect.TypeFor[schemas.Touch](),
	"notification": reflect.TypeFor[schemas.Notification](),
	"silence":      reflect.TypeFor[schemas.Silence](),
}

var jsonSchemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for name := range published { // by their own ids, so that they find each other
		file, err := jsonfiles.FS.Open(name + ".schema.json")
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(file)
		if err := errors.Join(err, file.Close(), c.AddResource(schemaID(name), doc)); err != nil {
			return nil, err
		}
	}
	out := map[string]*jsonschema.Schema{}
	for name := range published {
		s, err := c.Compile(schemaID(name))
		if err != nil {
			return nil, err
		}
		if s.Location != schemaID(name)+"#" {
			return nil, fmt.Errorf("%s: its id is %s", name, s.Location)
		}
		out[name] = s
	}
	return out, nil
})

func schemaID(name string) string {
	return "https://github.com/driftline/driftline/schemas/json/" + name + ".schema.json"
}

func jsonSchema(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	all, err := jsonSchemas()
	if err != nil {
		t.Fatal(err)
	}
	return all[name]
}

// jsonType is the JSON type that a Go type is written as.
func jsonType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[*time.Time](), t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Pointer:
		return jsonType(t.Elem())
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Slice:
		return "array"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "object"
	}
	return "integer"
}

// Every file is tested, and none is missing.
func TestEveryJSONSchemaIsKnown(t *testing.T) {
	files, err := fs.Glob(jsonfiles.FS, "*")
	if err != nil || len(files) != len(published) {
		t.Errorf("%d files for %d types: %v", len(files), len(published), err)
	}
}

func TestJSONSchemasAgreeWithGo(t *testing.T) {
	for name, typ := range published {
		s := jsonSchema(t, name)
		if s.Title != typ.Name() || s.Description == "" || s.DraftVersion != 2020 {
			t.Errorf("%s: title %q, description %q, draft %d", name, s.Title, s.Description, s.DraftVersion)
		}
		var names, required []string
		for _, m := range members(typ) {
			names = append(names, m.name)
			if !m.optional {
				required = append(required, m.name)
			}
			p := s.Properties[m.name]
			if p == nil {
				continue // told below
			}
			if p.Description == "" {
				t.Errorf("%s: %s has no description", name, m.name)
			}
			if p.Ref != nil {
				p = p.Ref
			}
			if want := jsonType(m.typ); !slices.Contains(p.Types.ToStrings(), want) {
				t.Errorf("%s: %s is %v, Go writes %s", name, m.name, p.Types.ToStrings(), want)
			}
		}
		slices.Sort(names)
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, names) {
			t.Errorf("%s has the members\n%q, Go\n%q", name, got, names)
		}
		slices.Sort(required)
		if got := slices.Sorted(slices.Values(s.Required)); !slices.Equal(got, required) {
			t.Errorf("%s requires %q, Go never omits %q", name, got, required)
		}
	}
}
