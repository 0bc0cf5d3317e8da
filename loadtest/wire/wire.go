// Package wire writes records in the forms that producers use.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// Forms of inference events.
const (
	JSON     = "json"     // one a record
	Protobuf = "protobuf" // one a record
)

// Formats say how records are written. All but events are JSON, one a record;
// telemetry is an array of the samples of one scrape.
type Formats struct {
	Events string `yaml:"events" json:"events"` // json or protobuf. Default protobuf
}

// DefaultFormats are those of the demo.
func DefaultFormats() Formats { return Formats{Events: Protobuf} }

// Validate reports every mistake.
func (f Formats) Validate() error {
	if all := []string{JSON, Protobuf}; !slices.Contains(all, f.Events) {
		return errors.Join(config.Faultf("events", "unsupported form %q; supported: %s", f.Events, strings.Join(all, ", ")))
	}
	return nil
}

// Writer hands records on. Its methods return false when no more are wanted.
type Writer struct {
	formats Formats
	yield   func(loadtest.Record) bool
}

// NewWriter makes a Writer.
func NewWriter(f Formats, yield func(loadtest.Record) bool) *Writer { return &Writer{f, yield} }

// Event writes an inference event.
func (w *Writer) Event(e *schemas.Event) bool {
	if w.formats.Events == JSON {
		return w.json(loadtest.Events, e.Time, e.RequestID, e)
	}
	return w.yield(loadtest.Record{Kind: loadtest.Events, Time: e.Time, Key: e.RequestID, Value: e.AppendProto(make([]byte, 0, 512))})
}

// Label writes a label.
func (w *Writer) Label(l *schemas.Label) bool { return w.json(loadtest.Labels, l.Time, l.RequestID, l) }

// Samples writes the telemetry of one scrape, in records of at most a hundred.
func (w *Writer) Samples(at time.Time, all []schemas.Sample) bool {
	for part := range slices.Chunk(all, 100) {
		if !w.json(loadtest.Telemetry, at, "scrape", part) {
			return false
		}
	}
	return true
}

// Job writes an event of a job.
func (w *Writer) Job(j *schemas.JobEvent) bool { return w.json(loadtest.Jobs, j.Time, j.Job, j) }

// Change writes a change.
func (w *Writer) Change(c *schemas.Change) bool { return w.json(loadtest.Changes, c.Time, c.Entity, c) }

func (w *Writer) json(kind loadtest.Kind, at time.Time, key string, v any) bool {
	value, err := json.Marshal(v)
	if err != nil { // finite numbers and strings always marshal
		panic(fmt.Sprintf("wire: %s: %v", kind, err))
	}
	return w.yield(loadtest.Record{Kind: kind, Time: at, Key: key, Value: value})
}
