// Package grafanaplugin holds the tests of the app's folder as a whole.
package grafanaplugin

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/driftline/driftline/grafana-plugin/pkg/datasource"
)

// manifest is what is held of a plugin.json.
type manifest struct {
	Type, ID, Name, Executable                string
	Backend, Alerting, Annotations, Streaming bool
	Includes                                  []struct{ Type, Path string }
	Languages                                 []string
	Info                                      struct {
		Description, Version, Updated string
		Author                        struct{ Name string }
		Keywords                      []string
		Logos                         struct{ Small, Large string }
	}
	Dependencies struct{ GrafanaDependency string }
}

func read(t *testing.T, path string) (m manifest) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

var ids = regexp.MustCompile(`^[0-9a-z]+-([0-9a-z]+-)?(app|panel|datasource)$`)

// Every plugin.json says what Grafana's catalogue asks for, and the app includes
// each of them.
func TestManifests(t *testing.T) {
	var found []string
	err := filepath.WalkDir("src", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "plugin.json" {
			return err
		}
		m := read(t, path)
		found = append(found, strings.TrimPrefix(filepath.ToSlash(path), "src/"))
		if !ids.MatchString(m.ID) || !strings.HasSuffix(m.ID, m.Type) {
			t.Errorf("%s: id %q of type %q", path, m.ID, m.Type)
		}
		if m.Name == "" || m.Info.Description == "" || m.Info.Author.Name == "" || len(m.Info.Keywords) == 0 || m.Info.Logos.Small == "" || m.Info.Logos.Large == "" {
			t.Errorf("%s lacks a name, description, author, keywords or logos", path)
		}
		if m.Info.Version != "%VERSION%" || m.Info.Updated != "%TODAY%" || m.Dependencies.GrafanaDependency != ">=13.2.0" {
			t.Errorf("%s: version %q, updated %q, for Grafana %q", path, m.Info.Version, m.Info.Updated, m.Dependencies.GrafanaDependency)
		}
		for _, l := range m.Languages {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), "locales", l, m.ID+".json")); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	app := read(t, "src/plugin.json")
	for _, path := range found {
		if path != "plugin.json" && !slices.ContainsFunc(app.Includes, func(i struct{ Type, Path string }) bool { return i.Path == path }) {
			t.Errorf("the app does not include %s", path)
		}
	}
	ds := read(t, "src/datasource/plugin.json")
	if ds.ID != datasource.ID || ds.Executable != "gpx_driftline_datasource" || !ds.Backend || !ds.Alerting || !ds.Annotations || !ds.Streaming {
		t.Errorf("data source: %+v", ds)
	}
}

// What is built is complete, small, and names no file of the machine that built
// it.
func TestBuiltApp(t *testing.T) {
	if _, err := os.Stat("dist/plugin.json"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the app is not built: make plugin")
		}
		t.Skip("the app is not built: make plugin")
	}
	version := struct{ Version string }{}
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &version); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"", "datasource", "panels/distribution", "panels/evidence", "panels/health", "panels/heatmap", "panels/ridgeline"} {
		if m := read(t, filepath.Join("dist", part, "plugin.json")); m.Info.Version != version.Version || strings.Contains(m.Info.Updated, "%") {
			t.Errorf("%s: version %q, package.json has %q", m.ID, m.Info.Version, version.Version)
		}
		module, err := os.ReadFile(filepath.Join("dist", part, "module.js"))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(module); n > 500_000 || n < 1000 {
			t.Errorf("%s/module.js has %d bytes", part, n)
		}
		if !strings.HasPrefix(string(module), "define([") || strings.Contains(string(module), "console.log(") {
			t.Errorf("%s/module.js is no AMD module, or talks to the console", part)
		}
		for _, want := range []string{"module.js.map", "img/logo.svg"} {
			if _, err := os.Stat(filepath.Join("dist", part, want)); err != nil {
				t.Error(err)
			}
		}
		logo, err := os.ReadFile(filepath.Join("dist", part, "img/logo.svg"))
		if err != nil || strings.Contains(string(logo), "<script") || strings.Contains(string(logo), "href") {
			t.Errorf("%s: a logo that is unsafe, or none: %v", part, err)
		}
	}
	for _, want := range []string{"README.md", "CHANGELOG.md", "LICENSE"} {
		if _, err := os.Stat(filepath.Join("dist", want)); err != nil {
			t.Error(err)
		}
	}
	binaries, err := filepath.Glob("dist/datasource/gpx_driftline_datasource_*")
	if err != nil || len(binaries) == 0 {
		t.Fatal("no back end")
	}
	for _, b := range binaries {
		if info, err := os.Stat(b); err != nil || info.Mode().Perm()&0o111 != 0o111 {
			t.Errorf("%s cannot be run: %v %v", b, info.Mode(), err)
		}
	}
}
