package outcomes

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/schemas"
)

// follower runs the outcomes of one final window through the sequential
// detectors of all versions. It starts from a Stream and ends in the next one,
// which is not the same object: a window can be followed again.
type follower struct {
	*Judge
	detectors map[string]*sequential.Detector // by version and name
	changes   map[string][]time.Time          // found in this window, by the same
	errors    map[string]*mean                // of this window, by version
	duel      *performance.Sequential
	pairs     [2][]float64 // losses of champion and challenger that wait for their like
}

type mean struct {
	sum float64
	n   uint64
}

func streamKey(version, detector string) string { return version + "\x00" + detector }

// follow makes a follower from the state before a window.
func (j *Judge) follow(before *Stream) (*follower, error) {
	f := &follower{Judge: j, detectors: map[string]*sequential.Detector{}, changes: map[string][]time.Time{}, errors: map[string]*mean{}}
	if before != nil {
		for key, state := range before.States {
			d, err := sequential.Restore(state)
			if err != nil {
				return nil, fmt.Errorf("restore sequential detector of %s: %w", j.key.Model, err)
			}
			f.detectors[key] = d
		}
	}
	if j.cfg.Challenger == "" {
		return f, nil
	}
	var err error
	if before != nil && len(before.Duel) > 0 {
		var state performance.SequentialState
		if err = json.Unmarshal(before.Duel, &state); err == nil {
			f.duel, err = performance.RestoreSequential(state)
		}
	} else {
		f.duel, err = performance.NewSequential(j.level, 1)
	}
	if err != nil {
		return nil, fmt.Errorf("restore challenge of %s: %w", j.key.Model, err)
	}
	return f, nil
}

// step takes the next outcome.
func (f *follower) step(o Outcome) error {
	x := f.wrong(o.Row)
	if math.IsNaN(x) {
		return nil
	}
	m := f.errors[o.Version]
	if m == nil {
		m = &mean{}
		f.errors[o.Version] = m
	}
	m.sum, m.n = m.sum+x, m.n+1
	for _, name := range f.cfg.Sequential {
		key := streamKey(o.Version, name)
		d := f.detectors[key]
		if d == nil {
			var err error
			if d, err = sequential.New(name, nil); err != nil {
				return err
			}
			f.detectors[key] = d
		}
		if d.Step(x) == sequential.Drift {
			f.changes[key] = append(f.changes[key], o.Time)
		}
	}
	f.challenge(o.Version, x)
	return nil
}

// challenge pairs outcomes of champion and challenger in the order in which they
// come. Where requests are given to versions by chance, pairs are as good as two
// answers to one request.
func (f *follower) challenge(version string, loss float64) {
	if f.duel == nil || version != f.cfg.Champion && version != f.cfg.Challenger {
		return
	}
	k := int(bit(version == f.cfg.Challenger))
	f.pairs[k] = append(f.pairs[k], loss)
	if n := min(len(f.pairs[0]), len(f.pairs[1])); n > 0 {
		f.duel.Add(f.pairs[0][0], f.pairs[1][0])
		f.pairs[0], f.pairs[1] = f.pairs[0][1:], f.pairs[1][1:]
	}
}

// after is the state after the window.
func (f *follower) after(span schemas.Span) (*Stream, error) {
	out := &Stream{Until: span.End, States: map[string][]byte{}}
	for key, d := range f.detectors {
		state, err := d.MarshalBinary()
		if err != nil {
			return nil, err
		}
		out.States[key] = state
	}
	if f.duel != nil {
		state, err := json.Marshal(f.duel.Snapshot())
		if err != nil {
			return nil, err
		}
		out.Duel = state
	}
	return out, nil
}

// signals of the window.
func (f *follower) signals(span schemas.Span) []schemas.Signal {
	var out []schemas.Signal
	base := schemas.Signal{
		WindowStart: span.Start, WindowEnd: span.End, Tenant: f.key.Tenant, Model: f.key.Model,
		Feature: schemas.FeaturePerformance, PValue: 1, Reference: f.reference,
	}
	for _, version := range slices.Sorted(maps.Keys(f.errors)) {
		m := f.errors[version]
		for _, name := range f.cfg.Sequential {
			s := base
			s.Version, s.Detector, s.Unit, s.Threshold, s.NWindow = version, name, "changes", 1, m.n
			found := f.changes[streamKey(version, name)]
			s.Score, s.State = float64(len(found)), schemas.StateOK
			s.Reason = fmt.Sprintf("%s found no change of errors (mean %s, n=%d)", name, short(m.sum/float64(m.n)), m.n)
			if len(found) > 0 {
				s.State = schemas.StateAlarm
				s.Reason = fmt.Sprintf("%s found a change of errors at %s (mean of the window %s, n=%d)", name, found[0].UTC().Format(time.RFC3339), short(m.sum/float64(m.n)), m.n)
			}
			out = append(out, s)
		}
	}
	if f.duel != nil {
		out = append(out, f.judgeDuel(base))
	}
	return out
}

func (f *follower) judgeDuel(s schemas.Signal) schemas.Signal {
	c := f.duel.Compare()
	s.Version, s.Detector, s.Unit, s.NWindow = f.cfg.Challenger, "challenger", "errors", uint64(c.N)
	if c.N == 0 {
		s.State, s.Reason = schemas.StateNoData, fmt.Sprintf("no labelled predictions of both %s and %s yet", f.cfg.Champion, f.cfg.Challenger)
		return s
	}
	s.State, s.Score, s.PValue = schemas.StateOK, c.Difference, c.PValue
	what := "no winner yet"
	switch c.Winner {
	case performance.Challenger:
		what = "the challenger is better"
	case performance.Undecided:
	case performance.Champion:
		s.State, what = schemas.StateAlarm, "the challenger is worse"
	}
	s.Reason = fmt.Sprintf("%s makes %s fewer errors a prediction than %s (%s to %s, %d pairs): %s", f.cfg.Challenger, short(c.Difference), f.cfg.Champion, short(c.Low), short(c.High), c.N, what)
	return s
}
