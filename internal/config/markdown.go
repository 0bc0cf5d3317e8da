package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

const markdownIntro = `# Configuration

This page is generated from the comments in the code: ` + "`make generate`" + `.

One YAML file, read by ` + "`driftline run -config FILE`" + ` and checked by
` + "`driftline check-config FILE`" + `. Every key has a default unless its text says that
it is required. A file is refused as a whole, with every mistake named by file,
line and key.

- Values may contain ` + "`${NAME}`" + ` or ` + "`${NAME:-default}`" + ` from the environment; ` + "`$$`" + ` is
  a dollar sign.
- A secret, or any other text ` + "`foo`" + `, can be read from a file: ` + "`foo_file: PATH`" + `, relative
  to the configuration file. Lists take lists: ` + "`secrets_file: [a, b]`" + `.
- Durations have a unit (` + "`500ms`, `30s`, `5m`, `12h`, `7d`" + `), and so have bytes
  (` + "`64KiB`, `256MiB`, `1.5GB`" + `).
- ` + "`[]`" + ` in a section's name stands for each element of a list, ` + "`*`" + ` for each name in
  a map. A list in the file replaces the default; a map adds to it.
`

// Markdown is the manual page of a configuration: one table per section, with
// the values of cfg as defaults.
func Markdown(cfg any, sources ...Source) ([]byte, error) {
	c, err := readComments(sources)
	if err != nil {
		return nil, err
	}
	sections := sectionsOf(indirect(cfg))
	var b bytes.Buffer
	b.WriteString(markdownIntro)
	told := map[reflect.Type]string{}
	for _, s := range sections {
		if _, known := told[s.typ]; !known && len(s.entries) > 0 {
			told[s.typ] = s.path
		}
	}
	for _, s := range sections {
		s.write(&b, c, told)
	}
	return b.Bytes(), nil
}

type section struct {
	path    string
	typ     reflect.Type
	entries []entry
}

// sectionsOf groups the keys by the section that they stand in.
func sectionsOf(root reflect.Value) []*section {
	all := []*section{{typ: root.Type()}}
	byPath := map[string]*section{"": all[0]}
	visitKeys(root, func(e entry) {
		byPath[parentSection(e.path)].entries = append(byPath[parentSection(e.path)].entries, e)
		if below, suffix := sectionBelow(e.value); below.IsValid() {
			s := &section{path: e.path + suffix, typ: below.Type()}
			all, byPath[s.path] = append(all, s), s
		}
	})
	return all
}

func parentSection(path string) string { return path[:max(strings.LastIndex(path, "."), 0)] }

// write the section's table. Told are the sections by type, the first of each:
// one that has itself below it is told once.
func (s *section) write(b *bytes.Buffer, c comments, told map[reflect.Type]string) {
	if len(s.entries) == 0 {
		return
	}
	if s.path != "" {
		fmt.Fprintf(b, "\n## `%s`\n", s.path)
		if text := c.ofType(s.typ); text != "" {
			fmt.Fprintf(b, "\n%s\n", text)
		}
	}
	b.WriteString("\n| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, e := range s.entries {
		shown := defaultCell(e)
		if below, suffix := sectionBelow(e.value); below.IsValid() {
			at := e.path + suffix
			if below.Type() == s.typ {
				at = told[s.typ]
			}
			shown = "[see below](#" + anchor(at) + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.key, typeName(e.typ), shown, cell(meaning(c.of(e.field), shown)))
	}
}

// meaning leaves out what the column of defaults says already.
func meaning(text, shown string) string {
	return strings.TrimSpace(strings.TrimSuffix(text, "Default "+strings.Trim(shown, "`")))
}

func defaultCell(e entry) string {
	v := e.value
	switch {
	case e.typ == secretType || isEmpty(v):
		return ""
	case e.typ.Kind() == reflect.Slice || e.typ.Kind() == reflect.Map:
		return "`" + flow(v) + "`"
	case e.typ.Kind() == reflect.Pointer:
		return "`" + scalarText(v.Elem()) + "`"
	default:
		return "`" + cell(scalarText(v)) + "`"
	}
}

// isEmpty tells whether a default is not worth showing; 0 and false are.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	default:
		return false
	}
}

func flow(v reflect.Value) string {
	var parts []string
	if v.Kind() == reflect.Map {
		for _, k := range sortedKeys(v) {
			parts = append(parts, scalarText(k)+": "+scalarText(v.MapIndex(k)))
		}
		return cell("{" + strings.Join(parts, ", ") + "}")
	}
	for i := range v.Len() {
		parts = append(parts, scalarText(v.Index(i)))
	}
	return cell("[" + strings.Join(parts, ", ") + "]")
}

// cell makes a text fit for a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// anchor is the fragment that a heading gets when rendered.
func anchor(heading string) string {
	keep := func(r rune) rune {
		if r == '.' || r == '[' || r == ']' || r == '*' {
			return -1
		}
		return r
	}
	return strings.Map(keep, strings.ToLower(heading))
}
