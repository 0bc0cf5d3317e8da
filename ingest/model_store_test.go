package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/schemas"
)

// The store of the model: what it does with blocks, and how it fails.

// errCursed is the store's answer to a block with a row that it never takes.
type errCursed struct{ error }

func (errCursed) Refused() bool { return true }

// window is a minute of a model.
type window struct {
	model  string
	minute int64
}

// row is what a block holds of one record.
type row struct {
	offset int64
	window window
}

// block is an insert that was sent.
type block struct {
	table string
	token string
	rows  []row
}

// Insert is the store: it counts the rows of a token once.
func (w *world) Insert(_ context.Context, table, token string, in proto.Input) error {
	if table != "inference_events" {
		return w.insertSummary(table, token, in)
	}
	b := block{table, token, w.rowsOf(in)}
	if slices.ContainsFunc(b.rows, func(r row) bool { return w.cursed[r.offset] }) {
		return errCursed{errFault}
	}
	if len(b.rows) == 0 {
		w.fatalf("insert no rows")
	}
	return w.deliver(b)
}

// insertSummary takes states or counts: how many rows of a model's minute are
// summed up.
func (w *world) insertSummary(table, token string, in proto.Input) error {
	cols := map[string]proto.ColInput{}
	for _, c := range in {
		cols[c.Name] = c.Data
	}
	b := block{table: table, token: token}
	models, minutes := cols["model"].(*words), cols["minute"].(*proto.ColDateTime)
	for i, rows := range *cols["rows"].(*proto.ColUInt64) {
		at := window{models.dict.Row(int(models.keys[i])), minuteOf(minutes.Row(i))}
		b.rows = append(b.rows, row{int64(rows), at}) // the number of rows in the place of an offset
	}
	return w.deliver(b)
}

// deliver brings a block to the store, or not.
func (w *world) deliver(b block) error {
	if !w.fault() {
		w.apply(b)
		return nil
	}
	switch w.rng.IntN(5) {
	case 0: // never arrives
	case 4: // the store is killed after it noted the token of a day, before it has the rows
		for _, r := range b.rows {
			w.tokens[tokenOf(b, r)] = true
		}
	case 3: // some of its days do
		some := b
		some.rows = slices.DeleteFunc(slices.Clone(b.rows), func(r row) bool { return r.window.minute/1440%2 == 0 })
		w.apply(some)
	case 1: // arrives; the answer is lost
		w.apply(b)
	case 2: // arrives long after its sender gave up
		w.late = append(w.late, b)
	}
	if w.chance(50) { // as the sender does until it is stopped
		w.retries++
		return w.deliver(b)
	}
	return errFault
}

// tokenOf is what the store remembers of a block's day.
func tokenOf(b block, r row) string { return fmt.Sprint(b.table, b.token, r.window.minute/1440) }

// apply stores what is new of a block: the store knows a token by table and
// day.
func (w *world) apply(b block) {
	known := maps.Clone(w.tokens)
	for _, r := range b.rows {
		id := tokenOf(b, r)
		if known[id] {
			continue
		}
		w.tokens[id] = true
		if b.table != "inference_events" {
			w.summed[r.window] += int(r.offset)
			continue
		}
		w.stored[r.offset]++
		w.at[r.offset] = r.window
		w.silent[r.offset] = r.window
	}
}

// Stored tells what is there of a range.
func (w *world) Stored(_ context.Context, _, _ string, _ int32, from, to int64) (map[schemas.Origin]struct{}, error) {
	for offset := from; offset < to; offset++ {
		if w.cursed[offset] || w.offset == w.forgotten {
			w.calm()
			break
		}
	}
	if w.fault() {
		return nil, errFault
	}
	out := map[schemas.Origin]struct{}{}
	for offset := range w.stored {
		if offset >= from && offset < to {
			out[schemas.Origin{Offset: offset, Day: w.at[offset].minute / 1440}] = struct{}{}
		}
	}
	return out, nil
}

// calm is what reconciliation and isolation wait for: no insert of a former
// owner is under way any more, and none of them tries again.
func (w *world) calm() {
	for len(w.late) > 0 {
		if i := w.rng.IntN(len(w.late)); w.chance(50) {
			w.arrive()
		} else {
			w.late = slices.Delete(w.late, i, i+1)
		}
	}
	w.former = nil
}

// Owed holds what is summed up against what is stored.
func (w *world) Owed(_ context.Context, minutes []schemas.Minute) (out []int64, err error) {
	if w.fault() {
		return nil, errFault
	}
	stored := w.storedByWindow()
	for _, m := range minutes {
		at := window{m.Model, m.Minute}
		out = append(out, int64(stored[at]-w.summed[at]))
	}
	return out, nil
}

// Retries counts what deliver tried again.
func (w *world) Retries() uint64 { return w.retries }

func (w *world) Atomic() bool { return false }

func (w *world) storedByWindow() map[window]int {
	out := map[window]int{}
	for offset := range w.stored {
		out[w.at[offset]]++
	}
	return out
}

func (w *world) Crowded() bool { return w.faults && w.chance(10) }

// arrive applies one of the late inserts.
func (w *world) arrive() {
	if len(w.late) > 0 {
		i := w.rng.IntN(len(w.late))
		w.apply(w.late[i])
		w.late = slices.Delete(w.late, i, i+1)
	}
}

// rowsOf reads a block, and holds every row against the record that its
// coordinates name.
func (w *world) rowsOf(in proto.Input) (out []row) {
	cols := map[string]proto.ColInput{}
	for _, c := range in {
		cols[c.Name] = c.Data
		if c.Data.Rows() != in[0].Data.Rows() {
			w.fatalf("column %s has %d rows, %s has %d", c.Name, c.Data.Rows(), in[0].Name, in[0].Data.Rows())
		}
	}
	models, ids, times := cols["model"].(*words), cols["request_id"].(*proto.ColStr), cols["timestamp"].(*proto.ColDateTime64)
	for i, offset := range *cols["_offset"].(*proto.ColInt64) {
		if ids.Row(i) != strconv.FormatInt(offset, 10) {
			w.fatalf("offset %d has the row of record %s", offset, ids.Row(i))
		}
		model := models.dict.Row(int(models.keys[i]))
		out = append(out, row{offset, window{model, minuteOf(times.Row(i))}})
	}
	return out
}
