// Package ddl holds the ClickHouse tables as ordered migrations. One template
// serves both a single server (MergeTree) and a cluster (Replicated tables
// with the suffix _local, and Distributed ones over them for reading).
package ddl

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
)

//go:embed *.sql
var files embed.FS

// Shares cut the rows, in the order of a feature's values, into the parts that
// the quantile sketches are read by: nearly equal ones, and ever smaller ones
// towards both ends, where the sketch is sharper and heavy tails have their
// weight. They sum to 1.
var Shares = shares()

func shares() []float64 {
	const tail, middle = 6, 256
	var out []float64
	for i := tail; i > 0; i-- {
		out = append(out, 1/float64(int(middle)<<i))
	}
	left := 1.
	for _, s := range out {
		left -= 2 * s
	}
	up := slices.Clone(out)
	slices.Reverse(up)
	return slices.Concat(out, slices.Repeat([]float64{left / middle}, middle), up)
}

// DedupWindow is how many inserted blocks a table remembers, counting each
// partition that an insert touches. Sized for 64 Kafka partitions with one
// insert a second into two days at once over ten minutes (77 k).
const DedupWindow = 100_000

// Form says where the tables are made.
type Form struct {
	Cluster string // empty: a single server
}

// Migration is one file: statements that bring the schema one step further.
type Migration struct {
	ID         string // file name without .sql; they run in ascending order
	Checksum   string // of the template, so that an edited migration is noticed
	Statements []string
}

// Local is the table that is written to: the table itself, or the shard's own
// part of it in a cluster.
func (f Form) Local(table string) string {
	if f.Cluster == "" {
		return table
	}
	return table + "_local"
}

// OnCluster is the clause that sends a statement to all servers.
func (f Form) OnCluster() string {
	if f.Cluster == "" {
		return ""
	}
	return "ON CLUSTER " + f.quoted()
}

func (f Form) quoted() string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(f.Cluster) + "'"
}

// LevelList writes the levels of the quantile sketches, the middles of the
// shares, as SQL arguments. They are part of the column's type: states merge
// only with states of the same levels.
var LevelList = sync.OnceValue(func() string {
	levels, below := make([]string, len(Shares)), 0.
	for i, s := range Shares {
		levels[i] = strconv.FormatFloat(below+s/2, 'g', 6, 64)
		below += s
	}
	return strings.Join(levels, ", ")
})

// Migrations are all steps in order, rendered for a form.
func Migrations(form Form) ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sql, err := render(string(text), form)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", name, err)
		}
		sum := sha256.Sum256(text)
		out = append(out, Migration{
			ID: strings.TrimSuffix(name, ".sql"), Checksum: hex.EncodeToString(sum[:]), Statements: split(sql),
		})
	}
	return out, nil
}

func render(text string, form Form) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"local":     form.Local,
		"onCluster": form.OnCluster,
		"levels":    LevelList,
		"dedup":     form.dedup,
		"engine":    form.engine,
		"distributed": func(table, shard string) string {
			if form.Cluster == "" {
				return ""
			}
			return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s %s AS %s ENGINE = Distributed(%s, currentDatabase(), '%s', %s);",
				table, form.OnCluster(), form.Local(table), form.quoted(), form.Local(table), shard)
		},
		// addColumn to the table over the shards' own, which a cluster has besides.
		"addColumn": func(table, column string) string {
			if form.Cluster == "" {
				return ""
			}
			return fmt.Sprintf("ALTER TABLE %s %s ADD COLUMN IF NOT EXISTS %s;", table, form.OnCluster(), column)
		},
	}).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, nil); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (f Form) engine(name string, args ...string) string {
	if f.Cluster != "" {
		args = append([]string{"'/clickhouse/tables/{uuid}/{shard}'", "'{replica}'"}, args...)
		name = "Replicated" + name
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

func (f Form) dedup() string {
	if f.Cluster == "" {
		return fmt.Sprintf("non_replicated_deduplication_window = %d", DedupWindow)
	}
	return fmt.Sprintf("replicated_deduplication_window = %d, replicated_deduplication_window_seconds = 604800", DedupWindow)
}

// split cuts a file into statements: a semicolon at the end of a line ends one.
func split(sql string) []string {
	var out []string
	for s := range strings.SplitSeq(sql, ";\n") {
		var lines []string
		for line := range strings.SplitSeq(s, "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), "--") {
				lines = append(lines, line)
			}
		}
		if s = strings.TrimSpace(strings.Join(lines, "\n")); s != "" {
			out = append(out, strings.TrimSuffix(s, ";"))
		}
	}
	return out
}
