package world

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
)

// traffic is how much more or less than the mean comes at a time, without
// faults.
func (w *World) traffic(m *model, ms int64) float64 {
	t := time.UnixMilli(ms).UTC()
	day := float64(ms%86_400_000) / 86_400_000
	rate := 1 + w.Daily*math.Sin(2*math.Pi*(day-0.375)) // most at 15:00 UTC
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		rate *= 1 - w.Weekly
	}
	switch w.Arrivals {
	case Bursty:
		w.burst.Seed(w.Seed, streamBursts+uint64(m.index), uint64(ms/burstMillis))
		rate *= w.burst.Lognormal(1, 0.2)
	case Trace:
		length := int64(len(w.shape)) * shapeMillis
		at := ((ms-w.from)%length + length) % length // references are from before the run
		rate *= w.shape[at/shapeMillis]
	}
	return rate
}

// burstMillis is how long a bursty rate lasts.
const burstMillis = 60_000

// surge is the additional traffic of faults.
func (m *model) surge(ms int64) float64 {
	s, _ := m.faults.of(TrafficSurge, ms)
	return 1 + s
}

// arrival is the time of a model's next request after ms, its n-th: an
// exponential gap at the rate of the moment.
func (w *World) arrival(m *model, n uint64, at float64) float64 {
	w.base.Seed(w.Seed, streamArrivals+uint64(m.index), n)
	ms := int64(at)
	rate := w.Rate * w.traffic(m, ms) * m.surge(ms)
	return at + 1000*w.base.ExpFloat64()/max(rate, 1e-6)
}

// shapeMillis is the step of a trace's rate.
const shapeMillis = 10_000

// readShape makes a rate, with a mean of 1, of the times in a file's first
// column that holds times.
func readShape(file string) (shape []float64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open trace of arrivals: %w", err)
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("read trace of arrivals %s: %w", file, err)
		}
	}
	counts, first := map[int64]float64{}, int64(math.MaxInt64)
	last, n := int64(math.MinInt64), 0
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	for {
		line, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read trace of arrivals %s: %w", file, err)
		}
		if at, ok := firstTime(line); ok {
			k := at.UnixMilli() / shapeMillis
			counts[k]++
			first, last, n = min(first, k), max(last, k), n+1
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("read trace of arrivals %s: no column with times such as 2023-11-16 18:15:46.6805900", file)
	}
	if last-first > 1e6 {
		return nil, fmt.Errorf("read trace of arrivals %s: it spans more than 115 days", file)
	}
	shape = make([]float64, last-first+1)
	for k, c := range counts {
		shape[k-first] = c * float64(len(shape)) / float64(n)
	}
	return shape, nil
}

func firstTime(line []string) (time.Time, bool) {
	for _, field := range line {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, field); err == nil {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// load of a pod is the share of its capacity that is in use: usual is what the
// mean rate takes.
const usual = 0.35

// queueing is how many times longer a request takes at a load: a pod serves
// several at once, so that waiting begins late and then grows fast.
func queueing(load float64) float64 {
	load = min(load, 0.97)
	return 1 + math.Pow(load, 6)/(1-load)
}
