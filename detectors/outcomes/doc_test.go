package outcomes_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/detectors/performance"
)

// The manual has every metric that a task takes, with the effect that counts.
func TestManualHasEveryMetric(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range performance.Metrics() {
		tasks := 0
		for _, task := range []string{outcomes.Binary, outcomes.Multiclass, outcomes.Regression} {
			if (outcomes.Performance{Task: task, Metrics: []string{m.Name}}).Validate() == nil {
				tasks++
			}
		}
		row := fmt.Sprintf("| `%s` | ", m.Name)
		_, rest, found := strings.Cut(string(text), row)
		if found != (tasks > 0) {
			t.Errorf("%s: taken by %d tasks, in the manual %v", m.Name, tasks, found)
			continue
		}
		if line, _, _ := strings.Cut(rest, "\n"); found && m.Effect > 0 && !strings.HasSuffix(line, fmt.Sprintf("| %v |", m.Effect)) {
			t.Errorf("%s: the manual says %q, the effect is %v", m.Name, line, m.Effect)
		}
	}
}
