package performance

import (
	"math"
	"slices"
	"sort"
)

// A small gradient-boosted regressor: least squares, trees grown over at most
// 128 quantile bins a feature. Trees rather than nearest neighbours or a ridge
// regression, because errors of models change with steps and interactions of
// features of different scales, and need no scaling or metric for it. It is
// deterministic: no row or column is drawn. (Friedman, Annals of Statistics
// 2001; histograms after Ke et al. 2017.)
const (
	treeRounds  = 80
	treeRate    = 0.1
	treeDepth   = 3
	treeBins    = 128 // and bin 0 for missing values; wide outer bins would not see errors grow in the tails
	treeMinLeaf = 20  // rows
	treeShrink  = 1   // rows of value 0 added to every leaf
)

// forest is a fitted regressor.
type forest struct {
	start float64
	cuts  [][]float64 // by feature, ascending: a value's bin is 1 + the number of cuts at or below it
	trees [][]node
}

// node of a tree in an array; leaves have no feature.
type node struct {
	feature     int // -1: a leaf
	bin         int // rows of at most this bin go left
	left, right int
	value       float64
}

// fitForest fits targets to the rows of features, column by column.
func fitForest(features [][]float64, targets []float64) *forest {
	f := &forest{start: mean(targets), cuts: make([][]float64, len(features))}
	bins := make([][]uint8, len(features))
	for k, column := range features {
		f.cuts[k] = quantileCuts(column)
		bins[k] = make([]uint8, len(column))
		for i, v := range column {
			bins[k][i] = f.bin(k, v)
		}
	}
	residuals := make([]float64, len(targets))
	for i, y := range targets {
		residuals[i] = y - f.start
	}
	rows := make([]int, len(targets))
	for range treeRounds {
		for i := range rows {
			rows[i] = i
		}
		g := grower{bins: bins, residuals: residuals}
		g.grow(rows, treeDepth)
		if len(g.nodes) == 1 {
			break // nothing is left to split
		}
		f.trees = append(f.trees, g.nodes)
	}
	return f
}

// quantileCuts are distinct values that part a column into about equal bins.
func quantileCuts(column []float64) []float64 {
	sorted := slices.DeleteFunc(slices.Clone(column), math.IsNaN)
	slices.Sort(sorted)
	var cuts []float64
	for k := 1; k < treeBins && len(sorted) > 0; k++ {
		cuts = append(cuts, sorted[k*len(sorted)/treeBins])
	}
	return slices.Compact(cuts)
}

// bin of a value; missing ones have their own.
func (f *forest) bin(feature int, v float64) uint8 {
	if math.IsNaN(v) {
		return 0
	}
	cuts := f.cuts[feature]
	return uint8(1 + sort.Search(len(cuts), func(i int) bool { return cuts[i] > v }))
}

// predict one row, taken from columns.
func (f *forest) predict(features [][]float64, row int) float64 {
	bins := make([]uint8, len(features))
	for k := range features {
		bins[k] = f.bin(k, features[k][row])
	}
	out := f.start
	for _, t := range f.trees {
		at := 0
		for t[at].feature >= 0 {
			if int(bins[t[at].feature]) <= t[at].bin {
				at = t[at].left
			} else {
				at = t[at].right
			}
		}
		out += t[at].value
	}
	return out
}

// grower builds one tree and takes its predictions off the residuals.
type grower struct {
	bins      [][]uint8
	residuals []float64
	nodes     []node
}

// grow a tree over rows and return the index of its root. Rows are reordered.
func (g *grower) grow(rows []int, depth int) int {
	at := len(g.nodes)
	g.nodes = append(g.nodes, node{feature: -1})
	feature, bin := -1, 0
	if depth > 0 {
		feature, bin = g.split(rows)
	}
	if feature < 0 {
		var sum float64
		for _, i := range rows {
			sum += g.residuals[i]
		}
		value := treeRate * sum / (float64(len(rows)) + treeShrink)
		g.nodes[at].value = value
		for _, i := range rows {
			g.residuals[i] -= value
		}
		return at
	}
	slices.SortStableFunc(rows, func(a, b int) int { // left rows first
		return int(one(int(g.bins[feature][a]) > bin)) - int(one(int(g.bins[feature][b]) > bin))
	})
	middle := sort.Search(len(rows), func(i int) bool { return int(g.bins[feature][rows[i]]) > bin })
	left := g.grow(rows[:middle], depth-1)
	right := g.grow(rows[middle:], depth-1)
	g.nodes[at] = node{feature: feature, bin: bin, left: left, right: right}
	return at
}

// split finds the cut that lowers the squared error most; feature -1 when none
// does while leaving enough rows on either side.
func (g *grower) split(rows []int) (feature, bin int) {
	var total float64
	for _, i := range rows {
		total += g.residuals[i]
	}
	n := float64(len(rows))
	best, least := -1, total*total/(n+treeShrink)*(1+1e-9)
	for k := range g.bins {
		var sums, counts [treeBins + 1]float64
		for _, i := range rows {
			b := g.bins[k][i]
			sums[b] += g.residuals[i]
			counts[b]++
		}
		var sum, count float64
		for b := range treeBins {
			sum, count = sum+sums[b], count+counts[b]
			if counts[b] == 0 || count < treeMinLeaf || n-count < treeMinLeaf {
				continue
			}
			rest := total - sum
			if gain := sum*sum/(count+treeShrink) + rest*rest/(n-count+treeShrink); gain > least {
				best, bin, least = k, b, gain
			}
		}
	}
	return best, bin
}

func mean(values []float64) (m float64) {
	for i, v := range values {
		m += (v - m) / float64(i+1)
	}
	return m
}
