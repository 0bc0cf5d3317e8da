package silent

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// unitShift judges whether a mean was multiplied by the factor of another unit.
var unitShiftRule = Rule{
	Name: "unit_shift", Title: "change of unit", Unit: "times", Needs: []Input{Blocks},
	Doc:    "The mean of a numeric feature has become a multiple of what it was that people know: a power of ten, 24, 60, 1024 or 3600, or one part of it. Seconds turned into milliseconds, shares into percent.",
	Use:    "Quantities of one sign. A drift detector sees the same and cannot say why.",
	Blind:  "Offsets such as Celsius and Kelvin; features whose mean is near zero or jumps about by itself.",
	Source: "ratio of means within tolerance of a factor, in every bin",
	Params: []Param{
		leastRows,
		{"tolerance", 0.1, 0, 0.5, "share of the factor", "by which the ratio may miss a factor"},
		{"steady", 2, 1, 100, "times", "a feature whose bins before differ by more is left out"},
		{"min_factor", 8, 1.5, 1e6, "times", "smaller factors do not count"},
	},
	Model: eachFeature(unitShift),
}

// factors between units, both ways.
var factors = []float64{10, 24, 60, 100, 1000, 1024, 3600, 1e4, 1e5, 1e6, 1 << 20, 86400, 1e9}

func unitShift(f *feature, c Clock, p Params) Finding {
	before, recent := sum(f.before), sum(f.recent)
	ok := Finding{State: schemas.StateOK, PValue: 1, Threshold: p["min_factor"], N: recent.present, Reference: before.present}
	switch {
	case f.kind != schemas.Numeric:
		return ok.says("the feature is not numeric")
	case recent.present == 0:
		return noData("no value in the last %s", long(c.Recent))
	case before.present < p.count("min_rows") || recent.present < p.count("min_rows"):
		return insufficient(recent.present, before.present, "%d values and %d before are too few, %d are needed in each", recent.present, before.present, p.count("min_rows"))
	}
	was, low, high := meanOf(f.before)
	if low <= 0 && high >= 0 || math.Max(high/low, low/high) > p["steady"] {
		return insufficient(recent.present, before.present, "its mean changes by itself, between %s and %s", number(low), number(high))
	}
	is, _, _ := meanOf(f.recent)
	ratio := is / was
	ok.Score = finite(math.Max(ratio, 1/ratio))
	unit, known := nearest(ok.Score, p["tolerance"])
	for i := range f.recent {
		b := &f.recent[i]
		r := b.Mean / was
		if near, _ := nearest(math.Max(r, 1/r), 2*p["tolerance"]); b.Present > 0 && near != unit {
			known = false
		}
	}
	if ok.Score = max(ok.Score, 0); known && ok.Score >= p["min_factor"] {
		ok.State = schemas.StateAlarm
	}
	return ok.says("the mean went from %s to %s, %s times as much", number(was), number(is), number(ratio)).from(f.recent[0].Start)
}

// nearest is the factor that a ratio is within tolerance of.
func nearest(ratio, tolerance float64) (float64, bool) {
	for _, f := range factors {
		if math.Abs(ratio/f-1) <= tolerance {
			return f, true
		}
	}
	return 0, false
}

// meanOf is the mean over blocks, and the lowest and highest of their own.
func meanOf(blocks []Block) (mean, low, high float64) {
	var n float64
	low, high = math.Inf(1), math.Inf(-1)
	for i := range blocks {
		if b := &blocks[i]; b.Present > 0 {
			n += float64(b.Present)
			mean += b.Mean * float64(b.Present)
			low, high = min(low, b.Mean), max(high, b.Mean)
		}
	}
	return mean / n, low, high
}
