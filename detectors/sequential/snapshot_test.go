package sequential

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	_ encoding.BinaryMarshaler   = (*Detector)(nil)
	_ encoding.BinaryAppender    = (*Detector)(nil)
	_ encoding.BinaryUnmarshaler = (*Detector)(nil)
)

// snapshots of every method, fresh and in the middle of a stream.
func snapshots(t testing.TB) (out [][]byte) {
	for _, e := range All() {
		d := mustNew(t, e.Name, nil)
		for range 2 {
			b, err := d.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
			statuses(d, jump(e.Domain, 1, 777, 400))
		}
	}
	return out
}

func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), crc32.Checksum(b, castagnoli))
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	good, _ := mustNew(t, "ddm", nil).MarshalBinary()
	body := good[:len(good)-4]
	with := func(change func(b []byte) []byte) []byte { return seal(change(slices.Clone(body))) }
	for want, data := range map[string][]byte{
		"0 bytes are no snapshot":    nil,
		`begins with "PK\x03\x04"`:   []byte("PK\x03\x04aaaaaaaaaaaaaaaa"),
		"snapshot of version 9":      with(func(b []byte) []byte { b[4] = 9; return b }),
		"checksum":                   slices.Concat(body, []byte{1, 2, 3, 4}),
		`did you mean "ddm"?`:        with(func(b []byte) []byte { b[6] = 'e'; return b }),
		`has no parameter "`:         with(func(b []byte) []byte { b[11] = 'x'; return b }),
		"ends early":                 with(func(b []byte) []byte { return b[:len(b)-1] }),
		"2 bytes too many":           with(func(b []byte) []byte { return append(b, 0, 0) }),
		"ddm: bad snapshot: NaN for": with(func(b []byte) []byte { binary.LittleEndian.PutUint64(b[len(b)-8:], 0x7ff8000000000001); return b }),
		"a count of":                 with(func(b []byte) []byte { b[len(b)-25] = 0xff; return b }),
	} {
		d := mustNew(t, "adwin", nil)
		d.Step(1)
		if err := d.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
		if d.Name() != "adwin" || d.Steps() != 1 {
			t.Errorf("%s: the detector was changed", want)
		}
	}
}

func TestEverySnapshotCutShortIsRefused(t *testing.T) {
	for _, b := range snapshots(t) {
		step := 1 + len(b)/200
		for n := 0; n < len(b)-4; n += step {
			if _, err := Restore(seal(b[:n])); err == nil {
				t.Fatalf("%d of %d bytes were read", n, len(b))
			}
		}
	}
}

func TestSnapshotsKeepParameters(t *testing.T) {
	d := mustNew(t, "kswin", Params{"window_size": 60, "seed": 7})
	b, _ := d.AppendBinary([]byte("before"))
	got, err := Restore(b[len("before"):])
	if err != nil || got.Params()["window_size"] != 60 || got.Params()["seed"] != 7 {
		t.Errorf("%v, %v", got.Params(), err)
	}
}

var update = flag.Bool("update", false, "write the snapshots that later programs must read")

// Snapshots that were written once are read for as long as their version is.
func TestSnapshotsOfTheFirstVersionAreRead(t *testing.T) {
	file := filepath.Join("testdata", "snapshots_v1.json")
	if *update {
		kept := map[string][]byte{}
		for _, e := range All() {
			d := mustNew(t, e.Name, nil)
			statuses(d, jump(e.Domain, 1, 777, 400))
			kept[e.Name], _ = d.MarshalBinary()
		}
		data, err := json.MarshalIndent(kept, "", "  ")
		if err == nil {
			err = os.WriteFile(file, append(data, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string][]byte
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, e Entry) {
		d, err := Restore(kept[e.Name])
		if err != nil {
			t.Fatal(err)
		}
		again, _ := d.MarshalBinary()
		if d.Name() != e.Name || d.Steps() != 777 || !slices.Equal(again, kept[e.Name]) {
			t.Errorf("%s after %d values writes another snapshot: its fields changed, and so must the version", d.Name(), d.Steps())
		}
	})
}

// Whatever the bytes are, restoring them gives an error or a detector that
// works and writes itself again.
func FuzzRestore(f *testing.F) {
	for _, b := range snapshots(f) {
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Restore(seal(body)) // the checksum would keep nearly all out
		if err != nil {
			return
		}
		if w := d.Params()["window_size"]; w > 10000 {
			return // allowed, and slow
		}
		again, err := d.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		second, err := Restore(again)
		if err != nil {
			t.Fatalf("its own snapshot: %v", err)
		}
		values := jump(d.Entry().Domain, 1, 200, 100)
		if !slices.Equal(statuses(d, values), statuses(second, values)) {
			t.Fatal("restored twice it differs")
		}
	})
}
