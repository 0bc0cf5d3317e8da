package detectors

import (
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// leastHistory is how many windows a history must have to calibrate anything.
const leastHistory = 20

// distances are the detectors whose score is a distance: its square, not the
// score, has an exponential tail. A detector that is not listed is taken for a
// divergence, a squared distance; for a distance that errs on the safe side.
var distances = map[string]bool{
	"js": true, "hellinger": true, "ks": true, "cramer_von_mises": true, "anderson_darling": true, "wasserstein": true, "energy": true,
	"mean_shift": true, "variance_shift": true, "chi_square": true, "cramers_v": true, "total_variation": true, "linf": true,
	"new_category": true, "vanished_category": true, "out_of_range": true, "default_value": true, "missing": true,
}

// exponent turns a score into a square.
func exponent(detector string) float64 {
	if distances[detector] {
		return 2
	}
	return 1
}

// Calibrate turns a history of scores into null distributions. Series with too
// short or too even a history get none: there the detector's own p-value
// stands alone.
func (p *Plan) Calibrate(ref *schemas.Reference, h History) schemas.Calibration {
	c := schemas.Calibration{Window: h.Window, Alarm: p.k, Of: p.of}
	for i := range h.Series {
		s := &h.Series[i]
		n := schemas.Null{Feature: s.Feature, Kind: s.Kind, Detector: s.Detector, Memory: 1}
		if fitted, ok := p.fit(s); ok {
			n = fitted
		}
		if d, err := Lookup(s.Detector); err == nil {
			k := slices.IndexFunc(ref.Features, func(f schemas.Summary) bool { return f.Feature == s.Feature && f.Kind == s.Kind })
			if k >= 0 {
				n.Iid = iidCriticals(&d, &ref.Features[k], p.paramsOf(s.Feature))
			}
		}
		c.Nulls = append(c.Nulls, n)
		if at := s.times(); len(at) > 0 {
			if c.From.IsZero() || at[0].Before(c.From) {
				c.From = at[0]
			}
			if last := at[len(at)-1]; last.After(c.To) {
				c.To = last
			}
			c.Windows = max(c.Windows, len(at))
		}
	}
	return c
}

// CalibratedP is the p-value of one window's score by a calibration: p, that of
// independent rows, where it knows nothing of the series, never less than it.
// Rows are those of reference and window.
func CalibratedP(c *schemas.Calibration, feature string, kind schemas.FeatureKind, detector string, score float64, reference, window uint64, at time.Time, p float64) float64 {
	n := nullOf(c, feature, kind, detector)
	if n == nil || n.Windows == 0 {
		return p
	}
	return max(p, tailOf(n, surpriseOf(n, score, pairSize(reference, window), at)))
}

// fit the null distribution of a series.
func (p *Plan) fit(s *HistorySeries) (schemas.Null, bool) {
	n := schemas.Null{Feature: s.Feature, Kind: s.Kind, Detector: s.Detector, Windows: len(s.Scores)}
	if n.Windows < leastHistory {
		return n, false
	}
	at := s.times()
	n.Sizes = sizesOf(s)
	// The first pass finds the season and the memory. A window is part of the
	// reference that it is compared with, and so are those that remember it:
	// with a share λ of the reference, squares are too small by (1−λ)/(1+λ)
	// against those of windows after it.
	squares, ok := settle(&n, s, at, 1)
	if !ok {
		return n, false
	}
	_, signed := memoryOf(squares)
	share := min(0.3, signed/float64(n.Windows))
	if squares, ok = settle(&n, s, at, math.Sqrt((1+share)/(1-share))); !ok {
		return n, false
	}
	ys := make([]float64, len(squares))
	for i, q := range squares {
		ys[i] = surprise(q, n.Shape, n.Scale)
	}
	ys = rollingKth(ys, p.k, p.of)
	n.Windows = len(ys)
	n.Memory, _ = memoryOf(ys)
	return n, fitTail(&n, ys)
}

// settle finds season and gamma distribution of the history's roots, made
// larger by a factor, and gives the squares without the season.
func settle(n *schemas.Null, s *HistorySeries, at []time.Time, factor float64) ([]float64, bool) {
	roots := make([]float64, len(s.Scores))
	for i, score := range s.Scores {
		roots[i] = factor * rootOf(n, score, s.Rows[i])
	}
	n.Root, _ = moments(roots)
	n.Season = bestSeason(at, roots)
	squares := make([]float64, len(roots))
	for i, r := range roots {
		v := max(0, n.Root+stretched(n, r, at[i]))
		squares[i] = v * v
	}
	var ok bool
	n.Shape, n.Scale, ok = gammaFrom(squares)
	return squares, ok
}

// rootOf is the root of a score at the typical size of a window.
func rootOf(n *schemas.Null, score, rows float64) float64 {
	return math.Sqrt(math.Pow(score, exponent(n.Detector)) * sizeFactor(&n.Sizes, rows))
}

// scoreOf is the inverse of rootOf.
func scoreOf(n *schemas.Null, root, rows float64) float64 {
	return math.Pow(root*root/sizeFactor(&n.Sizes, rows), 1/exponent(n.Detector))
}

// surpriseOf is the surprise of a score of a window at a time.
func surpriseOf(n *schemas.Null, score, rows float64, at time.Time) float64 {
	v := max(0, rootOf(n, score, rows)-expected(n, at)+n.Root)
	return surprise(v*v, n.Shape, n.Scale)
}

// sizesOf a history: γ is the slope of ln square over ln rows, where the rows
// vary enough to tell, else what holds for independent rows, 1.
func sizesOf(s *HistorySeries) schemas.Sizes {
	sorted := slices.Sorted(slices.Values(s.Rows))
	out := schemas.Sizes{Least: sorted[0], Typical: sorted[len(sorted)/2], Most: sorted[len(sorted)-1], Power: 1}
	var x, y []float64
	for i, score := range s.Scores {
		if score > 0 {
			x, y = append(x, math.Log(s.Rows[i])), append(y, exponent(s.Detector)*math.Log(score))
		}
	}
	if len(x) < leastHistory {
		return out
	}
	mx, vx := moments(x)
	my, _ := moments(y)
	if vx < 0.01 { // sizes within about a tenth of each other
		return out
	}
	slope := 0.
	for i := range x {
		slope += (x[i] - mx) * (y[i] - my) / (vx * float64(len(x)))
	}
	out.Power = min(1, max(0, -slope))
	return out
}

// sizeFactor brings a square to the typical size.
func sizeFactor(s *schemas.Sizes, rows float64) float64 {
	within := min(max(rows, s.Least), s.Most)
	return math.Pow(within/s.Typical, s.Power) * min(1, rows/s.Least)
}
