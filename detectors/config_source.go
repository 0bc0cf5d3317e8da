package detectors

import (
	_ "embed"

	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Config and Model, from which their manual
// is made.
//
//go:embed config.go
var ConfigSource string

// ConfigChoices are the names that fields of the configuration may hold, with
// their manual.
func ConfigChoices() map[string][]config.Choices {
	names := config.Choices{Name: "detectors.Detector"}
	for _, d := range register {
		names.Of = append(names.Of, config.Choice{Value: d.Name, Help: d.brief()})
	}
	joint := config.Choices{Name: "detectors.JointDetector"}
	for _, n := range jointNames {
		joint.Of = append(joint.Of, config.Choice{Value: n, Help: "Over rows of several features; see docs/detectors.md."})
	}
	sets := config.Choices{Name: "detectors.Set", Of: []config.Choice{
		{Value: DefaultSet, Help: "The default set."},
		{Value: JointSet, Help: "Every detector over rows of several features."},
		{Value: AllSet, Help: "Every detector over single features. More tests make each of them a little less sensitive."},
	}}
	kinds := config.Choices{Name: "detectors.ReferenceKind"}
	for _, k := range referenceKinds {
		kinds.Of = append(kinds.Of, config.Choice{Value: k.name, Help: k.help})
	}
	return map[string][]config.Choices{
		"ReferenceFile.Kind": {kinds},
		"Config.Detectors":   {sets, names, joint}, "Model.Detectors": {sets, names, joint},
		"Model.Thresholds": {names, joint}, "FeatureRules.Thresholds": {names},
		"Model.Sequential": outcomes.SequentialChoices(),
	}
}
