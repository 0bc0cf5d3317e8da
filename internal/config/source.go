package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

// Source is the Go source of a file that declares configuration structs. Each
// package that owns such structs embeds the file, so that the comments on its
// fields are the manual of the running program too.
type Source struct {
	PkgPath string // import path
	Go      string // content of the file

	// Choices by "Type.Field": the only texts that the field may hold, or the
	// elements of its list, or the keys of its map. The schema lists them.
	Choices map[string][]Choices
}

// Choices are a named set of texts that a field may hold.
type Choices struct {
	Name string // of the set in the schema
	Of   []Choice
}

// Choice is one text and what it means.
type Choice struct{ Value, Help string }

// comments maps import path, type and field to what is written beside them.
type comments map[string]string

func readComments(sources []Source) (comments, error) {
	all := comments{}
	for _, s := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), "", s.Go, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse configuration source of %s: %w", s.PkgPath, err)
		}
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				all.declaration(s.PkgPath, g)
			}
		}
	}
	return all, nil
}

func (c comments) declaration(pkg string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		name := pkg + "." + t.Name.Name
		c[name] = prose(doc)
		if s, ok := t.Type.(*ast.StructType); ok {
			c.fields(name, s)
		}
	}
}

func (c comments) fields(typeName string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		text := strings.TrimSpace(prose(f.Doc) + " " + prose(f.Comment))
		for _, name := range f.Names {
			c[typeName+"."+name.Name] = text
		}
		if len(f.Names) == 0 { // embedded under a key of its own
			c[typeName+"."+embeddedName(f.Type)] = text
		}
	}
}

func embeddedName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return embeddedName(e.X)
	default:
		return ""
	}
}

// prose is a comment as one line of text.
func prose(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }

// of is the comment of a field; where there is none, of its type.
func (c comments) of(f field) string {
	if text := c[typeKey(f.owner)+"."+f.name]; text != "" {
		return text
	}
	return c.ofType(f.typ)
}

// ofType is the comment of a type, without the "Name is" of Go comments.
func (c comments) ofType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	text := c[typeKey(t)]
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(text, t.Name()+verb); ok && rest != "" {
			return strings.ToUpper(rest[:1]) + rest[1:]
		}
	}
	return text
}

func typeKey(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

// Undocumented lists the keys of a configuration that have no comment.
func Undocumented(cfg any, sources ...Source) ([]string, error) {
	c, err := readComments(sources)
	if err != nil {
		return nil, err
	}
	var missing []string
	visitKeys(reflect.Indirect(reflect.ValueOf(cfg)), func(e entry) {
		if c.of(e.field) == "" {
			missing = append(missing, e.path)
		}
	})
	return missing, nil
}
