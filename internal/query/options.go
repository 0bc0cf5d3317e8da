package query

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// option is a list of choices for variables, filters and query builders.
type option struct {
	column, table, time string
	of                  []string // columns by which it may be narrowed
}

var options = map[string]option{
	"tenants":     {"tenant", "feature_sketches_1m", "minute", nil},
	"models":      {"model", "feature_sketches_1m", "minute", nil},
	"versions":    {"version", "feature_sketches_1m", "minute", []string{"model"}},
	"segments":    {"segment", "feature_sketches_1m", "minute", []string{"model", "version"}},
	"features":    {"feature", "signals", "window_end", []string{"model", "version", "detector"}},
	"detectors":   {"detector", "signals", "window_end", []string{"model", "version", "feature"}},
	"states":      {"state", "signals", "window_end", []string{"model"}},
	"performance": {"metric", "outcome_stats", "window_end", []string{"model", "version"}},
	"metrics":     {"metric", "telemetry", "timestamp", []string{"model", "node", "gpu", "source"}},
	"sources":     {"source", "telemetry", "timestamp", []string{"metric"}},
	"nodes":       {"node", "telemetry", "timestamp", []string{"model", "metric"}},
	"gpus":        {"gpu", "telemetry", "timestamp", []string{"model", "node", "metric"}},
	"pods":        {"pod", "telemetry", "timestamp", []string{"model", "node", "metric"}},
	"deployments": {"deployment", "telemetry", "timestamp", []string{"model", "metric"}},
	"incidents":   {"id", "incidents", "onset", []string{"model", "state"}},
}

// OptionNames are the lists that Options knows.
func OptionNames() []string {
	out := make([]string, 0, len(options))
	for name := range options {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// FilterKeys are the dimensions of ad-hoc filters, and the lists of their values.
var FilterKeys = []struct{ Key, Options string }{
	{"tenant", "tenants"},
	{"model", "models"},
	{"version", "versions"},
	{"segment", "segments"},
	{"feature", "features"},
	{"detector", "detectors"},
	{"metric", "metrics"},
	{"node", "nodes"},
	{"gpu", "gpus"},
	{"pod", "pods"},
	{"deployment", "deployments"},
	{"source", "sources"},
	{"state", "states"},
}

// mostOptions of a list.
const mostOptions = 5000

// Options are the values of one dimension in a time, ascending, narrowed by
// others of the same records; empty ones are left out.
func (a *Asker) Options(ctx context.Context, name string, of Range, narrow map[string][]string) ([]string, error) {
	o, ok := options[name]
	if !ok {
		return nil, mistake("there is no list of %q; the lists are %s", name, orNone(OptionNames()))
	}
	if !of.From.Before(of.To) || of.To.Sub(of.From) > Longest {
		return nil, mistake("the time range is empty or longer than %d days", int(Longest.Hours()/24))
	}
	q := &question{Query: Query{Kind: name, Tenant: a.Tenant}, Range: of, Asker: a, ctx: ctx}
	w := &where{}
	w.during(o.time, of.From.UTC(), of.To.UTC())
	if a.Tenant != "" {
		w.in("tenant", []string{a.Tenant})
	} else {
		w.in("tenant", narrow["tenant"])
	}
	for _, column := range o.of {
		w.in(column, narrow[column])
	}
	w.add(o.column + " != ''")
	order := "value"
	if name == "incidents" {
		order = "max(" + o.time + ") DESC, value"
	}
	out := []string{}
	err := q.each(fmt.Sprintf("SELECT toString(%s) AS value FROM %s WHERE %s GROUP BY value ORDER BY %s LIMIT %d", o.column, o.table, w, order, mostOptions), w.args, func(rows driver.Rows) error {
		var v string
		err := rows.Scan(&v)
		out = append(out, v)
		return err
	})
	return out, err
}
