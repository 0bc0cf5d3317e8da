package budget

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// Power is what windows of one size see of one stream that changes.
type Power struct {
	Stream  string  `json:"stream"`         // iid or ar1, as in the other table
	Rows    int     `json:"rows"`           // of a window
	Minimal float64 `json:"minimal_effect"` // PSI that such a window tells from chance in 4 of 5 cases, as its signals say
	Shifts  []Shift `json:"shifts"`
}

// Shift is a change of the mean and how it was found.
type Shift struct {
	PSI   float64 `json:"psi"`  // of the whole populations, over tenths of the first
	Mean  float64 `json:"mean"` // in deviations
	Found []Found `json:"found"`
}

// Found is what one rule made of it.
type Found struct {
	Rule     string  `json:"rule"`
	Share    float64 `json:"share"`    // of windows in alarm
	Delay    float64 `json:"delay"`    // mean windows from the change to the first alarm, 1 for the first window after it
	Censored bool    `json:"censored"` // some features had no alarm in 40 windows, which count as 40
}

// Sizes and shifts of the table, and how often each is drawn.
var (
	powerRows   = []int{200, 1_000, 10_000}
	powerShifts = []float64{0.05, 0.1, 0.25}
)

const (
	powerHours    = 14 * 24 // of history
	powerWindows  = 40      // after the change
	powerFeatures = 20
)

// powers draws the table.
func powers(ctx context.Context, o Options) (out []Power, err error) {
	features := max(2, min(powerFeatures, o.Features/5))
	for k, rho := range []float64{0, 0.8} {
		name := "iid"
		if rho > 0 {
			name = "ar1"
		}
		for _, n := range powerRows {
			p := Power{Stream: name, Rows: n}
			played := make([]powerPlay, features)
			err := each(ctx, features, func(ctx context.Context, f int) (err error) {
				played[f], err = playPower(ctx, rand.New(rand.NewPCG(o.Seed+uint64(k), uint64(n)<<32+uint64(f))), n, rho)
				return err
			})
			if err != nil {
				return nil, err
			}
			for f := range played {
				p.Minimal += played[f].minimal / float64(features)
			}
			for s, psi := range powerShifts {
				p.Shifts = append(p.Shifts, Shift{PSI: psi, Mean: meanShift(psi), Found: summed(played, s)})
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// powerPlay is what one feature's windows said: alarms by shift, rule, window.
type powerPlay struct {
	minimal float64
	alarms  [][][powerWindows]bool
}

func playPower(ctx context.Context, rng *rand.Rand, n int, rho float64) (out powerPlay, err error) {
	step, mean := autoregressive(rng, rho), 0.0
	next := func(time.Time) []float64 { return rows(n, func() float64 { return mean + step() }) }
	ref, l, at, err := learn(next, powerHours)
	if err != nil {
		return out, err
	}
	if out.minimal, err = minimal(ref, hour(next, at)); err != nil {
		return out, err
	}
	for _, psi := range powerShifts {
		mean = meanShift(psi)
		alarms := make([][powerWindows]bool, len(rules))
		for w := range powerWindows {
			s := hour(next, at)
			l.at(ref, &s)
			for i := range rules {
				alarms[i][w] = rules[i].budgeted && rules[i].fire(l)
			}
		}
		out.alarms = append(out.alarms, alarms)
	}
	return out, ctx.Err()
}

// minimal is the minimal detectable PSI that a window's signal names.
func minimal(ref *schemas.Reference, w schemas.WindowSummaries) (float64, error) {
	plan, err := onePerMonth()
	if err != nil {
		return 0, err
	}
	for _, s := range detectors.EvaluateWindow(plan, ref, []schemas.WindowSummaries{w}, w.Span, w.Span.End) {
		if s.Detector == "psi" {
			return s.MinimalEffect, nil
		}
	}
	return 0, fmt.Errorf("no signal of psi")
}

func summed(played []powerPlay, shift int) (out []Found) {
	for i := range rules {
		if !rules[i].budgeted {
			continue
		}
		f := Found{Rule: rules[i].name}
		for p := range played {
			first := 0
			for w, alarm := range played[p].alarms[shift][i] {
				if alarm {
					f.Share += 1 / float64(powerWindows*len(played))
				}
				if alarm && first == 0 {
					first = w + 1
				}
			}
			if first == 0 {
				first, f.Censored = powerWindows, true
			}
			f.Delay += float64(first) / float64(len(played))
		}
		out = append(out, f)
	}
	return out
}

// meanShift of a normal distribution that has a PSI over tenths.
func meanShift(psi float64) float64 {
	low, high := 0.0, 4.0
	for range 60 {
		mid := (low + high) / 2
		if populationPSI(mid) < psi {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

func populationPSI(shift float64) (sum float64) {
	last := 0.0
	for k := 1; k <= 10; k++ {
		below := 1.0
		if k < 10 {
			below = distuv.UnitNormal.CDF(distuv.UnitNormal.Quantile(float64(k)/10) - shift)
		}
		q := below - last
		sum += (q - 0.1) * math.Log(q/0.1)
		last = below
	}
	return sum
}
