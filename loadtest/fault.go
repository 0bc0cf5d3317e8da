package loadtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"github.com/driftline/driftline/loadtest/draw"
)

// Fault is something that changes for one model, in a known way and at a known
// time: who asks, what arrives of it, or what follows from it.
type Fault struct {
	Name         string
	Model        string
	Description  string   // one line, for people
	Features     []string // that it changes
	Consequences []string // what else changes because of that: the model's answers
	Strength     float64  // how strong; what it means is in Description
	From, Until  float64  // shares of the run; until 1 it lasts to the end

	world bool // inputs change in the world, and outcomes with them; else only what arrives of them
	apply func(r *row, d *draw.Draws, strength float64)
	truth func(d *draw.Draws, r *row) string // what comes of the inputs now; nil: what always does
}

// Injected is the ground truth about one fault of a run.
type Injected struct {
	Name         string    `json:"name"`
	Model        string    `json:"model"`
	Features     []string  `json:"features"`
	Consequences []string  `json:"consequences"` // other features that may alarm because of it
	Start        time.Time `json:"start"`        // event time of the first changed event
	End          time.Time `json:"end"`          // event time after the last one
	Strength     float64   `json:"strength"`
	Description  string    `json:"description"`
}

// Covers tells whether a feature of a model is one that the fault changes,
// itself or as a consequence.
func (i *Injected) Covers(model, feature string) bool {
	return model == i.Model && (slices.Contains(i.Features, feature) || slices.Contains(i.Consequences, feature))
}

// in gives the fault its time in a run.
func (f *Fault) in(start time.Time, length time.Duration) Injected {
	at := func(share float64) time.Time { return start.Add(time.Duration(share * float64(length))).UTC() }
	return Injected{f.Name, f.Model, f.Features, f.Consequences, at(f.From), at(f.Until), f.Strength, f.Description}
}

// Outcomes stands in Features for what labels say: signals about it name no
// feature.
const Outcomes = ""

// Words that Select takes besides names.
const (
	All  = "all"
	None = "none"
)

// Select reads all, none, or names of faults separated by commas.
func Select(list string) ([]Fault, error) {
	switch strings.TrimSpace(list) {
	case All:
		return slices.Clone(Faults), nil
	case None:
		return nil, nil
	}
	var out []Fault
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(Faults, func(f Fault) bool { return f.Name == name })
		if i < 0 {
			return nil, unknownFault(name)
		}
		if !slices.ContainsFunc(out, func(f Fault) bool { return f.Name == name }) {
			out = append(out, Faults[i])
		}
	}
	return out, nil
}

func unknownFault(name string) error {
	valid := []string{All, None}
	for _, f := range Faults {
		valid = append(valid, f.Name)
	}
	hint, least := "", max(2, len(name)/3)+1
	for _, v := range valid {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), v); d < least && d < len(v) {
			hint, least = fmt.Sprintf("did you mean %q? ", v), d
		}
	}
	return fmt.Errorf("unknown fault %q; %svalid: %s", name, hint, strings.Join(valid, ", "))
}
