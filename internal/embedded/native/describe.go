package native

import (
	"fmt"
	"strings"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/sqltext"
	"github.com/driftline/driftline/internal/embedded/native/wire"
)

// tableColumn is a row of DESCRIBE TABLE.
type tableColumn struct {
	wire.Column
	kind, expr string // of its default: DEFAULT, MATERIALIZED, ALIAS, EPHEMERAL
}

// sample is what an INSERT's client is told before it sends rows.
type sample struct {
	header   []wire.Column // the columns it has to fill
	defaults string        // all columns of the table, from which old clients fill defaults
}

// sampleCache remembers the samples of a session's inserts, since DESCRIBE is
// about half of what a small INSERT costs. It is the session's own because
// temporary tables are, and it holds only for one state of the schema.
type sampleCache struct {
	schema uint64
	byKey  map[sampleKey]sample
}

type sampleKey struct{ database, target, columns string }

// maxSamples bounds the cache; a client that goes through more statements
// than that starts over.
const maxSamples = 256

func (x *session) sample(q query, ins sqltext.Insert) (sample, error) {
	// Parameters and a table function's arguments can change what the same
	// text means.
	if ins.Function || len(q.params) > 0 {
		x.metrics.describeMisses.Add(1)
		return x.describeSample(q, ins)
	}
	// Read before DESCRIBE: if the schema moves meanwhile, the entry is stale.
	schema := x.schema.Load()
	c := &x.samples
	if c.byKey == nil || c.schema != schema || len(c.byKey) >= maxSamples {
		c.schema, c.byKey = schema, map[sampleKey]sample{}
	}
	key := sampleKey{x.database, ins.Target, ins.List + "\x00" + strings.Join(ins.Columns, "\x00")}
	if s, ok := c.byKey[key]; ok {
		x.metrics.describeHits.Add(1)
		return s, nil
	}
	x.metrics.describeMisses.Add(1)
	s, err := x.describeSample(q, ins)
	if err == nil {
		c.byKey[key] = s
	}
	return s, err
}

func (x *session) describeSample(q query, ins sqltext.Insert) (s sample, err error) {
	all, err := x.describe(ins.Target, q.params)
	if err != nil {
		return s, err
	}
	s.defaults = columnsText(all)
	if ins.List != "" { // (* EXCEPT (...)) and the like: the engine expands it
		some, err := x.describe("(SELECT "+ins.List+" FROM "+ins.Target+")", q.params)
		for _, c := range some {
			s.header = append(s.header, c.Column)
		}
		return s, err
	}
	types := map[string]string{}
	for _, c := range all {
		types[c.Name] = c.Type
		if len(ins.Columns) == 0 && (c.kind == "" || c.kind == "DEFAULT") {
			s.header = append(s.header, c.Column)
		}
	}
	for _, name := range ins.Columns { // opening the insert refuses unknown ones
		s.header = append(s.header, wire.Column{Name: name, Type: types[name]})
	}
	return s, nil
}

var unescapeTSV = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\t`, "\t", `\n`, "\n")

func (x *session) describe(target string, params []libchdb.Param) (cols []tableColumn, err error) {
	// Pretty type names would break a Tuple over several lines.
	res, err := x.eng.Query("DESCRIBE TABLE "+target+" SETTINGS print_pretty_type_names = 0", "TSV", params...)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	for line := range strings.SplitSeq(string(res.Bytes()), "\n") {
		f := strings.Split(line, "\t")
		if len(f) < 4 {
			continue
		}
		for i := range f {
			f[i] = unescapeTSV.Replace(f[i])
		}
		cols = append(cols, tableColumn{wire.Column{Name: f[0], Type: f[1]}, f[2], f[3]})
	}
	return cols, nil
}

// columnsText is the form in which ClickHouse describes a table's columns to
// its own client.
func columnsText(cols []tableColumn) string {
	var b strings.Builder
	fmt.Fprintf(&b, "columns format version: 1\n%d columns:\n", len(cols))
	for _, c := range cols {
		fmt.Fprintf(&b, "%s %s", sqltext.QuoteName(c.Name), c.Type)
		if c.kind != "" {
			fmt.Fprintf(&b, "\t%s\t%s", c.kind, strings.ReplaceAll(c.expr, "\n", " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
