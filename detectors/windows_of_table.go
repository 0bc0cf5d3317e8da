package detectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// CalibrateOn gives a reference its calibration, from the table that it was
// made of: on the table's windows where roles name a column of times, else
// only with what independent rows would tell. It does nothing when the plan
// does not calibrate.
func (p *Plan) CalibrateOn(t *tabular.Table, roles ReferenceFile, ref *schemas.Reference) error {
	return p.calibrateOn(t, roles, ref, nil)
}

// calibrateOn takes a calibration that known has in the place of making it,
// where it has the key.
func (p *Plan) calibrateOn(t *tabular.Table, roles ReferenceFile, ref *schemas.Reference, known *schemas.Calibration) error {
	if !p.calibrate {
		return nil
	}
	rows := p.rowsOfWindows(t, roles)
	key := p.calibrationKey(ref, cutOf(rows))
	if known != nil && known.Key == key {
		ref.Calibration = known
		return nil
	}
	var windows []schemas.WindowSummaries
	for _, start := range slices.SortedFunc(maps.Keys(rows), time.Time.Compare) {
		part := t.Select(rows[start])
		features, err := SummarizeTable(part, roles)
		if err != nil {
			return err
		}
		windows = append(windows, schemas.WindowSummaries{ModelKey: p.Key, Span: p.Window.Span(start), Rows: uint64(part.Rows), Features: features})
	}
	c := p.Calibrate(ref, p.Score(ref, windows))
	c.Key, ref.Calibration = key, &c
	return nil
}

// rowsOfWindows are the rows of a table by the start of the plan's window in
// which they lie; none without times. Rows without a time are left out.
func (p *Plan) rowsOfWindows(t *tabular.Table, roles ReferenceFile) map[time.Time][]int {
	column := t.Column(roles.Timestamp)
	if column == nil || column.Kind != tabular.Time {
		return nil
	}
	rows := map[time.Time][]int{}
	for i, at := range column.Times {
		if !at.IsZero() {
			start := p.Window.Span(at).Start
			rows[start] = append(rows[start], i)
		}
	}
	return rows
}

// cutOf tells one way of cutting rows into windows from another.
func cutOf(rows map[time.Time][]int) string {
	h := sha256.New()
	for _, start := range slices.SortedFunc(maps.Keys(rows), time.Time.Compare) {
		fmt.Fprintln(h, start.Unix(), rows[start])
	}
	return hex.EncodeToString(h.Sum(nil))
}
