package silent

import (
	"cmp"
	"math"
	"slices"
)

// gpuOutlier judges whether the scores of one GPU moved away from its siblings'.
var gpuOutlierRule = Rule{
	Name: "gpu_outlier", Title: "GPU that answers differently", Unit: "standard deviations", Needs: []Input{GPUs},
	Doc:    "The mean score that one GPU gives has moved against its own past, and that of its siblings has not: a hint at corrupted computation, which raises no XID and gives finite numbers nearly always.",
	Use:    "Models that are spread over three or more GPUs. A hint, not a proof: replay golden inputs on the GPU that it names.",
	Blind:  "Corruption that leaves the mean alone; a change of what is routed to a GPU looks the same.",
	Source: "difference in differences of means over the pooled deviation, normal tail, Bonferroni over the GPUs; NaN and Inf are 1 % of outcomes of stuck-at faults, so counting them is not enough",
	Params: []Param{
		{"min_rows", 200, 10, 1e9, "scores", "fewer of a GPU in either time give insufficient"},
		{"min_siblings", 2, 1, 1000, "GPUs", "others to compare with"},
		{"min_effect", 0.3, 0.01, 100, "standard deviations", "smallest difference that counts"},
		significance,
	},
	Model: gpuOutlier,
}

func gpuOutlier(m *Model, c Clock, p Params) []Finding {
	gpus := slices.DeleteFunc(slices.Clone(m.GPUs), func(g GPUStats) bool { return g.GPU == "" || g.Before.N+g.Recent.N == 0 })
	if len(gpus) == 0 {
		return []Finding{noData("no event of the last %s names a GPU and has a score", long(c.Recent))}
	}
	slices.SortFunc(gpus, func(a, b GPUStats) int { return cmp.Compare(a.GPU, b.GPU) })
	var out []Finding
	for i := range gpus {
		out = append(out, outlier(gpus, i, c, p).of("", "gpu/"+gpus[i].GPU))
	}
	return out
}

func outlier(gpus []GPUStats, i int, c Clock, p Params) Finding {
	own := gpus[i]
	if own.Recent.N == 0 {
		return noData("no score of the GPU in the last %s", long(c.Recent))
	}
	least := p.count("min_rows")
	var n, change, variance, spread float64 // of the siblings, weighted by rows
	siblings := 0
	for k := range gpus {
		if g := &gpus[k]; k != i && g.Before.N >= least && g.Recent.N >= least {
			w := float64(g.Recent.N)
			siblings, n = siblings+1, n+w
			change += w * g.moved()
			variance += w * w * g.uncertainty()
			spread += w * g.Before.Variance
		}
	}
	if siblings < int(p["min_siblings"]) || own.Before.N < least || own.Recent.N < least {
		return insufficient(own.Recent.N, own.Before.N, "%d siblings with %d scores are too few, %d are needed", siblings, least, int(p["min_siblings"]))
	}
	deviation := math.Sqrt((spread/n + own.Before.Variance) / 2)
	gap := own.moved() - change/n
	se := math.Sqrt(own.uncertainty() + variance/(n*n))
	score, chance := 0., 1.
	if gap != 0 {
		score, chance = math.Abs(gap)/deviation, min(1, normalTails(gap/se)*float64(len(gpus)))
	}
	f := effect(score, p["min_effect"], chance, p["p_value"], own.Recent.N, own.Before.N)
	return f.says("its mean score went from %s to %s, that of %d siblings moved by %s (%d scores)",
		number(own.Before.Mean), number(own.Recent.Mean), siblings, number(change/n), own.Recent.N).from(c.from())
}

func (g *GPUStats) moved() float64 { return g.Recent.Mean - g.Before.Mean }

// uncertainty is the variance of moved.
func (g *GPUStats) uncertainty() float64 {
	return g.Before.Variance/float64(g.Before.N) + g.Recent.Variance/float64(g.Recent.N)
}
