package schemas

import (
	"strings"
	"time"
)

// BurnPrefix begins the ids of incidents that alerting opens itself, for models
// whose windows are bad too often. They belong to no single cause.
const BurnPrefix = "burn-"

// BurnRate tells whether the incident is about the share of bad windows rather
// than about one cause.
func (i *Incident) BurnRate() bool { return strings.HasPrefix(i.ID, BurnPrefix) }

// WindowVerdict is what all detectors of a model together said of one window.
type WindowVerdict struct {
	ModelKey
	End time.Time // event time
	Bad bool      // some detector alarmed
}
