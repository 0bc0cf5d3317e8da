package schemas

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// messages are the field tables of protobuf.go by message.
func messages() map[string][]field {
	return map[string][]field{
		"Event": new(Event).fields(), "Label": new(Label).fields(), "Sample": new(Sample).fields(),
		"JobEvent": new(JobEvent).fields(), "Change": new(Change).fields(),
	}
}

// pointsTo is what field.at points to, by the field's form in the .proto file.
var pointsTo = map[string]any{
	"string":              new(string),
	"int64":               new(time.Time), // all of them are unix milliseconds
	"uint32":              new(uint32),
	"uint64":              new(uint64),
	"double":              new(float64),
	"optional double":     new(*float64),
	"map<string, double>": new(map[string]float64),
	"map<string, string>": new(map[string]string),
}

func formOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("map<%s, %s>", f.MapKey().Kind(), f.MapValue().Kind())
	case f.HasOptionalKeyword():
		return "optional " + f.Kind().String()
	}
	return f.Kind().String()
}

// The tables have the numbers, names and types of the .proto file, and are
// indexed by number.
func TestFieldTablesAgreeWithTheProtoFile(t *testing.T) {
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{ImportPaths: []string{"proto"}}}
	files, err := c.Compile(context.Background(), "driftline.proto")
	if err != nil {
		t.Fatal(err)
	}
	for name, table := range messages() {
		fields := files[0].Messages().ByName(protoreflect.Name(name)).Fields()
		if fields.Len() != len(table) {
			t.Errorf("%s: %d fields in the file, %d in the table", name, fields.Len(), len(table))
		}
		for i, f := range table {
			if int(f.num) != i+1 {
				t.Errorf("%s: field %d is at place %d of the table", name, f.num, i)
			}
			d := fields.ByNumber(f.num)
			if d == nil || string(d.Name()) != f.name {
				t.Errorf("%s: field %d is %v in the file, %s in the table", name, f.num, d, f.name)
				continue
			}
			if want := pointsTo[formOf(d)]; reflect.TypeOf(want) != reflect.TypeOf(f.at) {
				t.Errorf("%s.%s is %s in the file and points to %T", name, f.name, formOf(d), f.at)
			}
		}
	}
}

// Every field of a table points into the Go field that has its name in JSON.
func TestFieldTablesPointToTheirFields(t *testing.T) {
	e, l, s, j, c := new(Event), new(Label), new(Sample), new(JobEvent), new(Change)
	for _, m := range []struct {
		value any
		table []field
	}{{e, e.fields()}, {l, l.fields()}, {s, s.fields()}, {j, j.fields()}, {c, c.fields()}} {
		at := map[uintptr]string{}
		v := reflect.ValueOf(m.value).Elem()
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			at[v.Field(i).Addr().Pointer()] = name
		}
		if e, ok := m.value.(*Event); ok { // the first map lies where Features does
			at[reflect.ValueOf(&e.Features.Numeric).Pointer()] = "numeric"
			at[reflect.ValueOf(&e.Features.Categorical).Pointer()] = "categorical"
		}
		var names []string
		for _, f := range m.table {
			names = append(names, f.name)
			if got := at[reflect.ValueOf(f.at).Pointer()]; got != f.name {
				t.Errorf("%T: field %s points to %q", m.value, f.name, got)
			}
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(at) {
			t.Errorf("%T: %d fields of the table, %d of the type", m.value, len(m.table), len(at))
		}
	}
}
