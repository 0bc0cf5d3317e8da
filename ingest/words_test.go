package ingest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// readWords decodes what a column encodes with ch-go's own LowCardinality.
func readWords(t *testing.T, w *words) (out []string) {
	t.Helper()
	var b proto.Buffer
	w.EncodeState(&b)
	w.EncodeColumn(&b)
	col, r := proto.NewLowCardinality(new(proto.ColStr)), b.Reader()
	if err := col.DecodeState(r); err != nil {
		t.Fatal(err)
	}
	if err := col.DecodeColumn(r, w.Rows()); err != nil {
		t.Fatal(err)
	}
	for i := range col.Rows() {
		out = append(out, col.Row(i))
	}
	return out
}

// ch-go reads what words writes, with keys of one, two and four bytes, batch
// after batch in the same column.
func TestWordsAreLowCardinality(t *testing.T) {
	rng, w := rand.New(rand.NewPCG(1, 1)), new(words)
	for _, distinct := range []int{1, 3, 256, 257, 5000, 65_536, 65_537, 2} {
		var want []string
		for i := range distinct { // every value once, then runs
			want = append(want, fmt.Sprint("w", i))
		}
		for range 1000 {
			want = append(want, slices.Repeat([]string{[]string{"", fmt.Sprint("w", rng.IntN(distinct))}[rng.IntN(2)]}, 1+rng.IntN(5))...)
		}
		w.Reset()
		for _, s := range want {
			w.append([]byte(s))
		}
		if got := readWords(t, w); !slices.Equal(got, want) {
			t.Fatalf("%d distinct values: %d rows differ", distinct, len(want))
		}
	}
}

// The dictionary is the batch's: it never grows beyond the distinct values of
// one, however many batches pass.
func TestWordsForgetWithTheBatch(t *testing.T) {
	w := new(words)
	for batch := range 100 {
		for i := range 1000 {
			w.append(fmt.Appendf(nil, "batch %d value %d", batch, i%50))
		}
		if len(w.ids) != 50 || w.dict.Rows() != 50 || w.Rows() != 1000 {
			t.Fatalf("batch %d: %d ids, %d words, %d rows", batch, len(w.ids), w.dict.Rows(), w.Rows())
		}
		w.Reset()
	}
	if len(w.ids)+w.dict.Rows()+w.Rows() != 0 || cap(w.dict.Buf) > 1<<16 {
		t.Errorf("%d ids, %d words, %d rows, %d bytes are kept", len(w.ids), w.dict.Rows(), w.Rows(), cap(w.dict.Buf))
	}
}

func TestWordArraysKeepTheirRows(t *testing.T) {
	rng, a := rand.New(rand.NewPCG(2, 2)), new(wordArrays)
	for range 3 {
		a.Reset()
		var want [][]string
		for range 200 {
			row := make([][]byte, rng.IntN(5))
			texts := make([]string, len(row))
			for i := range row {
				texts[i] = fmt.Sprint(rng.IntN(9))
				row[i] = []byte(texts[i])
			}
			want = append(want, texts)
			a.append(row)
		}
		var b proto.Buffer
		a.EncodeState(&b)
		a.EncodeColumn(&b)
		col, r := proto.NewArray(proto.NewLowCardinality(new(proto.ColStr))), b.Reader()
		if err := col.DecodeState(r); err != nil {
			t.Fatal(err)
		}
		if err := col.DecodeColumn(r, a.Rows()); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !slices.Equal(col.Row(i), want[i]) {
				t.Fatalf("row %d: got %q, want %q", i, col.Row(i), want[i])
			}
		}
	}
}
