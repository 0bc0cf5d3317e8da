package schemas

import "time"

// Calibration is what a reference's own history says of unchanged windows: for
// each feature and detector the distribution of the score when nothing is
// wrong. It is derived from the history and from the length of the windows, so
// it is stored beside the reference, and is no part of its version.
type Calibration struct {
	Window  string    `json:"window"`  // length of the windows, as the configuration writes it
	Alarm   int       `json:"alarm"`   // windows that must change before an alarm,
	Of      int       `json:"of"`      // of so many
	From    time.Time `json:"from"`    // start of the first window
	To      time.Time `json:"to"`      // start of the last window
	Windows int       `json:"windows"` // windows with enough rows
	Nulls   []Null    `json:"nulls"`   // ascending by feature, kind and detector
	Key     string    `json:"key"`     // first 12 hex digits of the SHA-256 over reference and settings: what was made with the same key need not be made again
}

// Null is the null distribution of one detector's score for one feature.
// Scores are compared as roots r = √(q·(rows/typical)^γ), where q is the score,
// or its square where the score is a distance, with the season removed:
// r−mean+Root. The square of that is nearly gamma distributed, and minus the
// logarithm of the gamma's tail, the surprise, nearly exponential. Body and
// Tail say what is left to say.
type Null struct {
	Feature  string      `json:"feature"`
	Kind     FeatureKind `json:"kind"`
	Detector string      `json:"detector"`
	Windows  int         `json:"windows"`       // windows of the history with a score; 0: no null distribution, only Iid
	Memory   float64     `json:"memory"`        // autocorrelation time: windows that tell as much as one independent one; at least 1
	Sizes    Sizes       `json:"sizes"`         // how the score depends on rows
	Season   Season      `json:"season"`        // the mean root by hour
	Root     float64     `json:"root"`          // mean root of the history
	Shape    float64     `json:"shape"`         // of the gamma distribution
	Scale    float64     `json:"scale"`         // of the gamma distribution
	Body     []float64   `json:"body"`          // surprises at equal ranks, ascending, at most 64
	Tail     Tail        `json:"tail"`          // surprises above the body
	Iid      []Critical  `json:"iid,omitempty"` // scores by p-value for independent rows
}

// Sizes says how the square of a score shrinks with the rows of the window:
// like typical/rows to the power of γ within the sizes of the history, not at
// all above them, and in proportion below.
type Sizes struct {
	Least   float64 `json:"least"`
	Typical float64 `json:"typical"`
	Most    float64 `json:"most"`
	Power   float64 `json:"power"` // γ, 0 to 1
}

// Season is the mean root in each hour of the day or of the week (from Monday,
// UTC); both slices are empty where no season shows.
type Season struct {
	Period string    `json:"period"` // "", "day" or "week"
	Means  []float64 `json:"means,omitempty"`
	Counts []int     `json:"counts,omitempty"` // windows behind each mean; 0: the hour was never seen
}

// Tail is a tail of exponential surprises whose mean is known from Count
// observations only: P(Y > From+x) = Share·(1+x/(Count·Mean))^−Count.
type Tail struct {
	From  float64 `json:"from"`
	Share float64 `json:"share"`
	Mean  float64 `json:"mean"`
	Count float64 `json:"count"`
}

// Critical is the squared score of a window of independent rows that has a
// given p-value, in units of one over the rows (NM/(N+M)).
type Critical struct {
	PValue float64 `json:"p_value"`
	Square float64 `json:"square"`
}
