package multivariate

import (
	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
)

// Detector is one entry of the register: a pure statistic over rows and its
// manual.
type Detector struct {
	detectors.Manual

	// Compare a window's rows with the reference's, over the same columns. It
	// must not change its inputs. The seed decides what is random in it:
	// folds and splits, never the data.
	Compare func(ref, cur *mat.Dense, seed uint64) detectors.Result
}

// All lists the detectors in the order of the manual.
func All() []Detector {
	return []Detector{pcaDetector, mahalanobisDetector, correlationDetector, domainDetector, embeddingDetector, duplicatesDetector}
}

// Manuals of the detectors, for the page docs/detectors.md.
func Manuals() []detectors.Manual {
	var out []detectors.Manual
	for _, d := range All() {
		out = append(out, d.Manual)
	}
	return out
}
