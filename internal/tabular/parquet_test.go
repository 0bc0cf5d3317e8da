package tabular

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

const parquetRows = 10000

// writeParquet makes a file of small pages in two row groups, so that batches
// cross pages and columns cross groups; every seventh text is absent.
func writeParquet(t *testing.T, codec compress.Compression, dictionary bool) []byte {
	t.Helper()
	when, err := schema.NewPrimitiveNodeLogical("at", parquet.Repetitions.Required, schema.NewTimestampLogicalType(true, schema.TimeUnitMillis), parquet.Types.Int64, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := schema.NewPrimitiveNodeLogical("s", parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		schema.NewFloat64Node("x", parquet.Repetitions.Required, -1), schema.NewBooleanNode("b", parquet.Repetitions.Required, -1), when, text,
	}, -1)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := file.NewParquetWriter(&buf, root, file.WithWriterProps(parquet.NewWriterProperties(
		parquet.WithDataPageSize(1024), parquet.WithDictionaryDefault(dictionary), parquet.WithCompression(codec))))
	for g := range 2 {
		group := w.AppendRowGroup()
		column := func() file.ColumnChunkWriter {
			c, err := group.NextColumn()
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		var xs []float64
		var bs []bool
		var ats []int64
		var ss []parquet.ByteArray
		var levels []int16
		for i := g * parquetRows / 2; i < (g+1)*parquetRows/2; i++ {
			xs, bs, ats = append(xs, float64(i)), append(bs, i%2 == 1), append(ats, int64(i)*1000)
			if i%7 == 0 {
				levels = append(levels, 0)
			} else {
				levels, ss = append(levels, 1), append(ss, parquet.ByteArray(fmt.Sprint("text ", i)))
			}
		}
		must := func(_ int64, err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(column().(*file.Float64ColumnChunkWriter).WriteBatch(xs, nil, nil))
		must(column().(*file.BooleanColumnChunkWriter).WriteBatch(bs, nil, nil))
		must(column().(*file.Int64ColumnChunkWriter).WriteBatch(ats, nil, nil))
		must(column().(*file.ByteArrayColumnChunkWriter).WriteBatch(ss, levels, nil))
		if err := group.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestParquetAcrossPagesAndGroups(t *testing.T) {
	for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd} {
		for _, dictionary := range []bool{false, true} {
			tab, err := ReadParquet(bytes.NewReader(writeParquet(t, codec, dictionary)), "x.parquet", Options{Timestamp: "at"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range parquetRows {
				want := fmt.Sprint("text ", i)
				if i%7 == 0 {
					want = ""
				}
				if tab.Column("s").Strings[i] != want || tab.Column("x").Numbers[i] != float64(i) || tab.Column("b").Numbers[i] != float64(i%2) || !tab.Column("at").Times[i].Equal(time.Unix(int64(i), 0)) {
					t.Fatalf("%v, dictionary %v, row %d: %q, want %q", codec, dictionary, i, tab.Column("s").Strings[i], want)
				}
			}
		}
	}
}

func TestParquetTimestampOfNumbersAndCategories(t *testing.T) {
	data := writeParquet(t, compress.Codecs.Snappy, true)
	tab, err := ReadParquet(bytes.NewReader(data), "x.parquet", Options{Timestamp: "x", Categorical: []string{"b"}, Skip: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	if tab.Column("x").Kind != Time || tab.Column("b").Kind != Categorical || tab.Column("b").Strings[1] != "1" || tab.Column("s") != nil {
		t.Errorf("%v", tab.Names())
	}
	if _, err := ReadParquet(bytes.NewReader(data), "x.parquet", Options{Timestamp: "nope"}); err == nil || !strings.Contains(err.Error(), `no column "nope"`) {
		t.Errorf("%v", err)
	}
}

// A damaged file is an error, whatever byte is wrong, never a panic.
func TestDamagedParquet(t *testing.T) {
	good := writeParquet(t, compress.Codecs.Snappy, true)
	for _, n := range []int{0, 3, 4, 8, 100, len(good) / 2, len(good) - 1} {
		if _, err := ReadParquet(bytes.NewReader(good[:n]), "cut.parquet", Options{}); err == nil || !strings.Contains(err.Error(), "cut.parquet") {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for i := 0; i < len(good); i += len(good)/200 + 1 {
		bad := bytes.Clone(good)
		bad[i] ^= 0xff
		if tab, err := ReadParquet(bytes.NewReader(bad), "bad.parquet", Options{}); err == nil && tab.Rows != parquetRows {
			t.Errorf("byte %d: %d rows and no error", i, tab.Rows)
		}
	}
}

func TestDecimals(t *testing.T) {
	if got := bigDecimal([]byte{0xff, 0x38}, 2); math.Abs(got+2) > 1e-12 {
		t.Errorf("%v, want -2", got)
	}
}
