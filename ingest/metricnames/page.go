package metricnames

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const pageHead = `# Names of telemetry

This page is generated from the code: ` + "`make generate`" + `.

Every telemetry sample, whatever its format, gets one name and one unit before it is stored.
The producer's name stays in the label ` + "`raw_name`" + `; its unit, where it was converted, in ` + "`raw_unit`" + `.
Names that no table lists are stored as they come. A unit that the sample itself states beats the table's.

- A histogram or summary ` + "`x`" + ` also has ` + "`x_sum`, `x_count` and `x_bucket`" + `. Sums and the bounds in the label ` + "`le`" + ` are
  converted, counts are not.
- Counters are taken with and without ` + "`_total`" + `.
- Samples without a value are left out and counted by reason: ` + "`not_finite`" + ` (NaN, infinities) and ` + "`blank`" + ` (DCGM's marks
  for "no value").

`

const pageColumns = `## Columns

Well-known labels move to the columns of the sample that are still empty, the first of these that is there:

| column | labels |
|---|---|
`

const pageColumnsTail = `
A pod with ` + "`dcgm-exporter`" + ` in its name is not the workload's and stays a label. A node that is called like the pod is the
inside of a container and is passed over. Without any of these labels and without a pod, the node is the host in ` + "`instance`" + `.
Without a UUID the GPU is ` + "`node/index`" + `, if the node is known. The model of ` + "`node_*` and `smart*`" + ` is that of a disk and
stays a label.

## Adding a source

1. Write one more file beside ` + "`ingest/metricnames/dcgm.go`" + `: a ` + "`source`" + ` with its name, a sentence for this page, and a line
   for each raw name: canonical name, unit of the raw value, kind. Take a canonical name that exists where the meaning is the
   same; a new one ends in its base unit and gets its meaning in ` + "`canonical.go`" + `. Units are in ` + "`units.go`" + `.
2. Add the source to ` + "`sources` in `table.go`" + `.
3. Put an example of what the producer shows into ` + "`testdata`" + ` and run the tests with ` + "`-update`" + `. They refuse names with two
   meanings and canonical names with two units.
`

// Page is the page of the manual that lists every name.
func Page() []byte {
	var b strings.Builder
	b.WriteString(pageHead)
	writeCanonical(&b)
	for _, src := range sources {
		src.write(&b)
	}
	writeColumns(&b)
	return []byte(b.String())
}

func writeCanonical(b *strings.Builder) {
	type shape struct{ unit, kind string }
	shapes := map[string]shape{}
	for _, src := range sources {
		for _, e := range src.entries {
			shapes[e.name] = shape{units[e.unit].base, kindNames[e.kind]}
		}
	}
	b.WriteString("## Canonical names\n\n| name | unit | kind | meaning |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(canonical)) {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, shapes[name].unit, shapes[name].kind, canonical[name])
	}
	b.WriteString("\n")
}

func (src *source) write(b *strings.Builder) {
	fmt.Fprintf(b, "## Source %s\n\n%s\n", src.name, src.about)
	if len(src.others) > 0 {
		fmt.Fprintf(b, "`%s` may also be written `%s`.\n", src.prefix, strings.Join(src.others, "`, `"))
	}
	b.WriteString("\n| raw name | canonical name | raw unit | unit | factor |\n|---|---|---|---|---|\n")
	for _, raw := range src.sorted() {
		e := src.entries[raw]
		u := units[e.unit]
		fmt.Fprintf(b, "| `%s` | `%s` | %s | %s | %s |\n", raw, e.name, u.name, u.base, strconv.FormatFloat(u.factor(), 'g', -1, 64))
	}
	b.WriteString("\n")
}

func writeColumns(b *strings.Builder) {
	b.WriteString(pageColumns)
	for _, c := range []struct {
		name   string
		labels []string
	}{
		{"pod", podLabels},
		{"node", nodeLabels},
		{"gpu", slices.Concat(gpuLabels, indexLabels)},
		{"model", modelLabels},
		{"deployment", deploymentLabels},
	} {
		fmt.Fprintf(b, "| %s | `%s` |\n", c.name, strings.Join(c.labels, "`, `"))
	}
	b.WriteString(pageColumnsTail)
}
