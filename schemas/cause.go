package schemas

import "time"

// CauseKind says what sort of trouble a cause is, and with that who should
// act: only CauseData and CauseConcept are mended by training again.
type CauseKind string

// The kinds of cause.
const (
	CauseInfrastructure CauseKind = "infrastructure" // hardware, network, serving, capacity
	CauseProvider       CauseKind = "provider"       // a model or service that others run
	CauseChange         CauseKind = "change"         // a deploy, a configuration, a driver
	CauseInput          CauseKind = "input"          // features that arrive broken: schema, unit, stale, missing
	CauseTraffic        CauseKind = "traffic"        // more, less or other requests than usual, rightly served
	CauseData           CauseKind = "data"           // the population moved
	CauseConcept        CauseKind = "concept"        // what follows from the features moved
	CauseUnobserved     CauseKind = "unobserved"     // nothing that is measured explains it
)

// Diagnosis is what the correlator makes of an incident: ranked causes with
// their evidence, what was ruled out and what could not be seen.
type Diagnosis struct {
	At         time.Time  `json:"at"`         // event time of the newest telemetry that was read
	Causes     []Cause    `json:"causes"`     // likeliest first
	RuledOut   []RuledOut `json:"ruled_out"`  // candidates that looked guilty, with the reason against them
	Unobserved []string   `json:"unobserved"` // entities on the paths without enough telemetry
	Advice     string     `json:"advice"`     // one sentence: what to do, and whether to retrain
	Retrain    bool       `json:"retrain"`    // whether training again would mend it
	Learnt     float64    `json:"learnt"`     // by how much judgements of people moved the log-odds of the confidences
}

// Cause is one explanation of an incident.
type Cause struct {
	Entity     string     `json:"entity"` // such as gpu/node-7:3; empty for traffic, data, concept and unobserved
	Kind       CauseKind  `json:"kind"`
	Mechanism  string     `json:"mechanism"`  // how it does harm, such as thermal_throttle
	Title      string     `json:"title"`      // one line for people
	Metric     string     `json:"metric"`     // that shows it best
	Score      float64    `json:"score"`      // evidence left after explaining away; above 0
	Confidence float64    `json:"confidence"` // probability that it is the cause, 0 to 1
	Onset      time.Time  `json:"onset"`      // event time at which its strongest evidence began
	Path       []string   `json:"path"`       // entities from the cause to the symptom
	Evidence   []Evidence `json:"evidence"`   // strongest first
}

// Evidence is a series or an event that speaks for a cause.
type Evidence struct {
	Entity string    `json:"entity"`
	Metric string    `json:"metric"` // or the kind of the event
	Before float64   `json:"before"` // median before the onset, in the metric's unit
	After  float64   `json:"after"`  // median since
	Z      float64   `json:"z"`      // robust: (after − before) / scale, signed
	N      int       `json:"n"`      // samples since the onset
	Onset  time.Time `json:"onset"`
	LeadS  float64   `json:"lead_s"` // seconds before the symptom; negative: after it
	Text   string    `json:"text"`   // one sentence
}

// RuledOut is a candidate that is not the cause.
type RuledOut struct {
	Entity string `json:"entity"`
	Metric string `json:"metric"`
	Reason string `json:"reason"`
}
