package anomaly

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/driftline/driftline/correlate/metric"
)

// Window is the time of a symptom, which all series are judged in.
type Window struct {
	Onset time.Time     // of the symptom
	Until time.Time     // newest sample that is looked at
	Guard time.Duration // before Onset: neither usual nor surely trouble; at least one step of the series. It is counted to the trouble
}

// Finding is what a series says in a window.
type Finding struct {
	Before  float64       // level before
	After   float64       // median since Onset
	Scale   float64       // what a deviation is, in the metric's unit; above 0
	Z       float64       // harm: the largest change in the bad direction, in deviations; 0 or more
	Change  float64       // (After − Before) / Scale, signed
	N       int           // samples since the window's onset
	NBefore int           // samples that the level and the scale come from
	Onset   time.Time     // when the change began
	Harm    float64       // mean harm over the window, in the metric's unit; negative: it got better
	Excess  float64       // harm times requests, a mean over the window: seconds or failures a sample; NaN without requests
	Load    float64       // requests a sample, a mean over the window; NaN without requests
	Step    time.Duration // between samples
	Unseen  string        // why the series says nothing; empty when it does
}

const (
	nearSamples = 12   // samples before the window that the level comes from
	tornApart   = 5    // steps without a sample after which a series may have changed its ways
	farEnough   = 60   // samples before the window that suffice without later ones
	maxFar      = 4096 // of those that are looked at
	moved       = 5.   // deviations between far and near past from which the change is older than the window
	startUp     = 64   // samples before the window that the onset is looked for in
	clipped     = 6.   // deviations that one sample adds to CUSUM at most: a leap alone is no shift, two clear samples are
	sustained   = 6    // samples in the window from which one alone proves nothing
	visible     = 3.   // deviations from which a single sample is seen
)

// Judge looks at series. It holds scratch space: one goroutine may use it at
// a time.
type Judge struct{ far, scratch, values []float64 }

// Look judges a measured series. The gate, if the metric has one and it is
// known, is the measured series of its requests.
//
// The level is the median of the last samples before the window that are of
// one piece with it, unless these stand out from the past before them in the
// bad direction: then the change is older than the window, and the level is
// that of the past. The scale is the past's median absolute deviation, and no
// less than what counts for the metric.
func (j *Judge) Look(s *Series, m *metric.Metric, gate *Series, w Window) Finding {
	f := Finding{Step: s.Step(), Excess: math.NaN(), Load: math.NaN(), Onset: w.Onset}
	guard := max(w.Guard, f.Step).Milliseconds()
	from := after(s.T, w.Onset.UnixMilli()-guard)
	until := after(s.T, w.Until.UnixMilli())
	j.values = append(j.values[:0], s.V...)
	deseason(s.T, j.values, from, &j.scratch)
	if f.Unseen = unseen(s, m, f.Step, from, until, w); f.Unseen != "" {
		return f
	}
	in := gateAt(gate, s.T[from:until], f.Step)
	if gate != nil && sum(in) <= 0 {
		f.Unseen = "no requests"
		return f
	}
	j.reference(s, from, until, f.Step)
	if len(j.far) == 0 {
		f.Unseen = "no sample before the onset"
		return f
	}
	f.NBefore, f.N = len(j.far), until-from
	j.baseline(s, m, from, f.Step, &f)
	if counted(m, gate) {
		f.Scale = max(j.binomial(m, in, f.Before, perSample(gate, f.Step)), j.tail(m))
	}
	j.measure(s, m, in, from, until, &f)
	return f
}

// after is the number of times that are not after one.
func after(t []int64, at int64) int {
	return sort.Search(len(t), func(i int) bool { return t[i] > at })
}

// unseen says why a series cannot be judged.
func unseen(s *Series, m *metric.Metric, step time.Duration, from, until int, w Window) string {
	stale := m.Stale
	if stale == 0 {
		stale = tornApart * step
	}
	switch {
	case s.Len() == 0:
		return "no sample"
	case until == from:
		return "no sample since the onset"
	case s.T[until-1] < w.Onset.UnixMilli()-stale.Milliseconds():
		return "silent since before the onset"
	}
	return ""
}

// reference collects the past, and what came long after where there is little
// past.
func (j *Judge) reference(s *Series, from, until int, step time.Duration) {
	j.far = append(j.far[:0], j.values[max(0, from-maxFar):from]...)
	if from >= farEnough || until == s.Len() {
		return
	}
	gap := tornApart * step.Milliseconds()
	for i := until; i < s.Len() && len(j.far) < maxFar; i++ {
		if s.T[i]-s.T[until-1] > gap {
			j.far = append(j.far, j.values[i])
		}
	}
}

// baseline finds level and scale.
func (j *Judge) baseline(s *Series, m *metric.Metric, from int, step time.Duration, f *Finding) {
	piece := from // samples before the window without a tear
	for piece > 0 && from-piece < nearSamples && (piece == len(s.T) || s.T[piece]-s.T[piece-1] <= tornApart*step.Milliseconds()) {
		piece--
	}
	whole := piece == 0 || s.T[piece]-s.T[piece-1] <= tornApart*step.Milliseconds()
	n := len(j.far)
	tail := j.tail(m)
	j.scratch = append(j.scratch[:0], j.far...)
	far := median(j.scratch)
	spread := 0.
	if n > 1 {
		j.scratch = append(j.scratch[:0], j.far...)
		spread = max(deviation(j.scratch, far), tail) * (1 + 4/float64(n))
	}
	near, count := far, float64(n)
	if piece < from {
		j.scratch = append(j.scratch[:0], j.values[piece:from]...)
		near, count = median(j.scratch), float64(from-piece)
	}
	floor := m.Floor(near)
	if whole && n >= farEnough && m.Harm(near-far) > moved*max(spread, floor) {
		f.Before, f.Scale = far, max(spread, m.Floor(far))
		return
	}
	// The level itself is uncertain: the variance of a median is about π/2n.
	f.Before = near
	f.Scale = max(math.Hypot(spread, (near-far)/2)*math.Sqrt(1+math.Pi/2/count), floor)
}

// tail is what a deviation is by the past's own excursions in the bad
// direction: the harm that one sample in 20 exceeds, which is 1.64 deviations of
// normal values. A series that makes leaps every hour has a median deviation that
// knows nothing of them. The older half of the past is asked, which trouble that
// began lately has not reached.
func (j *Judge) tail(m *metric.Metric) float64 {
	older := j.far[:len(j.far)/2]
	if 2*len(older) < farEnough {
		return 0
	}
	j.scratch = append(j.scratch[:0], older...)
	level := median(j.scratch)
	j.scratch = j.scratch[:0]
	for _, v := range older {
		j.scratch = append(j.scratch, m.Harm(v-level))
	}
	return pick(j.scratch, len(j.scratch)*19/20) / 1.645
}

// binomial is the scale of a share of failures among so many requests: its
// standard error, for the share that is usual, and no less than a thousandth.
func (j *Judge) binomial(m *metric.Metric, in []float64, level, requests float64) float64 {
	whole := m.Whole(level)
	failed := func(v float64) float64 {
		if m.Worse == metric.Down {
			return (whole - v) / whole
		}
		return v / whole
	}
	usual := failed(level)
	for _, v := range j.far {
		usual += failed(v)
	}
	n := median(slices.DeleteFunc(slices.Clone(in), func(v float64) bool { return !(v > 0) })) * requests
	seen := float64(len(j.far)+1) * n
	usual = min(max((usual*n+1)/(seen+2), 0), 0.5)
	return whole * max(math.Sqrt(usual*(1-usual)/max(n, 1)), 0.001)
}

// perSample turns a gate's values into requests a sample.
func perSample(gate *Series, step time.Duration) float64 {
	if isRate(gate.Metric) {
		return max(step.Seconds(), 1)
	}
	return 1
}

// measure finds the change, its onset and its excess.
func (j *Judge) measure(s *Series, m *metric.Metric, in []float64, from, until int, f *Finding) {
	harm := j.scratch[:0]
	all, excess, load, weighed := 0., 0., 0., 0
	for i := from; i < until; i++ {
		h := m.Harm(j.values[i] - f.Before)
		harm = append(harm, h)
		all += h
		if in != nil && !math.IsNaN(in[i-from]) {
			excess += h * in[i-from]
			load += in[i-from]
			weighed++
		}
	}
	f.Harm = all / float64(max(len(harm), 1))
	if weighed > 0 {
		f.Excess, f.Load = excess/float64(weighed), load/float64(weighed)
	}
	for i, h := range harm {
		if len(harm) >= sustained { // of two in a row the smaller
			if i == 0 {
				continue
			}
			h = min(h, harm[i-1])
		}
		f.Z = max(f.Z, h/f.Scale)
	}
	j.scratch = harm
	begin := j.onset(m, from, until, f)
	f.Onset = time.UnixMilli(s.T[begin]).UTC()
	j.scratch = append(j.scratch[:0], j.values[max(begin, from):until]...)
	f.After = median(j.scratch)
	f.Change = (f.After - f.Before) / f.Scale
}

// onset is the index at which the change began: where CUSUM was last 0 before
// it alarmed, else the first sample that is seen.
func (j *Judge) onset(m *metric.Metric, from, until int, f *Finding) int {
	c, first := DefaultCUSUM(), max(0, from-startUp)
	for i := first; i < until; i++ {
		z := m.Harm(j.values[i]-f.Before) / f.Scale
		if m.Worse == metric.Either {
			z = (j.values[i] - f.Before) / f.Scale
		}
		if d := c.Step(max(min(z, clipped), -clipped)); d != 0 && i >= from {
			return min(first+c.Onset(d), until-1)
		}
	}
	for i := from; i < until; i++ {
		if m.Harm(j.values[i]-f.Before)/f.Scale >= visible {
			return i
		}
	}
	return from
}

// OnsetOf finds when the trouble in a symptom's own series began that was seen
// at a time: where CUSUM, running since so long before, was last 0 before its last
// alarm. It is the time itself when the series does not show it.
func (j *Judge) OnsetOf(s *Series, m *metric.Metric, gate *Series, at time.Time, search time.Duration) time.Time {
	step := s.Step()
	begin, end := after(s.T, at.Add(-search).UnixMilli()), after(s.T, at.Add(step).UnixMilli())
	if begin < 2*nearSamples { // little past: rather search a part of it than nothing
		begin = min(2*nearSamples, end/2)
	}
	j.values = append(j.values[:0], s.V...)
	j.reference(s, begin, end, step)
	if len(j.far) < nearSamples || begin == end {
		return at
	}
	level := median(append(j.scratch[:0], j.far...))
	scale := max(deviation(append(j.scratch[:0], j.far...), level), m.Floor(level))
	if in := gateAt(gate, s.T[begin:end], step); counted(m, gate) && sum(in) > 0 {
		scale = max(j.binomial(m, in, level, perSample(gate, step)), j.tail(m))
	}
	c, on := DefaultCUSUM(), at
	for i := begin; i < end; i++ {
		if c.Step(max(min(m.Harm(s.V[i]-level)/scale, clipped), -clipped)) > 0 {
			on = time.UnixMilli(s.T[min(begin+c.Onset(1), end-1)]).UTC()
		}
	}
	if on.Before(at) {
		return on
	}
	return at
}

// counted tells whether a metric is a share of failures among known requests.
func counted(m *metric.Metric, gate *Series) bool {
	return m.Kind == metric.Ratio && m.Mechanism == metric.Failing && gate != nil
}

// gateAt are a gate's values at times: the newest no older than a step and a
// half, NaN where there is none. Nil without a gate.
func gateAt(gate *Series, at []int64, step time.Duration) []float64 {
	if gate == nil {
		return nil
	}
	out := make([]float64, len(at))
	reach := 3 * step.Milliseconds() / 2
	for i, t := range at {
		k := after(gate.T, t)
		if k == 0 || t-gate.T[k-1] > reach {
			out[i] = math.NaN()
			continue
		}
		out[i] = gate.V[k-1]
	}
	return out
}

func sum(v []float64) float64 {
	total := 0.
	for _, x := range v {
		if !math.IsNaN(x) {
			total += x
		}
	}
	return total
}
