package detectors

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/driftline/driftline/schemas"
)

// power is the chance of finding a change that the minimal detectable effect
// is defined by, and powerZ its normal quantile.
const power = 0.8

var powerZ = distuv.UnitNormal.Quantile(power)

// probeRows is the size of the windows that probe a detector.
const probeRows = 2000

// iidCriticals looks for the squared scores at which independent rows give a
// detector's p-values, by mixing a growing share of foreign rows into the
// reference. It asks the detector itself, so it needs no formula of its own.
// Nil when the detector never gets that sure.
func iidCriticals(d *Detector, ref *schemas.Summary, par Params) []schemas.Critical {
	if d.Rows(ref) == 0 || ref.Present() == 0 {
		return nil
	}
	rows := pairSize(d.Rows(ref), probeRows)
	var out []schemas.Critical
	for _, p := range []float64{0.5, 1e-2, 1e-6} {
		low, high := 0.0, 1.0
		for range 14 { // to 0.006 % of the rows
			mid := (low + high) / 2
			if r := d.Compare(ref, probe(d, ref, mid), par); r.PValue > p {
				low = mid
			} else {
				high = mid
			}
		}
		r := d.Compare(ref, probe(d, ref, high), par)
		if r.NoData || r.PValue > p || !(r.Score > 0) {
			return nil
		}
		out = append(out, schemas.Critical{PValue: p, Square: math.Pow(r.Score, exponent(d.Name)) * rows})
	}
	return out
}

// probe is a window like the reference, but for a share of its rows, which are
// missing (for a detector of missing rows), at the largest value or in a new
// category.
func probe(d *Detector, ref *schemas.Summary, share float64) *schemas.Summary {
	out := &schemas.Summary{Feature: ref.Feature, Kind: ref.Kind, Rows: probeRows, Mean: ref.Mean, Variance: ref.Variance, Min: ref.Min, Max: ref.Max}
	if d.AllRows {
		missing := float64(ref.Missing) / float64(ref.Rows)
		out.Missing = uint64(math.Round(probeRows * (missing + share*(1-missing))))
	}
	kept := float64(out.Present()) * (1 - share)
	if d.AllRows {
		kept = float64(out.Present())
	}
	for _, p := range ref.Points {
		out.Points = append(out.Points, schemas.Point{Value: p.Value, Weight: p.Weight / float64(ref.Present()) * kept})
	}
	foreign := float64(out.Present()) - kept
	if n := len(out.Points); n > 0 {
		out.Points[n-1].Weight += foreign
		return out
	}
	// Counts are whole: rounding carries over, so that they sum to what is kept.
	var exact, given float64
	for _, c := range ref.Categories {
		exact += float64(c.Count) / float64(ref.Present()) * kept
		if n := math.Round(exact - given); n > 0 {
			given += n
			out.Categories = append(out.Categories, schemas.Category{Value: c.Value, Count: uint64(n)})
		}
	}
	if n := float64(out.Present()) - given; n >= 1 {
		out.Categories = append(out.Categories, schemas.Category{Value: "\U0010FFFF", Count: uint64(n)}) // after all others
	}
	return out
}

// detectable is the smallest true effect, as a score, that a window of so many
// rows at a time tells from chance with the chance power, if each test has a
// level; 0 when it is not known. Roots of squares are nearly normal: the
// distance from median to critical value gives their deviation under the null,
// which grows by √2 at most under a change (χ² central and not). What chance
// adds to a square is taken off again.
func detectable(n *schemas.Null, rows float64, at time.Time, level float64) float64 {
	if n == nil || !(rows > 0) || !(level > 0) {
		return 0
	}
	z := -distuv.UnitNormal.Quantile(min(level, 0.4))
	reach := func(median, critical float64) float64 {
		target := critical + powerZ*max(0, critical-median)/z
		return math.Sqrt(max(0, target*target-median*median))
	}
	best := 0.0
	if len(n.Iid) > 0 {
		root := reach(math.Sqrt(iidSquare(n.Iid, 0.5)/rows), math.Sqrt(iidSquare(n.Iid, level)/rows))
		best = math.Pow(root, 2/exponent(n.Detector))
	}
	if n.Windows > 0 {
		base := expected(n, at) - n.Root
		critical := base + math.Sqrt(n.Scale*gammaQuantile(n.Shape, surpriseAt(n, level)))
		median := base + math.Sqrt(n.Scale*gammaQuantile(n.Shape, medianSurprise(n)))
		best = max(best, scoreOf(n, reach(max(0, median), max(0, critical)), rows))
	}
	if math.IsNaN(best) || math.IsInf(best, 0) {
		return 0
	}
	return best
}

// iidSquare reads the critical squares between their p-values, in whose
// logarithm they are nearly linear.
func iidSquare(cs []schemas.Critical, p float64) float64 {
	i := 1
	for i < len(cs)-1 && p < cs[i].PValue {
		i++
	}
	a, b := cs[i-1], cs[i]
	t := (math.Log(p) - math.Log(a.PValue)) / (math.Log(b.PValue) - math.Log(a.PValue))
	return max(0, a.Square+t*(b.Square-a.Square))
}

// gammaQuantile is the value of a gamma variable of scale 1 with a surprise:
// by Newton's method, for the surprise's slope is the hazard, within bounds
// that every step narrows.
func gammaQuantile(shape, surprise float64) float64 {
	if !(surprise > 0) {
		return 0
	}
	lg, _ := math.Lgamma(shape)
	low, high, x := 0.0, math.Inf(1), shape+surprise
	for range 100 {
		tail := logGammaTail(shape, x)
		off := -tail - surprise
		if off < 0 {
			low = x
		} else {
			high = x
		}
		next := x - off/math.Exp((shape-1)*math.Log(x)-x-lg-tail)
		if !(next > low && next < high) {
			next = min((low+high)/2, 2*x)
		}
		if math.Abs(next-x) <= 1e-10*x {
			return next
		}
		x = next
	}
	return x
}

func medianSurprise(n *schemas.Null) float64 { return n.Body[len(n.Body)/2] }

// nullOf is the null distribution of a feature's detector; nil when the
// reference has none.
func nullOf(c *schemas.Calibration, feature string, kind schemas.FeatureKind, detector string) *schemas.Null {
	if c == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(c.Nulls, struct{}{}, func(n schemas.Null, _ struct{}) int {
		return cmp.Or(cmp.Compare(n.Feature, feature), cmp.Compare(n.Kind, kind), cmp.Compare(n.Detector, detector))
	})
	if !found {
		return nil
	}
	return &c.Nulls[i]
}
