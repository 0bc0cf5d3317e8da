package silent

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// feature is one feature of a model version, before and in the judged time.
type feature struct {
	version, name  string
	kind           schemas.FeatureKind
	before, recent []Block // ascending by start
}

// tally of blocks.
type tally struct {
	rows, present uint64
	last          time.Time // end of the newest block with a value
}

func (t tally) nulls() uint64 { return t.rows - min(t.present, t.rows) }

func sum(blocks []Block) (t tally) {
	for i := range blocks {
		b := &blocks[i]
		t.rows, t.present = t.rows+b.Rows, t.present+b.Present
		if b.Present > 0 && b.Start.Add(Bin).After(t.last) {
			t.last = b.Start.Add(Bin)
		}
	}
	return t
}

// featuresOf sorts a model's blocks, ascending by version, name and kind.
func featuresOf(m *Model, c Clock) []feature {
	type key struct {
		version, name string
		kind          schemas.FeatureKind
	}
	by := map[key]*feature{}
	for _, b := range m.Blocks {
		k := key{b.Version, b.Feature, b.Kind}
		if by[k] == nil {
			by[k] = &feature{version: b.Version, name: b.Feature, kind: b.Kind}
		}
		if b.Start.Before(c.from()) {
			by[k].before = append(by[k].before, b)
		} else {
			by[k].recent = append(by[k].recent, b)
		}
	}
	out := make([]feature, 0, len(by))
	for _, f := range by {
		slices.SortFunc(f.before, byStart)
		slices.SortFunc(f.recent, byStart)
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b feature) int {
		return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind))
	})
	return out
}

func byStart(a, b Block) int { return a.Start.Compare(b.Start) }

// eachFeature makes a rule over models of a judgement of one feature. Without
// any block there is one answer, for the model as a whole.
func eachFeature(judge func(*feature, Clock, Params) Finding) func(*Model, Clock, Params) []Finding {
	return func(m *Model, c Clock, p Params) []Finding {
		all := featuresOf(m, c)
		if len(all) == 0 {
			return []Finding{noData("no feature of the model was seen")}
		}
		var out []Finding
		for i := range all {
			out = append(out, judge(&all[i], c, p).of(all[i].version, all[i].name))
		}
		return out
	}
}

// vanished is the chance that none of n rows has a value, where k0 of n0 had
// one: by the lower Wilson bound of that share, six standard errors out.
func vanished(n, k0, n0 uint64) float64 {
	low, _ := wilson(k0, n0, 6)
	return math.Pow(1-low, float64(n))
}
