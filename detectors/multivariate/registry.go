package multivariate

import (
	"strconv"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
)

// Detector is one entry of the register: a pure statistic over rows and its
// manual.
type Detector struct {
	detectors.Manual

	// Compare a window's rows with the reference's, over the same columns. It
	// must not change its inputs.
	Compare func(ref, cur *mat.Dense, o Options) detectors.Result
}

// Options of a comparison.
type Options struct {
	Seed    uint64   // decides what is random: folds and splits, never the data
	Columns []string // names of the columns, for the reason; nil: their numbers
}

func (o Options) column(i int) string {
	if o.Columns == nil {
		return "column " + strconv.Itoa(i)
	}
	return "'" + o.Columns[i] + "'"
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
