package backtest

import (
	"fmt"
	"maps"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/multivariate"
	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/schemas"
)

// chunkPlan is the plan with thresholds of its own for every feature and
// detector: the mean + 3σ of the scores that the reference's own chunks get
// against the whole reference. Thresholds that the configuration gives for a
// feature stay, and so do those of scores that are 0 in every chunk. An alarm
// still has to be significant, too.
func chunkPlan(p *detectors.Plan, ref *schemas.Reference, in *inputs, o Options) (*detectors.Plan, error) {
	chunks, err := cut(in.reference, o)
	if err != nil {
		return nil, fmt.Errorf("--threshold-mode chunks: %w", err)
	}
	past := in.rowsOf(p, in.reference, o)
	type key struct{ feature, detector string }
	scores := map[key][]float64{}
	for _, c := range chunks {
		rows := in.reference.Select(c.rows)
		features, err := detectors.SummarizeTable(rows, o.roles(in.reference))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Reference, err)
		}
		found := []schemas.WindowSummaries{{ModelKey: p.Key, Span: c.span, Rows: uint64(rows.Rows), Features: features}}
		for _, s := range detectors.EvaluateJoint(p, nil, ref, found, multivariate.Compare(p, past, in.rowsOf(p, rows, o), ""), c.span, o.Now) {
			if s.State == schemas.StateOK || s.State == schemas.StateAlarm {
				k := key{s.Feature, s.Detector}
				scores[k] = append(scores[k], s.Score)
			}
		}
	}
	entry := o.Entry
	entry.Features = maps.Clone(entry.Features)
	if entry.Features == nil {
		entry.Features = map[string]detectors.FeatureRules{}
	}
	for k, values := range scores {
		high := performance.ChunkBand(values).High
		rules := entry.Features[k.feature]
		if _, given := o.Entry.Features[k.feature].Thresholds[k.detector]; given || !(high > 0) {
			continue
		}
		rules.Thresholds = maps.Clone(rules.Thresholds)
		if rules.Thresholds == nil {
			rules.Thresholds = map[string]float64{}
		}
		rules.Thresholds[k.detector] = high
		entry.Features[k.feature] = rules
	}
	return detectors.NewPlan(o.Config, entry)
}
