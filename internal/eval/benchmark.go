package eval

import (
	"context"
	"fmt"
	"maps"

	"github.com/driftline/driftline/detectors/sequential"
)

// DefaultSeed is that of the synthetic streams, and of KSWIN.
const DefaultSeed = 42

// DefaultRuns is how often each synthetic stream is drawn.
const DefaultRuns = 20

// Options of both kinds of evaluation; the command's flags by the same names.
type Options struct {
	Detectors []string                     // by name; empty means all
	Set       map[string]sequential.Params // parameters by detector; those left out have their defaults
	Seed      uint64                       // of synthetic streams, and of detectors with a seed unless Set has it
	Runs      int                          // of each synthetic stream; at least 1
	Data      string                       // folder of real streams; empty means none
}

// chosen makes every detector once, which checks names and parameters.
func (o *Options) chosen() (out []Detector, err error) {
	names := o.Detectors
	if len(names) == 0 {
		names = sequential.Names()
	}
	for _, name := range names {
		e, err := sequential.Lookup(name)
		if err != nil {
			return nil, err
		}
		set := sequential.Params{}
		if _, err := e.Param("seed"); err == nil {
			set["seed"] = float64(o.Seed)
		}
		maps.Copy(set, o.Set[name])
		d, err := sequential.New(name, set)
		if err != nil {
			return nil, err
		}
		out = append(out, Detector{Name: name, Title: e.Title, Params: d.Params(), Domain: e.Domain.String(), entry: e, at: d})
	}
	for name := range o.Set {
		if !hasDetector(out, name) {
			return nil, fmt.Errorf("parameters are set for %s, which is not among the detectors", name)
		}
	}
	return out, nil
}

func hasDetector(ds []Detector, name string) bool {
	for i := range ds {
		if ds[i].Name == name {
			return true
		}
	}
	return false
}

// Detector is one that takes part.
type Detector struct {
	Name   string            `json:"name"`
	Title  string            `json:"title"`
	Domain string            `json:"domain"` // values that it takes, in words
	Params sequential.Params `json:"parameters"`

	entry sequential.Entry
	at    *sequential.Detector
}

// fresh is the detector without memory.
func (d *Detector) fresh() *sequential.Detector {
	d.at.Reset()
	return d.at
}

// Report of a benchmark; its JSON form is stable and its arrays are never null.
type Report struct {
	Seed      uint64     `json:"seed"`
	Detectors []Detector `json:"detectors"`
	Streams   []Stream   `json:"streams"`
	Absent    []string   `json:"absent"` // real streams whose file is not in the folder
}

// Stream is one labelled stream and how the detectors did on it.
type Stream struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Rows      int      `json:"rows"` // of a run
	Runs      int      `json:"runs"`
	Changes   []Change `json:"changes"`   // of a run
	Unknown   bool     `json:"unknown"`   // it has changes, but nobody knows where: alarms are neither true nor false
	Tolerance int      `json:"tolerance"` // rows after a change in which alarms count for it
	Accuracy  *float64 `json:"accuracy"`  // of the classifier when it never begins anew; nil without one
	Results   []Result `json:"results"`   // by detector
}

// Result is one detector on one stream.
type Result struct {
	Detector      string `json:"detector"`
	NotApplicable string `json:"not_applicable,omitempty"` // why it was not run
	Score
	Accuracy *float64 `json:"accuracy"` // of the classifier that begins anew at each alarm; nil without one
}

// stream is what the detectors are played: values, or a table to classify.
type stream struct {
	name, title string
	rows, runs  int
	changes     []Change
	unknown     bool
	tolerance   int

	bits   bool                    // values are 0 or 1
	values func(run int) []float64 // nil for a table
	table  *table
}

// Benchmark plays the synthetic streams, and the real ones of o.Data, to the
// detectors.
func Benchmark(ctx context.Context, o Options) (*Report, error) {
	if o.Runs < 1 {
		return nil, fmt.Errorf("runs = %d: want at least 1", o.Runs)
	}
	ds, err := o.chosen()
	if err != nil {
		return nil, err
	}
	r := &Report{Seed: o.Seed, Detectors: ds, Streams: []Stream{}, Absent: []string{}}
	streams := syntheticStreams(o.Seed, o.Runs)
	if o.Data != "" {
		found, absent, err := realStreams(o.Data)
		if err != nil {
			return nil, err
		}
		streams, r.Absent = append(streams, found...), append(r.Absent, absent...)
	}
	for i := range streams {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.Streams = append(r.Streams, streams[i].play(ds))
	}
	return r, nil
}

func (s *stream) play(ds []Detector) Stream {
	out := Stream{
		Name: s.name, Title: s.title, Rows: s.rows, Runs: s.runs,
		Changes: append([]Change{}, s.changes...), Unknown: s.unknown, Tolerance: s.tolerance,
	}
	if s.table != nil {
		_, accuracy := s.table.play(nil)
		out.Accuracy = &accuracy
	}
	tallies := make([]tally, len(ds))
	accuracies := make([]*float64, len(ds))
	for run := range s.runs {
		var values []float64
		if s.values != nil {
			values = s.values(run)
		}
		for i := range ds {
			if s.refuses(&ds[i]) != "" {
				continue
			}
			var alarms []int
			if s.table != nil {
				found, accuracy := s.table.play(ds[i].fresh())
				alarms, accuracies[i] = found, &accuracy
			} else {
				alarms, _ = positions(ds[i].fresh(), values)
			}
			tallies[i].add(s.rows, s.changes, s.tolerance, alarms)
		}
	}
	for i := range ds {
		out.Results = append(out.Results, s.result(&ds[i], &tallies[i], accuracies[i]))
	}
	return out
}

// refuses says why a detector cannot take the stream, or nothing.
func (s *stream) refuses(d *Detector) string {
	if s.bits || s.table != nil || d.entry.Domain == sequential.Real {
		return ""
	}
	return "takes " + d.Domain
}

func (s *stream) result(d *Detector, t *tally, accuracy *float64) Result {
	out := Result{Detector: d.Name, NotApplicable: s.refuses(d), Accuracy: accuracy}
	switch {
	case out.NotApplicable != "":
	case s.unknown:
		out.Alarms = t.score.Alarms
	default:
		out.Score = t.result()
	}
	return out
}

// positions plays values to a detector: rows that alarm, and rows at which
// warnings begin.
func positions(d *sequential.Detector, values []float64) (drifts, warnings []int) {
	last := sequential.None
	for i, v := range values {
		s := d.Step(v)
		switch {
		case s == sequential.Drift:
			drifts = append(drifts, i)
		case s == sequential.Warning && last != sequential.Warning:
			warnings = append(warnings, i)
		}
		last = s
	}
	return drifts, warnings
}
