package budget

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// month is the period of the budget, in windows of an hour.
const month = 30 * 24

// play one feature for its months and count the alarms of each rule.
func (s *stream) play(ctx context.Context, rng *rand.Rand) ([]int, error) {
	next := s.begin(rng)
	ref, l, at, err := learn(next, s.days*24)
	if err != nil {
		return nil, err
	}
	alarms := make([]int, len(rules))
	for range monthsEach * month {
		w := hour(next, at)
		l.at(ref, &w)
		for i := range rules {
			if rules[i].fire(l) {
				alarms[i]++
			}
		}
		at = at.Add(time.Hour)
	}
	return alarms, ctx.Err()
}

// learn draws a history of so many hours and calibrates a reference on it.
func learn(next source, hours int) (*schemas.Reference, *look, time.Time, error) {
	plan, err := onePerMonth()
	if err != nil {
		return nil, nil, start, err
	}
	history := make([]schemas.WindowSummaries, hours)
	for i := range history {
		history[i] = hour(next, start.Add(time.Duration(i)*time.Hour))
	}
	ref := pool(history)
	scores := plan.Score(&ref, history)
	c := plan.Calibrate(&ref, scores)
	ref.Calibration = &c
	l := &look{level: plan.Level, score: map[string]float64{}, independent: map[string]float64{}, calibrated: map[string]float64{}}
	for _, s := range scores.Series {
		if s.Detector == "js" {
			l.mean, l.deviation = spread(s.Scores)
		}
	}
	return &ref, l, start.Add(time.Duration(hours) * time.Hour), nil
}

// onePerMonth is a plan with a budget of one false alarm in a feature-month.
func onePerMonth() (*detectors.Plan, error) {
	c := detectors.DefaultConfig()
	c.FalseAlarmEvery, c.BudgetPer = detectors.Every(month*time.Hour), detectors.PerFeature
	c.Detectors = watched
	return detectors.NewPlan(c, detectors.Model{Tenant: key.Tenant, Name: key.Model})
}

// points of the pooled reference: as many as the store's sketches have.
const points = 256

// pool makes the reference of all rows of a history: mid-quantiles, within
// 1/256 of its distribution function, and the extremes.
func pool(history []schemas.WindowSummaries) schemas.Reference {
	var all []float64
	for i := range history {
		for _, p := range history[i].Features[0].Points {
			for range int(p.Weight) {
				all = append(all, p.Value)
			}
		}
	}
	slices.Sort(all)
	s := schemas.Summary{Feature: feature, Kind: schemas.Numeric, Rows: uint64(len(all)), Min: all[0], Max: all[len(all)-1]}
	var deviation float64
	s.Mean, deviation = spread(all)
	s.Variance = deviation * deviation
	s.Points = []schemas.Point{{Value: s.Min, Weight: 1}}
	for k := range points {
		at := (2*k + 1) * len(all) / (2 * points)
		s.Points = append(s.Points, schemas.Point{Value: all[at], Weight: float64(len(all)-2) / points})
	}
	s.Points = append(s.Points, schemas.Point{Value: s.Max, Weight: 1})
	return detectors.MakeReference(key, "history", "simulated", []schemas.Summary{s})
}

func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}
