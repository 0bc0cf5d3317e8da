package sqltext

import (
	"strings"
	"testing"
)

func TestParseInsert(t *testing.T) {
	for sql, want := range map[string]string{ // head|target|columns, or - for what brings its rows along
		"INSERT INTO t VALUES":                                                  "INSERT INTO t|t|",
		"insert into db.`t 1` (a, `b c`, n.x) FORMAT Native":                    "insert into db.`t 1` (a, `b c`, n.x)|db.`t 1`|a;b c;n.x",
		"/* c */ INSERT INTO \"t\" (\"a\") -- x\n VALUES ;":                     "/* c */ INSERT INTO \"t\" (\"a\")|\"t\"|a",
		"INSERT INTO TABLE t (a) SETTINGS x = 1, y = 'VALUES' FORMAT RowBinary": "INSERT INTO TABLE t (a) SETTINGS x = 1, y = 'VALUES'|t|a",
		"INSERT INTO FUNCTION file('x.csv', CSV, 'a Int8') VALUES":              "INSERT INTO FUNCTION file('x.csv', CSV, 'a Int8')|file('x.csv', CSV, 'a Int8')|",
		"INSERT INTO t":                         "INSERT INTO t|t|",
		"INSERT INTO table VALUES":              "INSERT INTO table VALUES|VALUES|",
		"INSERT INTO t (* EXCEPT(b)) VALUES":    "INSERT INTO t (* EXCEPT(b))|t|",
		"INSERT INTO t VALUES (1)":              "-",
		"INSERT INTO t FORMAT CSV 1,2":          "-",
		"INSERT INTO t (a) SELECT 1":            "-",
		"INSERT INTO t WITH 1 AS x SELECT x":    "-",
		"INSERT INTO t (SELECT 1)":              "-",
		"INSERT INTO t FROM INFILE 'x'":         "-",
		"SELECT 'INSERT INTO t VALUES'":         "-",
		"INSERT":                                "-",
		"":                                      "-",
		"INSERT INTO t (a) SETTINGS a=1 SELECT": "-",
	} {
		got := "-"
		if ins, ok := ParseInsert(sql); ok {
			got = ins.Head + "|" + ins.Target + "|" + strings.Join(ins.Columns, ";")
			if ins.Function != strings.Contains(sql, "FUNCTION") {
				t.Errorf("%s: function %v", sql, ins.Function)
			}
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

func TestTrim(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1;":                           "SELECT 1",
		"SELECT 1 FORMAT JSON ; ":             "SELECT 1 ",
		"SELECT 'x FORMAT JSON'":              "SELECT 'x FORMAT JSON'",
		"SELECT (SELECT 1 FORMAT x)":          "SELECT (SELECT 1 FORMAT x)",
		"SELECT 1 -- tail ; FORMAT x\n":       "SELECT 1",
		"SELECT format FROM t":                "SELECT format FROM t",
		"SELECT 1 SETTINGS a=1 FORMAT Native": "SELECT 1 SETTINGS a=1 ",
		"SELECT $a$ ; FORMAT x $a$":           "SELECT $a$ ; FORMAT x $a$",
		"INSERT INTO t FORMAT CSV a--b;":      "INSERT INTO t FORMAT CSV a--b;",
	} {
		if got := Trim(sql); got != want {
			t.Errorf("%s\n got %q\nwant %q", sql, got, want)
		}
	}
}

func TestRouting(t *testing.T) {
	for sql, want := range map[string]struct{ word, route string }{
		"select 1":                       {"SELECT", "select"},
		"/* x */ -- y\n WITH 1 AS a":     {"WITH", "select"},
		"(SELECT 1)":                     {"(", "select"},
		"FROM t SELECT a":                {"FROM", "select"},
		"SHOW TABLES":                    {"SHOW", "result"},
		"explain SELECT 1":               {"EXPLAIN", "result"},
		"USE x":                          {"USE", ""},
		"SET a = 1":                      {"SET", ""},
		"INSERT INTO t VALUES (1)":       {"INSERT", ""},
		"INSERT INTO t VALUES (1); DROP": {"INSERT", "changes"},
		"ALTER TABLE t ADD COLUMN a Int": {"ALTER", "changes"},
		"optimize table t":               {"OPTIMIZE", "changes"},
		"":                               {"", "changes"},
	} {
		route := ""
		switch {
		case IsSelect(sql):
			route = "select"
		case HasResult(sql):
			route = "result"
		case MayChangeTables(sql):
			route = "changes"
		}
		if w := Word(sql); w != want.word || route != want.route {
			t.Errorf("%s: %q %q, want %v", sql, w, route, want)
		}
	}
}

func TestMultiple(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT 1": false, "SELECT 1;": false, "SELECT 1; ; -- end": false, "SELECT ';'": false, "SELECT $x$;a$x$ b": false,
		"SELECT `a;b`, \"c;d\"": false, "DROP TABLE a; DROP TABLE b": true, "/* ; */ SELECT 1 /* ; x */": false, "A;B": true, "SELECT '\\'; x'": false,
	} {
		if got := Multiple(sql); got != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
}

func TestQuoting(t *testing.T) {
	if got := Quote(`it's a \ `); got != `'it\'s a \\ '` {
		t.Error(got)
	}
	if got := QuoteName("a`b\\"); got != "`a\\`b\\\\`" {
		t.Error(got)
	}
	for dumped, want := range map[string]string{`'a\nb'`: "a\nb", `'it\'s'`: "it's", `'\\t'`: `\t`, `42`: "42", `'`: "'", `''`: "", `'\'`: `\`} {
		if got := Undump(dumped); got != want {
			t.Errorf("%s: %q, want %q", dumped, got, want)
		}
	}
	for name, want := range map[string]bool{"max_threads": true, "": false, "a b": false, "a'": false, "ü": false, "A1": true} {
		if PlainName(name) != want {
			t.Errorf("%q", name)
		}
	}
}

// No text may break the routing, and what it cuts out must come from the text.
func FuzzStatement(f *testing.F) {
	for _, s := range []string{
		"INSERT INTO t (a, `b`) SETTINGS x='y' VALUES (1)", "INSERT INTO FUNCTION f(1) (* EXCEPT(a)) FORMAT Native",
		"SELECT $a$ x $a$ /* */ -- \n ; FORMAT JSON", "(((", "'\\", "$", "/*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ins, ok := ParseInsert(s); ok && !strings.HasPrefix(s, ins.Head) || !strings.Contains(s, ins.Target) || !strings.Contains(s, ins.List) {
			t.Fatalf("%+v", ins)
		}
		if !strings.HasPrefix(s, Trim(s)) {
			t.Fatalf("%q", Trim(s))
		}
		Word(s)
		Multiple(s)
		MayChangeTables(s)
		HasResult(s)
		if u := Undump(Quote(s)); u != s {
			t.Fatalf("%q came back as %q", s, u)
		}
		if u := unquoteName(QuoteName(s)); u != s {
			t.Fatalf("name %q came back as %q", s, u)
		}
		if q := Quote(s); next(q, 0).to != len(q) {
			t.Fatalf("%q does not end where its quote does", q)
		}
	})
}
