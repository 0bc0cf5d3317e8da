package retrain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

func retraining() *schemas.Retraining {
	decided := noon.Add(8 * time.Hour)
	key := schemas.ModelKey{Tenant: "default", Model: "credit"}
	return &schemas.Retraining{
		Tenant: "default", Model: "credit", IncidentID: incidentID, Key: Key(key, incidentID), Versions: []string{"v1", "v2"}, Reference: "training@ab12cd34",
		WindowStart: noon, WindowEnd: noon.Add(7 * time.Hour), DecidedAt: &decided,
	}
}

func parquetOf(t *testing.T, rows []schemas.LabelledEvent) ([]byte, Manifest) {
	t.Helper()
	store, out := newMemory(), &bytes.Buffer{}
	store.labelled = rows
	m, err := writeParquet(t.Context(), out, store, retraining(), math.MaxUint64)
	check(t, err)
	return out.Bytes(), m
}

// What is read back is what was written, over versions with different features.
func TestParquetReadsBackTheSame(t *testing.T) {
	rows := labelled(1000)
	text, m := parquetOf(t, rows)
	table, err := tabular.ReadParquet(bytes.NewReader(text), "feedback.parquet", tabular.Options{Timestamp: "_timestamp"})
	check(t, err)
	equal(t, "rows", table.Rows, len(rows))
	columns := map[string]tabular.Column{}
	var names []string
	for _, c := range table.Columns {
		columns[c.Name] = c
		names = append(names, c.Name)
	}
	want := "_timestamp _request_id _version _segment _label _label_value _label_timestamp _score _latency_ms numeric:_label age income _prediction categorical:age country"
	equal(t, "columns", strings.Join(names, " "), want)
	same := func(name string, got, want float64) {
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%s is %v, want %v", name, got, want)
		}
	}
	for i, r := range rows {
		equal(t, "id", columns["_request_id"].Strings[i], r.RequestID)
		equal(t, "version", columns["_version"].Strings[i], r.Version)
		equal(t, "label", columns["_label"].Strings[i], r.Label)
		equal(t, "time", columns["_timestamp"].Times[i], r.Time)
		value, income, age, odd, country := math.NaN(), float64(r.Numeric[2]), float64(r.Numeric[3]), math.NaN(), r.Categorical[1]
		if r.Version == "v2" {
			value, age, income, odd, country = *r.Value, float64(r.Numeric[2]), float64(r.Numeric[3]), 7, ""
		}
		same("value", columns["_label_value"].Numbers[i], value)
		same("income", columns["income"].Numbers[i], income)
		same("age", columns["age"].Numbers[i], age)
		same("the feature named as one of ours", columns["numeric:_label"].Numbers[i], odd)
		same("score", columns["_score"].Numbers[i], float64(r.Numeric[0]))
		same("latency", columns["_latency_ms"].Numbers[i], float64(r.Numeric[1]))
		equal(t, "country", columns["country"].Strings[i], country)
	}
	for i, c := range m.Columns {
		equal(t, "column of the manifest", c.Name, names[i])
	}
}

func TestParquetIsDeterministic(t *testing.T) {
	first, m := parquetOf(t, labelled(2000))
	second, again := parquetOf(t, labelled(2000))
	if !bytes.Equal(first, second) || !reflect.DeepEqual(m, again) {
		t.Error("the same rows give other bytes")
	}
	sum := sha256.Sum256(first)
	equal(t, "sha256", m.SHA256, hex.EncodeToString(sum[:]))
	equal(t, "bytes", m.Bytes, int64(len(first)))
	other, _ := parquetOf(t, labelled(1999))
	if bytes.Equal(first, other) {
		t.Error("other rows give the same bytes")
	}
	back := versions()
	slices.Reverse(back)
	equal(t, "columns with the versions in another order", fmt.Sprint(names(columnsOf(back))), fmt.Sprint(names(columnsOf(versions()))))
}

func names(columns []*column) (out []string) {
	for _, c := range columns {
		out = append(out, c.Name)
	}
	return out
}

func TestParquetCarriesItsLineage(t *testing.T) {
	text, m := parquetOf(t, labelled(10))
	f, err := file.NewParquetReader(bytes.NewReader(text))
	check(t, err)
	kv := f.MetaData().KeyValueMetadata()
	for key, want := range map[string]string{
		"driftline.incident": incidentID, "driftline.tenant": "default", "driftline.model": "credit", "driftline.versions": `["v1","v2"]`, "driftline.reference": "training@ab12cd34",
		"driftline.window_start": "2026-03-01T12:00:00Z", "driftline.window_end": "2026-03-01T19:00:00Z", "driftline.schema_sha256": m.SchemaSHA256, "driftline.key": retraining().Key,
	} {
		if got := kv.FindValue(key); got == nil || *got != want {
			t.Errorf("%s is %v, want %s", key, got, want)
		}
	}
}

// Groups of rows bound the memory; a file of several reads back whole.
func TestParquetOfSeveralGroups(t *testing.T) {
	out := &bytes.Buffer{}
	p, err := newParquetWriter(out, columnsOf(versions()), nil)
	check(t, err)
	p.group = 64
	rows := labelled(1000)
	for i := range rows {
		check(t, p.write(&rows[i]))
	}
	check(t, p.close())
	table, err := tabular.ReadParquet(bytes.NewReader(out.Bytes()), "x", tabular.Options{})
	check(t, err)
	equal(t, "rows", table.Rows, 1000)
	equal(t, "last id", table.Columns[1].Strings[999], "r00999")
}

// depots are both kinds of store, with what lies in them.
func depots(t *testing.T) map[string]depot {
	backend := s3mem.New()
	check(t, backend.CreateBucket("feedback"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	s3, err := newBucket(S3{Endpoint: server.URL, Region: "eu-central-1", Bucket: "feedback", Prefix: "/driftline/", AccessKey: "key", SecretKey: "secret-secret", AllowPrivate: true, Timeout: time.Minute}, "dev")
	check(t, err)
	return map[string]depot{"folder": folder{t.TempDir()}, "s3": s3}
}

// A data set is written once: who comes second, with other rows, gets what is
// there and changes nothing.
func TestExportHappensOnce(t *testing.T) {
	for name, d := range depots(t) {
		store := newMemory()
		store.labelled = labelled(300)
		first, uri, err := export(t.Context(), d, store, retraining(), 1_000_000)
		check(t, err)
		store.labelled = labelled(400) // late labels
		second, again, err := export(t.Context(), d, store, retraining(), 1_000_000)
		check(t, err)
		if !reflect.DeepEqual(first, second) || uri != again || first.Rows != 300 {
			t.Errorf("%s: first %+v at %s, then %+v at %s", name, first, uri, second, again)
		}
		folderName := "default/credit/" + retraining().Key + "/"
		text, err := d.get(t.Context(), folderName+first.File)
		check(t, err)
		sum := sha256.Sum256(text)
		equal(t, name+": sha256", hex.EncodeToString(sum[:]), first.SHA256)
		var m Manifest
		manifest, err := d.get(t.Context(), folderName+"manifest.json")
		check(t, err)
		check(t, json.Unmarshal(manifest, &m))
		if !reflect.DeepEqual(m, first) || !strings.HasSuffix(uri, folderName+"manifest.json") || !strings.HasSuffix(m.URI, m.File) {
			t.Errorf("%s: manifest %+v at %s", name, m, uri)
		}
	}
}

func TestDepotsNeverOverwrite(t *testing.T) {
	for name, d := range depots(t) {
		if _, err := d.get(t.Context(), "a/b"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: what is not there gives %v", name, err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []string
		for i := range 8 {
			wg.Go(func() {
				text := fmt.Sprint("writer ", i)
				err := d.put(t.Context(), "a/b", strings.NewReader(text), int64(len(text)), "text/plain")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, text)
				} else if !errors.Is(err, errExists) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		got, err := d.get(t.Context(), "a/b")
		check(t, err)
		if len(won) != 1 || won[0] != string(got) {
			t.Errorf("%s: %q won, %q is there", name, won, got)
		}
	}
}

// A crash after the file and before the manifest leaves a file that nothing
// names; the next try writes what is then true.
func TestExportAfterACrashBeforeTheManifest(t *testing.T) {
	store, d := newMemory(), folder{t.TempDir()}
	store.labelled = labelled(300)
	if _, _, err := export(t.Context(), &crashing{depot: d}, store, retraining(), 1_000_000); err == nil {
		t.Fatal("no error")
	}
	store.labelled = labelled(400)
	m, _, err := export(t.Context(), d, store, retraining(), 1_000_000)
	check(t, err)
	equal(t, "rows", m.Rows, 400)
	left, err := filepath.Glob(filepath.Join(d.path, "default", "credit", "*", ".writing-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v, temporary files %q are left", err, left)
	}
}

// crashing takes one file.
type crashing struct {
	depot
	puts int
}

func (c *crashing) put(ctx context.Context, name string, body io.ReadSeeker, size int64, contentType string) error {
	if c.puts++; c.puts > 1 {
		return errors.New("the process is gone")
	}
	return c.depot.put(ctx, name, body, size, contentType)
}

// Names come from records: none leads out of the folder, and none is another's.
func TestNamesStayInTheFolder(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"..", ".", "", "a/b", "a%2Fb", "../../etc/passwd", "a\x00b", "C:\\x", "crédit", ".hidden", "x..", "~", "%", strings.Repeat("é", 10)} {
		e := escape(name)
		if strings.ContainsAny(e, "/\\\x00") || strings.HasPrefix(e, ".") || e == "" {
			t.Errorf("%q becomes %q", name, e)
		}
		if other, taken := seen[e]; taken {
			t.Errorf("%q and %q become %q", name, other, e)
		}
		seen[e] = name
	}
	dir := t.TempDir()
	store, row := newMemory(), retraining()
	store.labelled = labelled(10)
	row.Tenant, row.Model = "../../..", "/etc"
	_, uri, err := export(t.Context(), folder{filepath.Join(dir, "in")}, store, row, 100)
	check(t, err)
	inside, err := os.ReadDir(dir)
	if err != nil || len(inside) != 1 || !strings.HasPrefix(uri, "file://"+filepath.ToSlash(dir)+"/in/") {
		t.Errorf("%v: %s, beside it %v", err, uri, inside)
	}
}

func TestExportIsBounded(t *testing.T) {
	store := newMemory()
	store.labelled = labelled(300)
	m, _, err := export(t.Context(), folder{t.TempDir()}, store, retraining(), 50)
	check(t, err)
	equal(t, "rows", m.Rows, 50)
	store.labelled = nil
	if _, _, err = export(t.Context(), folder{t.TempDir()}, store, retraining(), 50); !errors.Is(err, errNoRows) {
		t.Errorf("no rows give %v", err)
	}
}

func TestS3ErrorsHideSecrets(t *testing.T) {
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server()) // has no bucket
	defer server.Close()
	b, err := newBucket(S3{Endpoint: server.URL, Region: "eu-central-1", Bucket: "missing", AccessKey: "key", SecretKey: "secret-secret", AllowPrivate: true, Timeout: time.Minute}, "dev")
	check(t, err)
	err = b.put(t.Context(), "a", strings.NewReader("x"), 1, "text/plain")
	if err == nil || strings.Contains(err.Error(), "secret-secret") || !strings.Contains(err.Error(), "bucket missing") {
		t.Errorf("error %v", err)
	}
	private, err := newBucket(S3{Endpoint: server.URL, Region: "eu-central-1", Bucket: "missing", AccessKey: "key", SecretKey: "secret-secret", Timeout: time.Minute}, "dev")
	check(t, err)
	if err := private.put(t.Context(), "a", strings.NewReader("x"), 1, "text/plain"); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("a private address gives %v", err)
	}
}
