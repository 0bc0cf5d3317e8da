package capacity

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/schemas/ddl"
)

//go:embed page.md
var pageText string

// Page is the manual page of the model, docs/capacity.md: its worked tables are
// computed as it is written.
func Page() ([]byte, error) {
	t, err := template.New("").Funcs(template.FuncMap{"amount": amount, "curve": curve.table}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page of capacity: %w", err)
	}
	cases, err := worked()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"protobuf": ownCost[ingest.FormatProtobuf], "json": ownCost[ingest.FormatJSON],
		"protobufBytes": recordBytes[ingest.FormatProtobuf], "jsonBytes": recordBytes[ingest.FormatJSON],
		"insert": insertRow, "merge": mergeRow, "raw": rawBytes, "block": insertBlock / 1000, "insertCount": insertCount, "mergeCount": mergeCount,
		"countBytes": countBytes, "signalBytes": signalBytes, "wait": waitPerBlock / 1000, "melted": meltedMerges, "window": ddl.DedupWindow,
		"ownValue": ownValue, "insertState": insertState, "mergeState": mergeState, "stateBytes": stateBytes,
		"cases": cases, "defaults": Defaults(),
	})
	return b.Bytes(), err
}

// example is a stream of the worked tables.
type example struct {
	Name string
	*Plan
}

func worked() (out []example, _ error) {
	for _, c := range []struct {
		name string
		edit func(*Inputs)
	}{
		{"50 k, JSON, small machines", func(in *Inputs) {
			in.Events, in.Format, in.Models, in.Segments, in.Cores, in.StoreCores = 50e3, ingest.FormatJSON, 5, 2, 4, 8
		}},
		{"1 M, protobuf", func(*Inputs) {}},
		{"1 M, JSON", func(in *Inputs) { in.Format = ingest.FormatJSON }},
		{"1 M, protobuf, 100 features", func(in *Inputs) { in.Numeric, in.Categorical = 80, 20 }},
		{"10 M, protobuf", func(in *Inputs) { in.Events = 10e6 }},
		{"10 M, protobuf, 2,000 series", func(in *Inputs) { in.Events, in.Models = 10e6, 200 }},
		{"10 M, protobuf, 2,000 series, keyed by model", func(in *Inputs) { in.Events, in.Models, in.Keyed = 10e6, 200, true }},
	} {
		in := Defaults()
		c.edit(&in)
		p, err := Compute(in)
		if err != nil {
			return nil, fmt.Errorf("compute %s: %w", c.name, err)
		}
		out = append(out, example{c.name, p})
	}
	return out, nil
}

// Tier is the table of a name.
func (e example) Tier(table string) Tier {
	for _, t := range e.Storage {
		if t.Table == table {
			return t
		}
	}
	return Tier{}
}

// Kept is what all tables hold on all servers.
func (e example) Kept() (n float64) {
	for _, t := range e.Storage {
		n += t.Bytes
	}
	return n
}

// Remembers says for how long a table knows its blocks.
func (e example) Remembers() string { return seconds(e.Window.Seconds) }

// Every says how often a partition writes a batch.
func (e example) Every() string { return seconds(e.Ingest.BatchInterval) }

// table writes the points of a curve as a row of cells.
func (c curve) table() string {
	var cells []string
	for _, p := range c {
		cells = append(cells, fmt.Sprintf("%v at %s", p.cost, amount(p.rows)))
	}
	return strings.Join(cells, ", ")
}
