package query

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// where collects conditions. Values travel as parameters, never in the text.
type where struct {
	conditions []string
	args       []any
}

// param is a placeholder for a value.
func (w *where) param(kind string, value any) string {
	name := fmt.Sprintf("p%d", len(w.args))
	w.args = append(w.args, ch.Named(name, value))
	return "{" + name + ":" + kind + "}"
}

func (w *where) add(condition string) { w.conditions = append(w.conditions, condition) }

// in holds a column to some values; none stand for all.
func (w *where) in(column string, values []string) {
	if values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "$__all" || v == "*" }); len(values) > 0 {
		w.add(column + " IN (" + w.param("Array(String)", values) + ")")
	}
}

// during holds a column of times to [from, to).
func (w *where) during(column string, from, to time.Time) {
	w.add(column + " >= " + w.time(from) + " AND " + column + " < " + w.time(to))
}

func (w *where) time(t time.Time) string {
	return "fromUnixTimestamp64Milli(" + w.param("Int64", fmt.Sprint(t.UnixMilli())) + ", 'UTC')"
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return "1"
	}
	return strings.Join(w.conditions, " AND ")
}

// filters adds the tenant and the ad-hoc filters on those of its columns that
// are named; the others do not matter to such a table, which a notice says.
func (q *question) filters(w *where, columns ...string) {
	if q.Query.Tenant != "" {
		w.in("tenant", []string{q.Query.Tenant})
	}
	for _, f := range q.Filters {
		if !slices.Contains(columns, f.Key) {
			q.notice(data.NoticeSeverityInfo, "the filter on %s is passed over: %s has no such dimension", f.Key, q.Kind)
			continue
		}
		switch f.Operator {
		case "=":
			w.add(f.Key + " = " + w.param("String", f.Value))
		case "!=":
			w.add(f.Key + " != " + w.param("String", f.Value))
		case "=~":
			w.add("match(" + f.Key + ", " + w.param("String", "^(?:"+f.Value+")$") + ")")
		case "!~":
			w.add("NOT match(" + f.Key + ", " + w.param("String", "^(?:"+f.Value+")$") + ")")
		case "=|":
			w.add(f.Key + " IN (" + w.param("Array(String)", f.values()) + ")")
		case "!=|":
			w.add(f.Key + " NOT IN (" + w.param("Array(String)", f.values()) + ")")
		}
	}
}

func (f Filter) values() []string {
	if len(f.Values) == 0 {
		return []string{f.Value}
	}
	return f.Values
}

// signals is the condition on the table of signals that a question makes.
// Without segments it is about all segments together.
func (q *question) signals(from, to time.Time) *where {
	w := &where{}
	w.during("window_end", from, to)
	w.during("window_start", from.Add(-longestWindow), to) // the table is kept by it
	w.in("model", q.Models)
	w.in("version", q.Versions)
	w.in("feature", q.Features)
	w.in("detector", q.Detectors)
	if len(q.Segments) == 0 && !slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.Key == "segment" }) {
		w.add("segment = ''")
	} else {
		w.in("segment", q.Segments)
	}
	q.filters(w, "tenant", "model", "version", "segment", "feature", "detector", "state")
	return w
}

const longestWindow = 32 * 24 * time.Hour

// bounds of what one question may cost the store, besides the time that its
// context has.
const (
	maxResultRows = 200_000
	maxReadRows   = 2_000_000_000
)

// each row of an answer.
func (q *question) each(sql string, args []any, do func(driver.Rows) error) error {
	q.executed = append(q.executed, explained(sql, args))
	ctx := ch.Context(q.ctx, ch.WithSettings(ch.Settings{
		"max_execution_time": 30, "max_result_rows": maxResultRows, "result_overflow_mode": "throw", "max_rows_to_read": maxReadRows,
	}))
	rows, err := q.DB.Conn().Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", q.Kind, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return fmt.Errorf("%s: %w", q.Kind, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", q.Kind, err)
	}
	return nil
}

// explained is the question with its values in place, for people to read.
func explained(sql string, args []any) string {
	for _, a := range slices.Backward(args) { // p12 before p1
		n, ok := a.(driver.NamedValue)
		if !ok {
			continue
		}
		text := fmt.Sprint(n.Value)
		switch v := n.Value.(type) {
		case []string:
			quoted := make([]string, len(v))
			for i := range v {
				quoted[i] = "'" + strings.ReplaceAll(v[i], "'", `\'`) + "'"
			}
			text = strings.Join(quoted, ", ")
		case string:
			if !strings.Contains(sql, "{"+n.Name+":Int64}") {
				text = "'" + strings.ReplaceAll(v, "'", `\'`) + "'"
			}
		}
		for _, kind := range []string{"Int64", "String", "Array(String)"} {
			sql = strings.ReplaceAll(sql, "{"+n.Name+":"+kind+"}", text)
		}
	}
	return sql
}

// table is an answer as it comes: a field a column.
func (q *question) table(name, sql string, args []any) (*data.Frame, error) {
	frame := data.NewFrame(name)
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable, TypeVersion: data.FrameTypeVersion{0, 1}}
	err := q.each(sql, args, func(rows driver.Rows) error {
		types := rows.ColumnTypes()
		if frame.Fields == nil {
			for _, c := range types {
				zero := reflect.New(c.ScanType()).Elem().Interface()
				frame.Fields = append(frame.Fields, data.NewFieldFromFieldType(data.FieldTypeFor(zero), 0))
				frame.Fields[len(frame.Fields)-1].Name = c.Name()
			}
		}
		values := make([]any, len(types))
		for i, c := range types {
			values[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for i := range values {
			frame.Fields[i].Append(reflect.ValueOf(values[i]).Elem().Interface())
		}
		return nil
	})
	return frame, err
}

// series is a value in time with what it is of.
type series struct {
	labels data.Labels
	times  []time.Time
	values []float64
	weight float64 // the heaviest come first
	unit   string
	limit  float64 // threshold, 0: none
}

// series of an inner question that has the columns t (time), v (value, Float64),
// w (weight), c (rows that the point stands for), u (unit), bound (threshold), and the
// labels: a row a point. The heaviest are kept, up to the limit.
func (q *question) series(inner string, args []any, labels ...string) ([]series, error) {
	quoted := make([]string, len(labels))
	for i, l := range labels {
		quoted[i] = "toString(" + l + ") AS l_" + l
	}
	by := "l_" + strings.Join(labels, ", l_")
	if len(labels) == 0 {
		quoted, by = []string{"'' AS l_"}, "l_"
	}
	sql := `SELECT ` + by + `, arrayMap(p -> p.1, points) AS times, arrayMap(p -> p.2, points) AS values, weight, merged, unit, threshold FROM (
  SELECT ` + strings.Join(quoted, ", ") + `, arraySort(groupArray((toUnixTimestamp64Milli(toDateTime64(t, 3, 'UTC')), v))) AS points,
    toFloat64(max(w)) AS weight, toUInt64(max(c)) AS merged, any(u) AS unit, toFloat64(anyLast(bound)) AS threshold
  FROM (` + inner + `) GROUP BY ` + by + `
) ORDER BY weight DESC, ` + by + fmt.Sprintf(" LIMIT %d", q.Limit+1)
	var out []series
	var merged uint64
	err := q.each(sql, args, func(rows driver.Rows) error {
		s := series{labels: data.Labels{}}
		var times []int64
		var most uint64
		values := make([]string, max(1, len(labels)))
		into := make([]any, 0, len(values)+6)
		for i := range values {
			into = append(into, &values[i])
		}
		if err := rows.Scan(append(into, &times, &s.values, &s.weight, &most, &s.unit, &s.limit)...); err != nil {
			return err
		}
		for i, l := range labels {
			if values[i] != "" {
				s.labels[l] = values[i]
			}
		}
		s.times = make([]time.Time, len(times))
		for i, t := range times {
			s.times[i] = time.UnixMilli(t).UTC()
		}
		out, merged = append(out, s), max(merged, most)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) > q.Limit {
		out = out[:q.Limit]
		q.notice(data.NoticeSeverityInfo, "only the first %d series are shown; narrow the question, or raise its limit (up to 1000)", q.Limit)
	}
	if merged > 1 && q.kind.limit > 0 && q.Measure == "" {
		q.notice(data.NoticeSeverityInfo, "a point stands for up to %d windows, of which it is the largest: choose a shorter time for each of them", merged)
	}
	return out, nil
}

// multi is series as frames of their own, the form that alert rules and
// expressions of Grafana take.
func (q *question) multi(name string, all []series, configure func(*series, *data.Field)) data.Frames {
	meta := func() *data.FrameMeta {
		return &data.FrameMeta{Type: data.FrameTypeTimeSeriesMulti, TypeVersion: data.FrameTypeVersion{0, 1}}
	}
	if len(all) == 0 {
		return data.Frames{data.NewFrame("").SetMeta(meta())}
	}
	out := make(data.Frames, len(all))
	for i := range all {
		s := &all[i]
		value := data.NewField(name, s.labels, s.values)
		value.Config = &data.FieldConfig{}
		if configure != nil {
			configure(s, value)
		}
		out[i] = data.NewFrame("", data.NewField("time", nil, s.times), value).SetMeta(meta())
	}
	return out
}

// empty is the answer without data of a type.
func empty(of data.FrameType) data.Frames {
	return data.Frames{data.NewFrame("").SetMeta(&data.FrameMeta{Type: of, TypeVersion: data.FrameTypeVersion{0, 1}})}
}

// bucket is the expression of the point that a time belongs to.
func (q *question) bucket(column string) string {
	return fmt.Sprintf("toStartOfInterval(%s, INTERVAL %d SECOND, 'UTC')", column, int64(q.step.Seconds()))
}

// ratio is the expression of a signal's score against its threshold. At 1 and
// above it is an alarm, below it is none: chance was already judged.
const ratio = `if(state = 'alarm', greatest(1., if(threshold > 0 AND isFinite(score / threshold), score / threshold, 1.)), least(0.99, if(threshold > 0 AND isFinite(score / threshold), greatest(0., score / threshold), 0.)))`

// judged holds signals to those that say something.
const judged = "state IN ('ok', 'alarm')"
