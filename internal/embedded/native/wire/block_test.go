package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// sampleBlock is ch-go's encoding of a block; revision 0 is the engine's form.
func sampleBlock(t testing.TB, rev, rows int) []byte {
	t.Helper()
	s, lc := new(proto.ColStr), proto.NewLowCardinality(new(proto.ColStr))
	arr := proto.NewArray[string](proto.NewLowCardinality(new(proto.ColStr)))
	n := proto.NewColNullable[int64](new(proto.ColInt64))
	m := proto.NewMap[string, float64](proto.NewLowCardinality(new(proto.ColStr)), new(proto.ColFloat64))
	for i := range rows {
		s.Append(strings.Repeat("x", i*37%700))
		lc.Append(string(rune('a' + i%20)))
		arr.Append([]string{"p", "q", "r"}[:i%4%3])
		n.Append(proto.NewNullable(int64(i)))
		m.Append(map[string]float64{"k": float64(i)})
	}
	in := proto.Input{{Name: "s", Data: s}, {Name: "lc", Data: lc}, {Name: "arr", Data: arr}, {Name: "n", Data: n}, {Name: "m", Data: m}}
	var b proto.Buffer
	blk := proto.Block{Columns: len(in), Rows: rows, Info: proto.BlockInfo{BucketNum: -1}}
	err := blk.EncodeRawBlock(&b, 0, in)
	if rev > 0 {
		b.Reset()
		err = blk.EncodeBlock(&b, rev, in)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Buf
}

// Both directions are byte-exact for every revision and read-buffer size, and
// leave what follows alone.
func TestRoundTrip(t *testing.T) {
	for _, rev := range []int{54412, 54453, 54454, 54460} {
		for _, rows := range []int{0, 1, 5, 1000} {
			raw, wired := sampleBlock(t, 0, rows), sampleBlock(t, rev, rows)
			for _, size := range []int{16, 100, 128 << 10} {
				r := bufio.NewReaderSize(bytes.NewReader(append(bytes.Clone(wired), "tail"...)), size)
				got, cols, n, err := ReadBlock(r, rev, nil)
				if err != nil || cols != 5 || n != rows || !bytes.Equal(got, raw) {
					t.Fatal(rev, rows, size, cols, n, err)
				}
				if rest, _ := r.Peek(4); string(rest) != "tail" {
					t.Fatalf("read past the block: %q", rest)
				}
			}
			var b proto.Buffer
			rest, _, n, err := Translate(&b, append(bytes.Clone(raw), "tail"...), rev, nil)
			if err != nil || n != rows || !bytes.Equal(b.Buf, wired) || string(rest) != "tail" {
				t.Fatal(rev, rows, n, err)
			}
		}
	}
}

// A block that stops anywhere is an error, never a short column.
func TestTruncated(t *testing.T) {
	whole := sampleBlock(t, 54460, 3)
	for n := range whole {
		if _, _, _, err := ReadBlock(bufio.NewReader(bytes.NewReader(whole[:n])), 54460, nil); err == nil {
			t.Fatal("accepted the first ", n, " bytes of ", len(whole))
		}
	}
	raw := sampleBlock(t, 0, 3)
	for n := range raw {
		if _, _, _, err := Translate(new(proto.Buffer), raw[:n], 54460, nil); err == nil {
			t.Fatal("translated the first ", n, " bytes of ", len(raw))
		}
	}
}

// oneColumn is a client block of revision 54460 up to the column's data.
func oneColumn(typ string, rows uint64) []byte {
	b := []byte{0, 1} // no block info; one column
	b = binary.AppendUvarint(b, rows)
	b = append(b, 1, 'c')
	b = binary.AppendUvarint(b, uint64(len(typ)))
	return append(append(b, typ...), 0)
}

// What a client announces must not cost memory before it arrives.
func TestAnnouncedSizesAllocateNothing(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<40)
	for name, in := range map[string][]byte{
		"rows":           oneColumn("UInt64", 1<<29),
		"rows over":      oneColumn("UInt64", 1<<50),
		"string":         append(oneColumn("String", 1), huge...),
		"fixed string":   oneColumn("FixedString(1000000000)", 1),
		"array":          append(oneColumn("Array(UInt64)", 1), 0, 0, 0, 1, 0, 0, 0, 0),
		"type name":      append([]byte{0, 1, 1, 1, 'c'}, huge...),
		"columns":        append([]byte{0}, huge...),
		"nested too far": oneColumn(strings.Repeat("Array(", 100)+"Int8"+strings.Repeat(")", 100), 1),
	} {
		t.Run(name, func(t *testing.T) {
			out, _, _, err := ReadBlock(bufio.NewReader(bytes.NewReader(in)), 54460, nil)
			if err == nil || cap(out) > 2*readStep {
				t.Errorf("err %v, %d bytes", err, cap(out))
			}
		})
	}
}

func TestTypes(t *testing.T) {
	for typ, want := range map[string]int{ // bytes of two rows of zeros; -1: unsupported
		"UInt8": 2, "Nullable(Decimal(18, 4))": 18, "Decimal(76, 1)": 64, "Decimal(38, 0)": 32, "Decimal(9, 2)": 8,
		"Enum8('a, (' = 1, 'it\\'s' = 2)": 2, "DateTime('Asia/Tokyo')": 8, "DateTime64(3, 'UTC')": 16,
		"Tuple(a UInt8, `b c` Array(String))": 18, "Tuple()": 2, "FixedString(7)": 14, "IntervalDay": 16,
		"Point": 32, "MultiPolygon": 16, "Nested(a UInt8, b String)": 16, "SimpleAggregateFunction(sum, UInt64)": 16,
		"Map(String, Array(UInt8))": 16, "BFloat16": 4, "Nothing": 2, "Array(Array(Int8))": 16,
		"JSON": -1, "Dynamic": -1, "Variant(String, UInt8)": -1, "AggregateFunction(sum, UInt64)": -1, "FixedString(0)": -1, "": -1, "Array": -1, "Array(JSON)": -1,
	} {
		block := append(oneColumn(typ, 2), make([]byte, max(want, 0))...)
		out, _, _, err := ReadBlock(bufio.NewReader(bytes.NewReader(block)), 54460, nil)
		switch {
		case want < 0:
			if _, ok := errors.AsType[*UnsupportedTypeError](err); !ok {
				t.Errorf("%s: %v", typ, err)
			}
		case err != nil || len(out) != len(block)-2: // without block info and custom byte
			t.Errorf("%s: %d bytes of %d: %v", typ, len(out), len(block), err)
		}
	}
}

func TestZoneOfDateTime(t *testing.T) {
	raw := append([]byte{2, 1, 1, 'a', 8}, "DateTime\x01\x00\x00\x00"...)
	raw = append(append(raw, 1, 'b', 5), "UInt8\x07"...)
	if !LosesZone(raw) || LosesZone(sampleBlock(t, 0, 1)) || LosesZone(raw[:4]) {
		t.Fatal("LosesZone")
	}
	var b proto.Buffer
	header := []Column{{"a", "DateTime('Asia/Tokyo')"}, {"b", "UInt8"}}
	if _, _, _, err := Translate(&b, raw, 0, header); err != nil {
		t.Fatal(err)
	}
	want := append([]byte{2, 1, 1, 'a', 22}, "DateTime('Asia/Tokyo')\x01\x00\x00\x00\x01b\x05UInt8\x07"...)
	if !bytes.Equal(b.Buf, want) {
		t.Fatalf("%q\n%q", b.Buf, want)
	}
}

func TestHeaders(t *testing.T) {
	want := []Column{{"a", "UInt8"}, {"b c", "Array(String)"}}
	names := []byte("\x02\x01a\x03b c\x05UInt8\x0dArray(String)")
	got, err := ReadHeader(names)
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Fatal(got, err)
	}
	for n := range names {
		if _, err := ReadHeader(names[:n]); err == nil {
			t.Fatal("accepted the first ", n, " bytes")
		}
	}
	var b proto.Buffer
	Header(&b, want, 54460)
	if _, cols, rows, err := ReadBlock(bufio.NewReader(bytes.NewReader(b.Buf)), 54460, nil); cols != 2 || rows != 0 || err != nil {
		t.Fatal(cols, rows, err)
	}
}

func FuzzReadBlock(f *testing.F) {
	f.Add(sampleBlock(f, 54460, 3))
	f.Add(oneColumn("LowCardinality(Nullable(String))", 1))
	f.Add(oneColumn("Tuple(a Array(Map(String, Point)), b Decimal(9))", 2))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, cols, rows, err := ReadBlock(bufio.NewReader(bytes.NewReader(in)), 54460, nil)
		if err != nil {
			return
		}
		var b proto.Buffer
		rest, c, r, err := Translate(&b, out, 54460, nil)
		if err != nil || c != cols || r != rows || len(rest) > 0 {
			t.Fatal("accepted what it cannot send back: ", err)
		}
		again, _, _, err := ReadBlock(bufio.NewReader(bytes.NewReader(b.Buf)), 54460, nil)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatal("sent what it cannot read back: ", err)
		}
	})
}

func FuzzTranslate(f *testing.F) {
	f.Add(sampleBlock(f, 0, 3))
	f.Fuzz(func(_ *testing.T, in []byte) {
		_, _, _, _ = Translate(new(proto.Buffer), in, 54460, []Column{{"s", "DateTime('UTC')"}})
		_ = LosesZone(in)
		_, _ = ReadHeader(in)
	})
}

func BenchmarkReadBlock(b *testing.B) {
	in := sampleBlock(b, 54460, 50000)
	b.SetBytes(int64(len(in)))
	r, br, buf := bytes.NewReader(in), bufio.NewReaderSize(nil, 128<<10), []byte(nil)
	for b.Loop() {
		r.Reset(in)
		br.Reset(r)
		var err error
		if buf, _, _, err = ReadBlock(br, 54460, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTranslate(b *testing.B) {
	in := sampleBlock(b, 0, 50000)
	b.SetBytes(int64(len(in)))
	var out proto.Buffer
	for b.Loop() {
		out.Reset()
		if _, _, _, err := Translate(&out, in, 54460, nil); err != nil {
			b.Fatal(err)
		}
	}
}
