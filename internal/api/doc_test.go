package api_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/api"
)

// The manual has every operation with its summary and role, and no other.
func TestManualHasEveryOperation(t *testing.T) {
	manual, err := os.ReadFile("../../docs/api.md")
	check(t, err)
	text, err := api.OpenAPI()
	check(t, err)
	var d struct {
		Paths map[string]map[string]struct{ Summary, Description string }
	}
	check(t, json.Unmarshal(text, &d))
	rows := 0
	for path, methods := range d.Paths {
		for method, o := range methods {
			role := strings.TrimSuffix(strings.TrimPrefix(o.Description, "Needs the role "), ".")
			row := fmt.Sprintf("| `%s %s` | %s | %s |\n", strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1"), o.Summary, role)
			if rows++; !strings.Contains(string(manual), row) {
				t.Errorf("docs/api.md lacks %s", row)
			}
		}
	}
	if got := strings.Count(string(manual), "| `GET /") + strings.Count(string(manual), "| `POST /") + strings.Count(string(manual), "| `DELETE /"); got != rows {
		t.Errorf("docs/api.md has %d operations, the API %d", got, rows)
	}
}
