package schemas

import "time"

// FeatureKind tells how a feature's values are summarised.
type FeatureKind string

// The kinds of feature.
const (
	Numeric     FeatureKind = "numeric"
	Categorical FeatureKind = "categorical"
)

// Names of the built-in features. They hold the reserved positions
// 0, 1 (numeric) and 0 (categorical) of every model's feature arrays, so that
// predictions and latency drift by the same path as any feature. A record may
// not use them as names of its own features.
const (
	FeatureScore      = "_score"
	FeatureLatency    = "_latency_ms"
	FeaturePrediction = "_prediction"
)

// OtherCategories is the category that stands for all that are too many to be
// counted one by one.
const OtherCategories = "_other"

// ModelKey names a model of a tenant.
type ModelKey struct {
	Tenant string `json:"tenant"`
	Model  string `json:"model"`
}

// SchemaKey names one append-only feature schema.
type SchemaKey struct {
	Tenant  string `json:"tenant"`
	Model   string `json:"model"`
	Version string `json:"version"`
}

// Span is a half-open interval of event time: [Start, End).
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Contains tells whether t lies in the span.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// Overlaps tells whether two spans share an instant.
func (s Span) Overlaps(o Span) bool { return s.Start.Before(o.End) && o.Start.Before(s.End) }

// Point is a value and how many rows it stands for; the weight of a point that
// comes from a sketch may be fractional.
type Point struct {
	Value  float64 `json:"v"`
	Weight float64 `json:"w"`
}

// Category is a categorical value and its count.
type Category struct {
	Value string `json:"v"`
	Count uint64 `json:"n"`
}

// Summary describes one feature over a set of rows: a window or a reference.
// It is what detectors see. A numeric one carries its distribution as weighted
// points, exact when made from rows and within the sketch's error when merged
// in the store; a categorical one carries counts. Detectors must not change it.
type Summary struct {
	Feature string      `json:"feature"`
	Kind    FeatureKind `json:"kind"`
	Rows    uint64      `json:"rows"`    // rows seen, missing ones included
	Missing uint64      `json:"missing"` // rows without a value (absent, null, NaN, empty)

	// Of the missing ones, those whose value is of the other kind: text for a
	// number, or a number for text. The store keeps such values under the same
	// name as a feature of that kind; whoever has both summaries at hand fills
	// this in. 0 means none, or not known.
	OtherKind uint64 `json:"other_kind,omitempty"`

	// Numeric features, over the values present.
	Min        float64    `json:"min,omitempty"`
	Max        float64    `json:"max,omitempty"`
	Mean       float64    `json:"mean,omitempty"`
	Variance   float64    `json:"variance,omitempty"`   // population variance (divided by n)
	Points     []Point    `json:"points,omitempty"`     // ascending by value, distinct values, weights sum to Present
	Categories []Category `json:"categories,omitempty"` // categorical features: ascending by value, counts sum to Present
}

// Present is the number of rows that have a value.
func (s *Summary) Present() uint64 { return s.Rows - min(s.Missing, s.Rows) }

// WindowSummaries are all features of one model version and segment in one window.
type WindowSummaries struct {
	ModelKey
	Version  string
	Segment  string
	Span     Span
	Rows     uint64
	Features []Summary // ascending by kind, then by feature
}

// Reference is a frozen, versioned set of summaries to compare windows with.
type Reference struct {
	ModelKey
	Name      string    // given by the user, such as "training"
	Version   string    // first 12 hex digits of the SHA-256 over its content
	Source    string    // file name, or kind and time of the production, that it was made from
	CreatedAt time.Time // when it was first stored
	Rows      uint64
	Features  []Summary // ascending by kind, then by feature

	Kind         string // profile, trailing, range, same_hour_of_week or version; empty means profile
	Spans        []Span // of production that it was made of, ascending and disjoint; nil of a file
	ModelVersion string // whose production that was; empty: all versions

	Calibration *Calibration // nil when nothing is known of its history
}

// ID is how signals name the reference: name@version.
func (r *Reference) ID() string { return r.Name + "@" + r.Version }

// Touch announces that a batch changed stored data of a model: the hand-over
// from ingest to detection, sent after the write and keyed by tenant and model.
// Receiving it twice is harmless.
type Touch struct {
	ModelKey
	Labels    bool      `json:"labels,omitempty"` // the rows are labels; spans and watermark are of the times at which they became known
	Spans     []Span    `json:"spans"`            // minutes that the batch touched, merged and ascending
	Rows      uint64    `json:"rows"`             // rows of the batch for this model
	Watermark time.Time `json:"watermark"`        // newest event time of the batch for this model
}

// Bytes of the key as Kafka's record key: all records of a model meet in one
// partition.
func (k ModelKey) Bytes() []byte { return []byte(k.Tenant + "/" + k.Model) }
