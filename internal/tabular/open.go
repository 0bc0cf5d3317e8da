package tabular

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Open reads a file: Parquet when its name ends in .parquet or .pq or it
// begins with Parquet's magic bytes, else CSV, gzipped when its name ends in
// .gz or it begins like a gzip stream.
func Open(path string, opts Options) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	head = head[:n]
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if string(head) == "PAR1" || strings.HasSuffix(path, ".parquet") || strings.HasSuffix(path, ".pq") {
		return ReadParquet(f, path, opts)
	}
	var r io.Reader = bufio.NewReaderSize(f, 1<<16)
	if strings.HasPrefix(string(head), "\x1f\x8b") {
		gz, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		defer gz.Close()
		r = gz
	}
	return ReadCSV(r, path, opts)
}

// finish checks what both readers must hold: the named columns exist.
func (t *Table) finish(opts Options, seen []string) (*Table, error) {
	for _, name := range slices.Concat([]string{opts.Timestamp}, opts.Categorical, opts.Skip) {
		if name != "" && !slices.Contains(seen, name) {
			return nil, fmt.Errorf("%s: no column %q; columns: %s", t.Name, name, strings.Join(seen, ", "))
		}
	}
	return t, nil
}
