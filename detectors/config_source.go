package detectors

import _ "embed"

// ConfigSource is the Go source of Config and Model, from which their manual
// is made.
//
//go:embed config.go
var ConfigSource string
