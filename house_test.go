// Package driftline_test keeps the house in order: which package may import
// which, how packages are named, and that every metric is described.
package driftline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/driftline/driftline/internal/selfmetrics"
)

const module = "github.com/driftline/driftline/"

// goPackage is what go list says of a package of this module.
type goPackage struct {
	ImportPath, Name, Doc string
	GoFiles, Imports      []string
}

// packages are all of this module, listed once. Test files are left out:
// tests may wire what they need.
var packages = sync.OnceValues(func() ([]goPackage, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Doc,GoFiles,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
})

func list(t *testing.T) []goPackage {
	t.Helper()
	all, err := packages()
	if err != nil || len(all) < 5 {
		t.Fatalf("list %d packages: %v", len(all), err)
	}
	return all
}

// top is the first folder of a package of this module: "ingest" of "ingest/codec".
func top(importPath string) string { return strings.SplitN(importPath, "/", 2)[0] }

// own gives the imports from this module, without the module's path.
func (p goPackage) own() []string {
	var out []string
	for _, i := range p.Imports {
		if rest, ok := strings.CutPrefix(i, module); ok {
			out = append(out, rest)
		}
	}
	return out
}

var pipeline = []string{"ingest", "detectors", "correlate", "alerting"}

func TestSchemasIsTheBottom(t *testing.T) {
	codecs := []string{"google.golang.org/protobuf/", "github.com/valyala/fastjson", "github.com/apache/arrow/go/v17/", module + "schemas/"}
	for _, p := range list(t) {
		if top(p.ImportPath) != "schemas" {
			continue
		}
		for _, i := range p.Imports {
			isStandard := !strings.Contains(strings.SplitN(i, "/", 2)[0], ".")
			isCodec := slices.ContainsFunc(codecs, func(c string) bool { return strings.HasPrefix(i, c) })
			if !isStandard && !isCodec && i != module+"schemas" {
				t.Errorf("%s imports %s; schemas may import the standard library and wire codecs", p.ImportPath, i)
			}
		}
	}
}

func TestPipelinePackagesDoNotKnowEachOther(t *testing.T) {
	for _, p := range list(t) {
		if !slices.Contains(pipeline, top(p.ImportPath)) {
			continue
		}
		for _, i := range p.own() {
			if top(i) != top(p.ImportPath) && (slices.Contains(pipeline, top(i)) || i == "internal/app" || top(i) == "cmd") {
				t.Errorf("%s imports %s; declare the interface it needs and let internal/app connect them", p.ImportPath, i)
			}
		}
	}
}

func TestOnlyTheAppWiresTheParts(t *testing.T) {
	mayWire := regexp.MustCompile(`^(internal/app|cmd|loadtest)(/|$)`)
	for _, p := range list(t) {
		parts := map[string]bool{}
		for _, i := range p.own() {
			if slices.Contains(pipeline, top(i)) {
				parts[top(i)] = true
			}
		}
		delete(parts, top(p.ImportPath))
		if len(parts) > 1 && !mayWire.MatchString(p.ImportPath) {
			t.Errorf("%s wires %d parts of the pipeline; only internal/app, cmd and loadtest may", p.ImportPath, len(parts))
		}
	}
}

func TestLeavesStayLeaves(t *testing.T) {
	leaves := map[string][]string{"internal/config": nil, "internal/selfmetrics": {"internal/config"}}
	for _, p := range list(t) {
		allowed, isLeaf := leaves[p.ImportPath]
		for _, i := range p.own() {
			if isLeaf && !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s; it is a leaf", p.ImportPath, i)
			}
		}
	}
}

func TestPackagesAreNamedForWhatTheyDo(t *testing.T) {
	banned := []string{"common", "util", "utils", "helper", "helpers", "types", "misc", "shared", "base"}
	for _, p := range list(t) {
		if slices.Contains(banned, p.Name) || slices.Contains(banned, path.Base(p.ImportPath)) {
			t.Errorf("package %s: the name says nothing", p.ImportPath)
		}
		if p.Doc == "" {
			t.Errorf("package %s has no package comment", p.ImportPath)
		}
	}
}

func TestNothingImportsArrowFlight(t *testing.T) {
	for _, p := range list(t) {
		for _, i := range p.Imports {
			if strings.Contains(i, "arrow") && strings.Contains(i, "/flight") {
				t.Errorf("%s imports %s, which clashes with the one inside the Grafana SDK", p.ImportPath, i)
			}
		}
	}
}

var metricName = regexp.MustCompile("[\"`](driftline_[a-z_]+)")

// Every metric in the code is in selfmetrics.Table, and the other way round.
func TestEveryMetricIsDescribed(t *testing.T) {
	table := map[string]bool{}
	for _, m := range selfmetrics.Table {
		table[m.Name] = true
	}
	used := map[string]bool{}
	for _, p := range list(t) {
		for _, f := range p.GoFiles {
			file := filepath.Join(filepath.FromSlash(p.ImportPath), f)
			if file == filepath.Join("internal", "selfmetrics", "metrics.go") {
				continue
			}
			collectMetrics(t, file, used)
		}
	}
	for name := range used {
		if !table[name] {
			t.Errorf("metric %s is not in internal/selfmetrics/metrics.go", name)
		}
	}
	for name := range table {
		if !used[name] {
			t.Errorf("metric %s is described and nowhere in the code", name)
		}
	}
}

func collectMetrics(t *testing.T, file string, used map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return // renamed since the listing
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metricName.FindAllSubmatch(text, -1) {
		used[string(m[1])] = true
	}
}
