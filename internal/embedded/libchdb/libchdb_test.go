package libchdb_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/embedded/libchdb"
)

func engine(t *testing.T) *libchdb.Conn {
	t.Helper()
	embeddedtest.RequireLibrary(t)
	path, err := embedded.FindLibrary("")
	must(t, err)
	must(t, libchdb.Load(path))
	must(t, libchdb.Load(path)) // again does nothing
	c, err := libchdb.Open(t.TempDir())
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	c := engine(t)
	if v := libchdb.Version(); !strings.HasPrefix(embedded.LibraryVersion, v) {
		t.Errorf("the library is version %s, not %s", v, embedded.LibraryVersion)
	}
	if err := libchdb.Load(filepath.Join(t.TempDir(), "other.so")); err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Error(err)
	}
	if _, err := c.Exec("SELECT 1"); err != nil {
		t.Error("the loaded library suffered: ", err)
	}
}

func TestStatements(t *testing.T) {
	c := engine(t)
	out, err := c.Exec("SELECT {a:String}, {b:UInt8} + 1", libchdb.Param{Name: "a", Value: "it's"}, libchdb.Param{Name: "b", Value: "41"})
	must(t, err)
	if out != "it's\t42" {
		t.Fatalf("%q", out)
	}
	_, err = c.Exec("SELECT nope")
	var e *libchdb.Error
	if !errors.As(err, &e) || e.Code != 47 || !strings.HasPrefix(e.Message, "DB::Exception: Unknown") {
		t.Fatal(err)
	}
	if out, err := c.Exec(""); out != "" || err != nil {
		t.Fatalf("an empty statement gave %q, %v", out, err)
	}
}

func TestStream(t *testing.T) {
	c := engine(t)
	s, err := c.Stream("SELECT number FROM numbers(300000)", "RowBinary")
	must(t, err)
	defer s.Close()
	chunks, size := 0, 0
	for {
		r, err := s.Next()
		must(t, err)
		n := len(r.Bytes())
		r.Close()
		if n == 0 {
			break
		}
		chunks, size = chunks+1, size+n
	}
	if size != 8*300000 || chunks < 2 {
		t.Fatal(size, chunks)
	}
}

func TestStreamGivenUp(t *testing.T) {
	c := engine(t)
	s, err := c.Stream("SELECT number FROM numbers(1000000000000)", "RowBinary")
	must(t, err)
	r, err := s.Next()
	must(t, err)
	r.Close()
	s.Cancel()
	s.Close()
	if _, err := c.Exec("SELECT 1"); err != nil {
		t.Fatal("the session suffered: ", err)
	}
}

func TestInsert(t *testing.T) {
	c := engine(t)
	_, err := c.Exec("CREATE TABLE t (a UInt32, s String) ENGINE = MergeTree ORDER BY a")
	must(t, err)
	in, err := c.Insert("INSERT INTO t", "TSV")
	must(t, err)
	defer in.Close()
	for _, piece := range []string{"1\ton", "", "e\n2\ttwo\n"} { // cut anywhere
		must(t, in.Append([]byte(piece)))
	}
	st, err := in.Done()
	must(t, err)
	if st.WrittenRows != 2 {
		t.Errorf("%+v", st)
	}
	if out, err := c.Exec("SELECT groupArray(s) FROM (SELECT s FROM t ORDER BY a)"); out != "['one','two']" || err != nil {
		t.Error(out, err)
	}
	_, err = c.Insert("INSERT INTO nosuch", "TSV")
	var e *libchdb.Error
	if !errors.As(err, &e) || e.Code != 60 {
		t.Error(err)
	}
}

func TestAnotherDirectoryAfterTheLastSession(t *testing.T) {
	for range 2 {
		t.Run("engine", func(t *testing.T) {
			c := engine(t)
			if _, err := libchdb.Open(t.TempDir()); err == nil {
				t.Error("two directories at a time")
			}
			if out, err := c.Exec("EXISTS TABLE t"); out != "0" || err != nil {
				t.Error(out, err)
			}
			_, err := c.Exec("CREATE TABLE t (a Int8) ENGINE = Memory")
			must(t, err)
		})
	}
}
