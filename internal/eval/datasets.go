package eval

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/driftline/driftline/internal/tabular"
)

// dataset is a real labelled stream in a folder of them.
type dataset struct {
	name, title string
	file        string // below the folder
	read        func(path string) (*table, error)
	changes     []Change
	unknown     bool // it has changes, but nobody knows where
	tolerance   int
}

var datasets = []dataset{
	{
		name: "sine1", title: "two classes parted by a sine, 10 % of labels wrong, the classes swapped every 20,000 rows",
		file: "sine1/sine1_w_50_n_0.1_101.arff.gz", read: readPlain, tolerance: 2000,
		changes: []Change{{20_000, 20_000}, {40_000, 40_000}, {60_000, 60_000}, {80_000, 80_000}},
	},
	{
		name: "circle", title: "two classes parted by a circle that moves and grows over rows 1000 to 1250",
		file: "misc/circle_gradual.csv.gz", read: readPlain, tolerance: 250,
		changes: []Change{{1000, 1250}},
	},
	{
		name: "rainfall", title: "rain or none from daily weather, changed from row 12,000 on",
		file: "rainfall/rainfall_data.csv.gz", read: readTable("rain"), tolerance: 1000,
		changes: []Change{{12_000, 12_000}},
	},
	{
		name: "electricity", title: "direction of the electricity price in New South Wales; it changes, but nobody knows when",
		file: "electricity/electricity.csv.gz", read: readTable("class"), unknown: true,
	},
}

// realStreams are the data sets that the folder has; absent ones are named.
func realStreams(folder string) (out []stream, absent []string, err error) {
	if info, err := os.Stat(folder); err != nil {
		return nil, nil, fmt.Errorf("open data: %w", err)
	} else if !info.IsDir() {
		return nil, nil, fmt.Errorf("open data: %s is no folder", folder)
	}
	for _, d := range datasets {
		t, err := d.read(filepath.Join(folder, filepath.FromSlash(d.file)))
		if errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, d.file)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		out = append(out, stream{
			name: d.name, title: d.title, rows: len(t.x), runs: 1, table: t,
			changes: d.changes, unknown: d.unknown, tolerance: d.tolerance,
		})
	}
	return out, absent, nil
}

// readTable reads a CSV file with a header: the label's column, and numbers.
func readTable(label string) func(path string) (*table, error) {
	return func(path string) (*table, error) {
		tab, err := tabular.Open(path, tabular.Options{Categorical: []string{label}})
		if err != nil {
			return nil, err
		}
		b := newTableBuilder()
		for row, text := range tab.Column(label).Strings {
			var x []float64
			for _, c := range tab.Columns {
				if c.Kind == tabular.Numeric {
					x = append(x, c.Numbers[row])
				}
			}
			b.add(x, text)
		}
		if len(b.x) == 0 {
			return nil, fmt.Errorf("%s: no rows", path)
		}
		return b.table, nil
	}
}

// readPlain reads gzipped rows of numbers with the label last, and no header
// but that of ARFF, which ends with @data.
func readPlain(path string) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	b := newTableBuilder()
	lines := bufio.NewScanner(gz)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(strings.TrimSpace(lines.Text()), ",")
		if line == "" || line[0] == '@' {
			continue
		}
		if err := b.parse(strings.Split(line, ",")); err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(b.x) == 0 {
		return nil, fmt.Errorf("read %s: no rows", path)
	}
	return b.table, nil
}

// tableBuilder numbers the labels in the order in which they come.
type tableBuilder struct {
	*table
	known map[string]int
}

func newTableBuilder() tableBuilder { return tableBuilder{&table{}, map[string]int{}} }

func (b *tableBuilder) add(x []float64, label string) {
	n, ok := b.known[label]
	if !ok {
		n = b.classes
		b.known[label] = n
		b.classes++
	}
	b.x, b.labels = append(b.x, x), append(b.labels, n)
}

func (b *tableBuilder) parse(fields []string) error {
	last := len(fields) - 1
	x := make([]float64, last)
	for i, text := range fields[:last] {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		x[i] = v
	}
	if len(b.x) > 0 && len(x) != len(b.x[0]) {
		return fmt.Errorf("%d features; the rows before have %d", len(x), len(b.x[0]))
	}
	b.add(x, strings.TrimSpace(fields[last]))
	return nil
}
