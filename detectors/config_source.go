package detectors

import (
	_ "embed"

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
	sets := config.Choices{Name: "detectors.Set", Of: []config.Choice{
		{Value: DefaultSet, Help: "The default set."},
		{Value: AllSet, Help: "Every detector. More tests make each of them a little less sensitive."},
	}}
	return map[string][]config.Choices{
		"Config.Detectors": {sets, names}, "Model.Detectors": {sets, names},
		"Model.Thresholds": {names}, "FeatureRules.Thresholds": {names},
	}
}
