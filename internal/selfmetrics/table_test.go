package selfmetrics

import (
	"regexp"
	"strings"
	"testing"
)

func TestTableIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	valid := regexp.MustCompile(`^driftline_[a-z_]+$`)
	for _, m := range Table {
		if !valid.MatchString(m.Name) || seen[m.Name] {
			t.Errorf("name %q is malformed or given twice", m.Name)
		}
		seen[m.Name] = true
		if (m.Kind == Counter) != strings.HasSuffix(m.Name, "_total") {
			t.Errorf("%s: counters, and only they, end in _total", m.Name)
		}
		if !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: help %q is not a sentence", m.Name, m.Help)
		}
	}
}

func TestMetricsPageHasARowForEach(t *testing.T) {
	page := string(MetricsPage(Table))
	for _, m := range Table {
		if !strings.Contains(page, "| `"+m.Name+"` | "+string(m.Kind)) {
			t.Errorf("no row for %s", m.Name)
		}
	}
}
