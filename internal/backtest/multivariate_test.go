package backtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftline/driftline/schemas"
)

// related writes rows of two features that move together, and from the row of
// the change on against each other, each as before.
func related(t *testing.T, file string, seed uint64, rows, change int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 77))
	var b strings.Builder
	b.WriteString("income,spending,age\n")
	for i := range rows {
		x, sign := rng.NormFloat64(), 1.0
		if i >= change {
			sign = -1
		}
		fmt.Fprintf(&b, "%.4f,%.4f,%.4f\n", x, sign*x+0.5*rng.NormFloat64(), rng.NormFloat64())
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Detectors over rows judge the windows of a backtest beside the others, also
// against chunks of the reference, and only where a list names them.
func TestBacktestOverRows(t *testing.T) {
	o := Options{Model: "m", Reference: related(t, "reference.csv", 1, 6000, 6000), Data: related(t, "data.csv", 2, 5000, 3000), Window: WindowSpec{Rows: 500}}
	if r := run(t, o); r.Summary.Alarms != 0 || r.Signals[len(r.Signals)-1].Feature == "" {
		t.Fatalf("single features: %+v", r.Summary)
	}
	for _, mode := range []ThresholdMode{Calibrated, Chunks} {
		o.Detectors, o.Thresholds = []string{"default", "multivariate"}, mode
		r := run(t, o)
		found := map[string]int{}
		for _, s := range r.Signals {
			if s.State != schemas.StateAlarm {
				continue
			}
			if at := s.WindowStart.Unix(); at < 3000 || s.Feature != "" {
				t.Errorf("%s: %s alarms at row %d: %s", mode, s.Detector, at, s.Reason)
			}
			found[s.Detector]++
		}
		if found["correlation_change"] != 4 || found["pca_reconstruction"] != 4 || found["mahalanobis"] != 0 {
			t.Errorf("%s: windows alarmed %v", mode, found)
		}
	}
	o.Detectors = []string{"mahalonobis"}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), `did you mean "mahalanobis"?`) {
		t.Errorf("error %v", err)
	}
}
