package schemas_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

var update = flag.Bool("update", false, "write the golden files anew")

// forms are where the tables can be made.
var forms = map[string]ddl.Form{"single": {}, "cluster": {Cluster: "main"}}

func statements(t *testing.T, form ddl.Form) (out []string) {
	t.Helper()
	migrations, err := ddl.Migrations(form)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range migrations {
		out = append(out, m.Statements...)
	}
	return out
}

var (
	created  = regexp.MustCompile(`^CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS (\w+) `)
	engineOf = regexp.MustCompile(`(?m)\bENGINE = (\w+)\((.*)\)`)
	viewInto = regexp.MustCompile(`(?m)^TO (\w+) AS$`)
)

// byName are the statements by what they create.
func byName(t *testing.T, form ddl.Form) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range statements(t, form) {
		if strings.HasPrefix(s, "ALTER TABLE ") {
			continue
		}
		m := created.FindStringSubmatch(s)
		if m == nil || out[m[2]] != "" {
			t.Fatalf("creates nothing, or something twice:\n%s", s)
		}
		out[m[2]] = s
	}
	return out
}

// What the forms render to is reviewed as a whole: -update writes it anew.
func TestDDLIsAsReviewed(t *testing.T) {
	for name, form := range forms {
		path := filepath.Join("testdata", name+".golden.sql")
		got := strings.ReplaceAll(strings.Join(statements(t, form), ";\n\n")+";\n", ddl.LevelList(), "<levels>")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || got != string(want) {
			t.Errorf("%s differs (%v); if that is meant: go test ./schemas -run DDLIsAsReviewed -update", path, err)
		}
	}
}

// On a single server nothing speaks of clusters.
func TestSingleFormHasNoCluster(t *testing.T) {
	for _, s := range statements(t, forms["single"]) {
		for _, word := range []string{"ON CLUSTER", "Replicated", "Distributed", "_local", "{replica}"} {
			if strings.Contains(s, word) {
				t.Errorf("%s in\n%s", word, s)
			}
		}
	}
}

// In a cluster everything is made everywhere; every table of the single form
// is a replicated one with the suffix _local, and a distributed one over it.
func TestClusterFormReplicatesAndDistributes(t *testing.T) {
	cluster := byName(t, forms["cluster"])
	for name, s := range cluster {
		if head, _, _ := strings.Cut(s, "\n"); !strings.Contains(head, name+" ON CLUSTER 'main'") {
			t.Errorf("not on the cluster: %s", head)
		}
	}
	for name, s := range byName(t, forms["single"]) {
		if strings.HasPrefix(s, "CREATE VIEW") { // reads what is distributed
			if cluster[name] == "" {
				t.Errorf("no view %s", name)
			}
			continue
		}
		local := cluster[name+"_local"]
		if !strings.HasPrefix(s, "CREATE TABLE") {
			if local == "" {
				t.Errorf("no view %s_local", name)
			}
			continue
		}
		if strings.Contains(s, "ENGINE = Null") { // keeps nothing: written to where it is, never read
			if !strings.Contains(local, "ENGINE = Null") {
				t.Errorf("%s_local keeps something:\n%s", name, local)
			}
			continue
		}
		single, replicated := engineOf.FindStringSubmatch(s), engineOf.FindStringSubmatch(local)
		args := strings.TrimSuffix("'/clickhouse/tables/{uuid}/{shard}', '{replica}', "+single[2], ", ")
		if len(replicated) == 0 || replicated[1] != "Replicated"+single[1] || replicated[2] != args {
			t.Errorf("%s: engine %q, replicated %q", name, single, replicated)
		}
		over := fmt.Sprintf("AS %s_local ENGINE = Distributed('main', currentDatabase(), '%s_local', cityHash64(", name, name)
		if !strings.Contains(cluster[name], over) {
			t.Errorf("nothing over %s_local:\n%s", name, cluster[name])
		}
	}
}

// Everything that a token must count once has a window of its own to remember
// it in: what ingest writes to, and what views write to. Views see the shard's
// own part only.
func TestEveryTargetOfTokensDeduplicates(t *testing.T) {
	for name, form := range forms {
		all := byName(t, form)
		setting := fmt.Sprintf("SETTINGS non_replicated_deduplication_window = %d", ddl.DedupWindow)
		if form.Cluster != "" {
			setting = fmt.Sprintf("SETTINGS replicated_deduplication_window = %d, replicated_deduplication_window_seconds = ", ddl.DedupWindow)
		}
		targets := 0
		for table, s := range all {
			if m := viewInto.FindStringSubmatch(s); m != nil {
				targets++
				if !strings.Contains(all[m[1]], setting) {
					t.Errorf("%s: %s, which %s fills, forgets tokens:\n%s", name, m[1], table, all[m[1]])
				}
				if !strings.Contains(s, "FROM "+form.Local("feature_states")) {
					t.Errorf("%s: view %s does not read the local table", name, table)
				}
			}
			written := strings.Contains(s, "_offset ")
			if written && !strings.Contains(s, setting) {
				t.Errorf("%s: %s forgets tokens", name, table)
			}
		}
		if targets < 1 {
			t.Errorf("%s: %d views", name, targets)
		}
	}
}

var aliasLine = regexp.MustCompile(`(?m)^    (\w+) +(\w+) ALIAS (num|cat)\[(\d+)\]`)

// score, latency_ms and prediction are the built-in features at the positions
// that every schema reserves for them.
func TestAliasesAreTheReservedPositions(t *testing.T) {
	s := schemas.NewFeatureSchema(schemas.SchemaKey{})
	arrays := map[string]struct {
		names []string
		typ   string
	}{"num": {s.Numeric, "Float32"}, "cat": {s.Categorical, "String"}}
	found := aliasLine.FindAllStringSubmatch(byName(t, ddl.Form{})["inference_events"], -1)
	if len(found) != len(s.Numeric)+len(s.Categorical) {
		t.Errorf("aliases %q", found)
	}
	for _, a := range found {
		array := arrays[a[3]]
		at, err := strconv.Atoi(a[4]) // from 1
		if err != nil || at < 1 || at > len(array.names) || array.names[at-1] != "_"+a[1] || array.typ != a[2] {
			t.Errorf("%q is not a reserved position of %q", a, array.names)
		}
	}
	columns := tables(t)["inference_events"]
	if columns["num"] != "Array(Float32)" || columns["cat"] != "Array(String)" {
		t.Errorf("num is %s, cat is %s", columns["num"], columns["cat"])
	}
}

var upper = regexp.MustCompile(`([a-z])([A-Z])`)

// References and feature schemas are stored by the names of their Go fields.
func TestReferencesAndSchemasHaveTheirColumns(t *testing.T) {
	special := map[string]string{"position": "UInt16", "features": "String", "calibration": "String", "spans": "String"} // ingest.max_features fits; JSON
	for table, typ := range map[string]reflect.Type{
		"references": reflect.TypeFor[schemas.Reference](), "model_schemas": reflect.TypeFor[schemas.SchemaEntry](),
	} {
		columns, seen := tables(t)[table], 0
		for _, f := range reflect.VisibleFields(typ) {
			if f.Anonymous {
				continue
			}
			seen++
			name := strings.ToLower(upper.ReplaceAllString(f.Name, "${1}_$2"))
			want := special[name]
			if want == "" {
				want = columnType(f.Type)
			}
			if columns[name] != want {
				t.Errorf("%s: column %s is %q, want %q", table, name, columns[name], want)
			}
		}
		if seen != len(columns) {
			t.Errorf("%s: %d fields, %d columns", table, seen, len(columns))
		}
	}
}
