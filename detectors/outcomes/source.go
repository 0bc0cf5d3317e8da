package outcomes

import (
	"context"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Row is a number of predictions of one window that are alike.
type Row struct {
	Version    string
	Prediction string
	Score      float64 // NaN: none
	Labelled   bool
	Label      string  // the newest; empty: it came as a value only
	Value      float64 // the label as a number, NaN: none
	N          uint64
}

// Outcome is one labelled prediction.
type Outcome struct {
	Row
	Time time.Time // of the event
}

// Position is how far a Source has been read: by topic and partition of labels,
// the offset after the newest one. Nil: nothing yet.
type Position map[string]int64

// Source is where predictions and labels lie. A prediction is an event with a
// request id; of several with one id the newest counts, and of several labels of
// one id the newest by its own time, a correction.
type Source interface {
	// News are the minutes since a time that hold events whose labels came after
	// a position, and the position of now; all labelled minutes when since is nil.
	News(ctx context.Context, key schemas.ModelKey, since Position, from time.Time) ([]time.Time, Position, error)
	// Minutes since a time that hold predictions, ascending.
	Minutes(ctx context.Context, key schemas.ModelKey, from time.Time) ([]time.Time, error)
	// Rows of a window, with labels known until horizon after it.
	Rows(ctx context.Context, key schemas.ModelKey, span schemas.Span, horizon time.Duration) ([]Row, error)
	// Outcomes of a window in the order of event time and request id.
	Outcomes(ctx context.Context, key schemas.ModelKey, span schemas.Span, horizon time.Duration, each func(Outcome) error) error
	// Stream is the stored state of the sequential detectors of a model, nil for none.
	Stream(ctx context.Context, key schemas.ModelKey) (*Stream, error)
	// PutStream replaces it.
	PutStream(ctx context.Context, key schemas.ModelKey, s *Stream) error
}

// Sink takes what was found; publishing a window again replaces it.
type Sink interface {
	Publish(ctx context.Context, ev schemas.Evaluation) error
}

// Stream is how far outcomes of a model went into its sequential detectors, and
// their state.
type Stream struct {
	Until  time.Time         `json:"until"`  // end of the newest final window
	States map[string][]byte `json:"states"` // snapshots, by version and detector
	Duel   []byte            `json:"duel"`   // snapshot of champion against challenger
}
