package silent

import (
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// frozenFeature judges how long a numeric feature has had one value only.
var frozenFeatureRule = Rule{
	Name: "frozen_feature", Title: "frozen feature", Unit: "seconds of one value", Needs: []Input{Blocks}, Twin: "constant",
	Doc:    "A numeric feature, or the score itself, has one and the same value in all rows of several bins, although it varied within almost every bin before: a cache that is not refreshed, a default that took over.",
	Use:    "Every numeric feature that varies from row to row. It needs no reference.",
	Blind:  "Values that are stale one by one while rows still differ; categorical features (see output_collapse for the answer).",
	Source: "share of bins with one value before, to the power of the bins in a row; bins are taken to be independent",
	Params: []Param{
		{"min_bins", 3, 1, 1000, "bins of 5 minutes", "in a row with one value"},
		{"min_rows", 20, 2, 1e9, "rows in a bin", "bins with fewer values are left out"},
		{"min_before", 6, 2, 1000, "bins of 5 minutes", "fewer to compare with give insufficient"},
		{"p_value", 1e-5, 0, 0.5, "probability", "chance that so many bins in a row have one value, at or below which it counts: three bins after 36 that all varied, five after six"},
	},
	Model: eachFeature(frozenFeature),
}

func frozenFeature(f *feature, c Clock, p Params) Finding {
	if f.kind != schemas.Numeric {
		return Finding{State: schemas.StateOK, PValue: 1, Threshold: p["min_bins"] * Bin.Seconds(), Reason: "the feature is not numeric"}
	}
	recent := len(full(f.recent, p))
	all := full(slices.Concat(f.before, f.recent), p)
	if recent == 0 {
		return noData("no bin of the last %s has %d values", long(c.Recent), p.count("min_rows"))
	}
	still, value := 0, all[len(all)-1].Min
	for still < len(all) && constant(&all[len(all)-1-still], value) {
		still++
	}
	before := all[:len(all)-max(still, recent)]
	if recent < int(p["min_bins"]) || len(before) < int(p["min_before"]) {
		return insufficient(uint64(recent), uint64(len(before)), "%d bins with values and %d before are too few, %d and %d are needed",
			recent, len(before), int(p["min_bins"]), int(p["min_before"]))
	}
	usual := 0
	for i := range before {
		if constant(&before[i], before[i].Min) {
			usual++
		}
	}
	chance := math.Pow((float64(usual)+.5)/(float64(len(before))+1), float64(still))
	frozen := time.Duration(still) * Bin
	out := effect(frozen.Seconds(), p["min_bins"]*Bin.Seconds(), chance, p["p_value"], uint64(recent), uint64(len(before)))
	return out.says("the value was %s in all rows of the last %s, before %d of %d bins had one value", number(value), long(frozen), usual, len(before)).
		from(all[len(all)-max(still, 1)].Start)
}

// full are the blocks with enough values to vary.
func full(blocks []Block, p Params) (out []Block) {
	for _, b := range blocks {
		if b.Present >= p.count("min_rows") {
			out = append(out, b)
		}
	}
	return out
}

func constant(b *Block, value float64) bool { return b.Min == value && b.Max == value }
