package detectors

import (
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
	if !p.calibrate {
		return nil
	}
	windows, err := p.windowsOf(t, roles)
	if err != nil {
		return err
	}
	c := p.Calibrate(ref, p.Score(ref, windows))
	ref.Calibration = &c
	return nil
}

// windowsOf cuts a table into the plan's windows, ascending; none without
// times. Rows without a time are left out.
func (p *Plan) windowsOf(t *tabular.Table, roles ReferenceFile) ([]schemas.WindowSummaries, error) {
	column := t.Column(roles.Timestamp)
	if column == nil || column.Kind != tabular.Time {
		return nil, nil
	}
	rows := map[time.Time][]int{}
	for i, at := range column.Times {
		if !at.IsZero() {
			start := p.Window.Span(at).Start
			rows[start] = append(rows[start], i)
		}
	}
	var out []schemas.WindowSummaries
	for _, start := range slices.SortedFunc(maps.Keys(rows), time.Time.Compare) {
		part := t.Select(rows[start])
		features, err := SummarizeTable(part, roles)
		if err != nil {
			return nil, err
		}
		out = append(out, schemas.WindowSummaries{ModelKey: p.Key, Span: p.Window.Span(start), Rows: uint64(part.Rows), Features: features})
	}
	return out, nil
}
