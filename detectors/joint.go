package detectors

import (
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// jointNames are the detectors of several features at once, over rows: those
// of package multivariate, which has a test that the lists are one.
var jointNames = []string{"pca_reconstruction", "mahalanobis", "correlation_change", "domain_classifier", "embedding_shift", "duplicate_rows"}

// jointRows is how many rows of either side are compared unless told otherwise.
const jointRows = 2000

// JointSet stands in a configuration's list for all of them.
const JointSet = "multivariate"

// JointNames of the detectors over rows, in the order of the manual.
func JointNames() []string { return slices.Clone(jointNames) }

// Joint is what a detector over rows found in the window of one version.
type Joint struct {
	Manual     Manual
	Version    string
	NReference uint64 // rows compared: of samples
	NWindow    uint64
	Result     Result
}

// JointSource compares the rows of a window with those of the reference, for
// the detectors that Plan.Joint names: one element for each version of found
// and detector. It answers the same whenever it sees the same rows. Without
// rows of the reference it has no answer, which is no error.
type JointSource interface {
	Joint(ctx context.Context, p *Plan, ref *schemas.Reference, found []schemas.WindowSummaries) ([]Joint, error)
}

// Joint names the detectors over rows that the plan asks for.
func (p *Plan) Joint() []string { return p.joint }

// JointRows is how many rows of either side are compared at most.
func (p *Plan) JointRows() int { return cmp.Or(p.multivariate.Rows, jointRows) }

// JointFeature tells whether a numeric feature is a column of those rows.
func (p *Plan) JointFeature(name string) bool {
	if p.features[name].Ignore {
		return false
	}
	if len(p.multivariate.Features) == 0 {
		return name != schemas.FeatureLatency
	}
	return slices.ContainsFunc(p.multivariate.Features, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// selectedJoint are the detectors over rows that a list of names asks for.
func selectedJoint(names []string) (out []string) {
	for _, n := range jointNames {
		if slices.Contains(names, n) || slices.Contains(names, JointSet) {
			out = append(out, n)
		}
	}
	return out
}

// or fills in what is not set.
func (m Multivariate) or(general Multivariate) Multivariate {
	if m.Rows == 0 {
		m.Rows = general.Rows
	}
	if len(m.Features) == 0 {
		m.Features = general.Features
	}
	return m
}

// joint is run for what was found over rows.
func (e *evaluation) joint(j *Joint) {
	d := &Detector{Manual: j.Manual}
	s := e.base
	s.Version, s.Detector, s.Unit = j.Version, d.Name, d.Unit
	s.Threshold, s.NReference, s.NWindow = e.plan.threshold(d, ""), j.NReference, j.NWindow
	least := min(e.plan.MinRows, uint64(e.plan.JointRows()))
	switch {
	case s.NWindow == 0:
		s.State, s.Reason = schemas.StateNoData, d.Title+" of "+featureName("")+" has no data: the window has no rows"
	case min(s.NWindow, s.NReference) < least:
		s.State, s.Reason = schemas.StateInsufficient, tooFew(d, &s, least)
	default:
		e.take(d, &s, j.Result, nil)
	}
	e.signals = append(e.signals, s)
}
