package config

import "reflect"

// entry is one key of the whole configuration, as the manual lists it.
type entry struct {
	field
	path  string        // "kafka.sasl.user", "receivers[].url", "models.*.window"
	value reflect.Value // the default; inside lists and maps that of a new element
}

// visitKeys calls visit for every key below a struct, sections before what
// they hold, and does not follow a type into itself.
func visitKeys(root reflect.Value, visit func(entry)) {
	v := visitor{visit: visit, open: map[reflect.Type]bool{}}
	v.section(root, "")
}

type visitor struct {
	visit func(entry)
	open  map[reflect.Type]bool
}

func (w *visitor) section(v reflect.Value, path string) {
	t := v.Type()
	if w.open[t] {
		return
	}
	w.open[t] = true
	defer delete(w.open, t)
	for _, f := range fieldsOf(t) {
		e := entry{field: f, path: joinKey(path, f.key), value: v.FieldByIndex(f.index)}
		w.visit(e)
		if below, suffix := sectionBelow(e.value); below.IsValid() {
			w.section(below, e.path+suffix)
		}
	}
}

// sectionBelow is the struct under a key: itself, behind a pointer, or a fresh
// element of a list or map. The suffix tells which.
func sectionBelow(v reflect.Value) (below reflect.Value, suffix string) {
	t := v.Type()
	switch {
	case isStruct(t):
		return v, ""
	case isText(t):
	case t.Kind() == reflect.Pointer && isStruct(t.Elem()):
		if v.IsNil() {
			return fresh(t).Elem(), ""
		}
		return v.Elem(), ""
	case t.Kind() == reflect.Slice && isStructOrPointer(t.Elem()):
		return freshElement(t.Elem()), "[]"
	case t.Kind() == reflect.Map && isStructOrPointer(t.Elem()):
		return freshElement(t.Elem()), ".*"
	}
	return reflect.Value{}, ""
}

func isStructOrPointer(t reflect.Type) bool {
	return isStruct(t) || t.Kind() == reflect.Pointer && isStruct(t.Elem())
}

func freshElement(t reflect.Type) reflect.Value {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return fresh(reflect.PointerTo(t)).Elem()
}
