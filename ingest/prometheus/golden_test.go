package prometheus

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

var update = flag.Bool("update", false, "write the golden files")

const scraped = 1767366245000 // 2026-01-02T15:04:05Z

// What producers show, through remote write and normalisation, as it would be
// stored. Scrapes are of our own making, in the form of the producers' manuals.
func TestScrapesAsStored(t *testing.T) {
	files, err := filepath.Glob("testdata/*.prom")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []encSeries
		for line := range strings.Lines(string(text)) {
			all = append(all, exposition(t, line))
		}
		samples, err := RemoteWrite(nil, snappy.Encode(nil, encode(all...)))
		if err != nil || len(samples) != len(all) {
			t.Fatalf("%s: %d of %d lines, %v", file, len(samples), len(all), err)
		}
		golden(t, file, samples)
	}
}

func TestAdapterAsStored(t *testing.T) {
	text, err := os.ReadFile("testdata/adapter.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var samples []schemas.Sample
	for line := range bytes.Lines(text) {
		if samples, err = AdapterJSON(samples, line); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "testdata/adapter.jsonl", samples)
}

var (
	expositionLine  = regexp.MustCompile(`^([a-zA-Z_:][\w:]*)\{(.*)\} (\S+)\n$`)
	expositionLabel = regexp.MustCompile(`([a-zA-Z_]\w*)="([^"]*)",?`)
)

// exposition reads a line of Prometheus' text format, without escapes.
func exposition(t *testing.T, line string) encSeries {
	t.Helper()
	m := expositionLine.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("no exposition: %q", line)
	}
	value, err := strconv.ParseFloat(m[3], 64)
	if err != nil {
		t.Fatal(err)
	}
	s := encSeries{labels: [][2]string{{nameLabel, m[1]}}, points: []encPoint{{value, scraped}}}
	for _, l := range expositionLabel.FindAllStringSubmatch(m[2], -1) {
		s.labels = append(s.labels, [2]string{l[1], l[2]})
	}
	return s
}

// golden has a line a sample: what is stored, or why it is not.
func golden(t *testing.T, file string, samples []schemas.Sample) {
	t.Helper()
	var out bytes.Buffer
	for i := range samples {
		if why := metricnames.Normalize(&samples[i]); why != metricnames.Kept {
			fmt.Fprintf(&out, "dropped %s: %s\n", samples[i].Metric, why)
			continue
		}
		b, err := json.Marshal(samples[i])
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(b, '\n'))
	}
	file += ".golden"
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, out.Bytes()) {
		t.Errorf("%s is stale (%v): run go test with -update and read the difference", file, err)
	}
}
