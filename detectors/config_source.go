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

// ConfigChoices are the names that the fields of the configuration may hold,
// with their manual.
func ConfigChoices() map[string][]config.Choice {
	var names []config.Choice
	for _, d := range register {
		names = append(names, config.Choice{Value: d.Name, Help: d.brief()})
	}
	lists := append([]config.Choice{
		{Value: DefaultSet, Help: "The default set."},
		{Value: AllSet, Help: "Every detector. More tests make each of them a little less sensitive."},
	}, names...)
	return map[string][]config.Choice{
		"Config.Detectors": lists, "Model.Detectors": lists,
		"Model.Thresholds": names, "FeatureRules.Thresholds": names,
	}
}
