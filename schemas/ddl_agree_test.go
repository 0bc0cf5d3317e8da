package schemas_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// stored are the tables whose rows are records. except names the members that
// are stored in another shape.
var stored = []struct {
	table  string
	typ    reflect.Type
	except []string
}{
	{"inference_events", reflect.TypeFor[schemas.Event](), []string{"prediction", "score", "latency_ms", "features"}}, // num and cat
	{"labels", reflect.TypeFor[schemas.Label](), nil},
	{"telemetry", reflect.TypeFor[schemas.Sample](), nil},
	{"job_events", reflect.TypeFor[schemas.JobEvent](), nil},
	{"changes", reflect.TypeFor[schemas.Change](), nil},
	{"signals", reflect.TypeFor[schemas.Signal](), nil},
	{"incidents", reflect.TypeFor[schemas.Incident](), []string{"actions"}}, // a table of their own
	{"incident_actions", reflect.TypeFor[schemas.Action](), nil},
	{"audit_log", reflect.TypeFor[schemas.AuditEntry](), nil},
	{"notifications", reflect.TypeFor[schemas.Notification](), nil},
	{"silences", reflect.TypeFor[schemas.Silence](), nil},
	{"retrainings", reflect.TypeFor[schemas.Retraining](), nil},
	{"retraining_log", reflect.TypeFor[schemas.RetrainingEntry](), nil},
	{"outcomes", reflect.TypeFor[schemas.Outcome](), nil},
	{"outcome_stats", reflect.TypeFor[schemas.OutcomeStats](), nil},
	{"detector_states", reflect.TypeFor[schemas.DetectorState](), nil},
}

// columnTypes is how a Go type is stored, whatever its dictionary or codec.
var columnTypes = map[reflect.Type]string{
	reflect.TypeFor[time.Time]():          "DateTime64(3, 'UTC')",
	reflect.TypeFor[*time.Time]():         "Nullable(DateTime64(3, 'UTC'))",
	reflect.TypeFor[float64]():            "Float64",
	reflect.TypeFor[*float64]():           "Nullable(Float64)",
	reflect.TypeFor[bool]():               "Bool",
	reflect.TypeFor[int]():                "Int32",
	reflect.TypeFor[uint32]():             "UInt32",
	reflect.TypeFor[uint64]():             "UInt64",
	reflect.TypeFor[map[string]string]():  "Map(String, String)",
	reflect.TypeFor[[]string]():           "Array(String)",
	reflect.TypeFor[[]schemas.Signal]():   "String", // a JSON array
	reflect.TypeFor[*schemas.Diagnosis](): "String", // JSON
}

func columnType(t reflect.Type) string {
	if t.Kind() == reflect.String {
		return "String"
	}
	return columnTypes[t]
}

var (
	createTable    = regexp.MustCompile(`(?s)^CREATE TABLE IF NOT EXISTS (\w+) \n\((.*?)\n\)\nENGINE`)
	addColumn      = regexp.MustCompile(`^ALTER TABLE (\w+) +ADD COLUMN IF NOT EXISTS (\w+) (.+?) AFTER`)
	columnLine     = regexp.MustCompile("(?m)^    `?(\\w+)`? +(.+?),?$")
	columnExtras   = regexp.MustCompile(` (CODEC|COMMENT|ALIAS|DEFAULT|MATERIALIZED) ?.*`)
	lowCardinality = regexp.MustCompile(`LowCardinality\((\w+)\)`)
)

// tables are the columns of every table with their types.
func tables(t *testing.T) map[string]map[string]string {
	t.Helper()
	migrations, err := ddl.Migrations(ddl.Form{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for _, m := range migrations {
		for _, s := range m.Statements {
			table := createTable.FindStringSubmatch(s)
			if c := addColumn.FindStringSubmatch(s); c != nil {
				out[c[1]][c[2]] = lowCardinality.ReplaceAllString(columnExtras.ReplaceAllString(c[3], ""), "$1")
			}
			if table == nil {
				continue
			}
			out[table[1]] = map[string]string{}
			for _, c := range columnLine.FindAllStringSubmatch(table[2], -1) {
				if c[1] == "INDEX" {
					continue
				}
				typ := lowCardinality.ReplaceAllString(columnExtras.ReplaceAllString(c[2], ""), "$1")
				out[table[1]][c[1]] = typ
			}
		}
	}
	return out
}

func TestTablesAgreeWithGo(t *testing.T) {
	all := tables(t)
	for _, s := range stored {
		columns := all[s.table]
		if len(columns) == 0 {
			t.Errorf("no table %s", s.table)
		}
		known := map[string]bool{}
		for _, m := range members(s.typ) {
			known[m.name] = true
			if want := columnType(m.typ); !slices.Contains(s.except, m.name) && columns[m.name] != want {
				t.Errorf("%s: column %s is %q, want %q", s.table, m.name, columns[m.name], want)
			}
		}
		for name := range columns {
			packed := s.table == "inference_events" && (name == "num" || name == "cat")
			if !known[name] && !packed && !strings.HasPrefix(name, "_") {
				t.Errorf("%s: column %s is in no Go type", s.table, name)
			}
		}
	}
}
