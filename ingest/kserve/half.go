package kserve

import (
	"fmt"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Kind tells a request from a response.
type Kind uint8

// The kinds of halves.
const (
	Request Kind = iota
	Response
)

func (k Kind) String() string {
	if k == Response {
		return "response"
	}
	return "request"
}

// Half of an inference: the request or the response.
type Half struct {
	ID      string // shared by both halves of an inference
	Kind    Kind
	Target  Target
	Version string    // of the model, if the body tells
	Time    time.Time // when the half was logged
	Rows    []Row     // at least one
}

// Target is what was asked: requests and responses meet within one.
type Target struct {
	Namespace string
	Service   string // InferenceService
	Component string // predictor, transformer or explainer
	Endpoint  string // default or canary
}

// predictor is the component whose features are those of the model.
const predictor = "predictor"

func (t Target) component(name string) string {
	if t.Component == "" || t.Component == predictor {
		return name
	}
	return name + "/" + t.Component
}

// Model names the model: the service, and a component that is not the predictor.
func (t Target) Model() string { return t.component(t.Service) }

// Deployment names what runs the model: namespace/service, and a component
// that is not the predictor.
func (t Target) Deployment() string {
	if t.Namespace == "" {
		return t.Model()
	}
	return t.Namespace + "/" + t.Model()
}

// Segment is the endpoint, unless it is the default one.
func (t Target) Segment() string {
	if t.Endpoint == "default" {
		return ""
	}
	return t.Endpoint
}

// Row is one instance of a request, or what a response says about one.
type Row struct {
	Features   schemas.Features // of a response, what is neither prediction nor score
	Prediction string
	Score      *float64 // nil is missing
}

// Reason sorts the records that cannot be read.
type Reason string

// The reasons why a record cannot be read.
const (
	BadEvent        Reason = "bad_cloudevent"    // attributes are missing or wrong
	BadTime         Reason = "bad_timestamp"     // time is not RFC 3339
	BadJSON         Reason = "bad_json"          // the text is no JSON
	BadBody         Reason = "bad_body"          // JSON, but of neither protocol
	BadFeature      Reason = "bad_feature"       // a name that is empty, reserved or given twice
	TooManyRows     Reason = "too_many_rows"     // beyond [Limits.Rows]
	TooManyFeatures Reason = "too_many_features" // beyond [Limits.Features]
	TooManyValues   Reason = "too_many_values"   // beyond [Limits.Values]
)

// Error says why a record cannot be read, now or ever. It quotes names and
// attributes, never values.
type Error struct {
	Reason Reason
	Detail string
}

func (e *Error) Error() string { return e.Detail }

func bad(reason Reason, format string, args ...any) error {
	return &Error{reason, fmt.Sprintf(format, args...)}
}
