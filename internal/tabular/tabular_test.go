package tabular

import (
	"compress/gzip"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/testkit"
)

func read(t *testing.T, text string, opts Options) *Table {
	t.Helper()
	tab, err := ReadCSV(strings.NewReader(text), "test.csv", opts)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestInference(t *testing.T) {
	tab := read(t, "\ufeffn,b,s,t,d,m,z\n1,true,x,2026-01-02T03:04:05Z,2026-01-02,,01\n-2.5e3,FALSE,,2026-01-02T03:04:05+01:00,,NaN,02\nnull,,y,,2026-01-03,None,n/a\n", Options{Categorical: []string{"z"}})
	for name, kind := range map[string]Kind{"n": Numeric, "b": Numeric, "s": Categorical, "t": Time, "d": Time, "m": Numeric, "z": Categorical} {
		if c := tab.Column(name); c == nil || c.Kind != kind {
			t.Errorf("%s: %+v, want %s", name, c, kind)
		}
	}
	if n := tab.Column("n").Numbers; n[0] != 1 || n[1] != -2500 || !math.IsNaN(n[2]) {
		t.Errorf("n: %v", n)
	}
	if b := tab.Column("b").Numbers; b[0] != 1 || b[1] != 0 || !math.IsNaN(b[2]) {
		t.Errorf("b: %v", b)
	}
	if z := tab.Column("z").Strings; !slices.Equal(z, []string{"01", "02", ""}) {
		t.Errorf("z: %q", z)
	}
	if at := tab.Column("t").Times; at[1].Hour() != 2 || !at[2].IsZero() {
		t.Errorf("t: %v", at)
	}
}

func TestTimestampColumn(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, text := range []string{"2026-01-02T03:04:05Z", "2026-01-02 03:04:05", "1767323045", "1767323045000", "2026-01-02T04:04:05+01:00"} {
		tab := read(t, "at\n"+text+"\n", Options{Timestamp: "at"})
		if got := tab.Column("at").Times[0]; !got.Equal(want) {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		text  string
		opts  Options
		parts []string
	}{
		{"", Options{}, []string{"test.csv", "empty"}},
		{"a,a\n", Options{}, []string{`column "a" occurs twice`}},
		{"a,\n", Options{}, []string{"column 2 has no name"}},
		{"a,b\n1,2\n3\n", Options{}, []string{"test.csv", "row 2", "wrong number of fields"}},
		{"a,at\n1,2026-01-02\n3,soon\n", Options{Timestamp: "at"}, []string{"test.csv", "row 2", `column "at"`, `"soon"`}},
		{"a\n1\n", Options{Timestamp: "at"}, []string{`no column "at"`, "columns: a"}},
	} {
		_, err := ReadCSV(strings.NewReader(c.text), "test.csv", c.opts)
		if err == nil {
			t.Errorf("%q: no error", c.text)
			continue
		}
		for _, part := range c.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: error %q lacks %q", c.text, err, part)
			}
		}
	}
}

func TestOpenByContent(t *testing.T) {
	dir := t.TempDir()
	plain, zipped := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.csv.gz")
	if err := os.WriteFile(plain, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(zipped)
	if err != nil {
		t.Fatal(err)
	}
	gz := gzip.NewWriter(f)
	_, err = gz.Write([]byte("a\n1\n"))
	if err := errors.Join(err, gz.Close()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, path := range []string{plain, zipped} {
		if tab, err := Open(path, Options{}); err != nil || tab.Rows != 1 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "none.csv"), Options{}); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func TestSliceAndSelect(t *testing.T) {
	tab := read(t, ",n,s\n0,1,a\n1,2,b\n2,3,c\n", Options{})
	if got := tab.Names(); !slices.Equal(got, []string{"n", "s"}) {
		t.Errorf("the index column stays: %v", got)
	}
	if s := tab.Slice(1, 3); s.Rows != 2 || !slices.Equal(s.Column("n").Numbers, []float64{2, 3}) {
		t.Errorf("%+v", s)
	}
	if s := tab.Select([]int{2, 0}); !slices.Equal(s.Column("s").Strings, []string{"c", "a"}) || !slices.Equal(s.Column("n").Texts(), []string{"3", "1"}) {
		t.Errorf("%+v", s)
	}
}

func TestRealParquet(t *testing.T) {
	tab, err := Open(testkit.TestData(t, "misc", "adults.parquet"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]int{}
	for _, c := range tab.Columns {
		kinds[c.Kind]++
		if c.len() != tab.Rows {
			t.Errorf("%s has %d values for %d rows", c.Name, c.len(), tab.Rows)
		}
	}
	t.Logf("%d rows, columns %v", tab.Rows, tab.Names())
	age := tab.Column("age")
	if tab.Rows < 10000 || kinds[Numeric] < 5 || kinds[Categorical] < 5 || age == nil || slices.Min(age.Numbers) < 16 || slices.Max(age.Numbers) > 90 {
		t.Errorf("%d rows, kinds %v", tab.Rows, kinds)
	}
	if tab, err := Open(testkit.TestData(t, "misc", "lending_club_1000.csv.gz"), Options{}); err != nil || tab.Rows != 1000 || tab.Column("loan_amnt").Kind != Numeric || tab.Column("term").Kind != Categorical {
		t.Errorf("%v", err)
	}
}

// Whatever the bytes, the reader answers with an error or with columns that
// are as long as the table, never with a panic.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\n", "a\n", "", "a,b\n1\n", "\"a\n", "t\n2026-01-02\n1e9\n", "a\n\xff\n", "at\n1e300\nNaN\n", "a,b\n\"x\ny\",2\n"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, stamped bool) {
		var opts Options
		if name, _, ok := strings.Cut(text, ","); ok && stamped {
			opts.Timestamp = name
		}
		tab, err := ReadCSV(strings.NewReader(text), "fuzz", opts)
		if err != nil {
			return
		}
		for i := range tab.Columns {
			if c := &tab.Columns[i]; c.len() != tab.Rows || len(c.Texts()) != tab.Rows {
				t.Fatalf("column %q: %d values for %d rows", c.Name, c.len(), tab.Rows)
			}
		}
	})
}
