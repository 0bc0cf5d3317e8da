package silent

import (
	"time"

	"github.com/driftline/driftline/schemas"
)

// throughput judges the newest bins against a forecast of them.
var throughputRule = Rule{
	Name: "throughput", Title: "throughput below forecast", Unit: "share of the forecast", Needs: []Input{Counts, Requests},
	Doc: "A model answers far less than it does at this hour of the week, in three bins of five minutes in a row, while its requests have not fallen likewise. " +
		"Nothing at all from a model that is used to answer counts as zero, which is not the same as a model that was never seen.",
	Use:    "Models with steady or seasonal traffic. Without two earlier weeks only a fall by drop_unseasoned from the last hours counts.",
	Blind:  "Falls smaller than min_drop; holidays look like failures unless requests are reported; slow declines; the first hours of a model.",
	Source: "negative-binomial lower tail with the median and the scaled median absolute deviation of the same hours of week",
	Params: []Param{
		{"min_drop", 0.5, 0.01, 1, "share of the forecast", "smallest fall that counts"},
		{"drop_unseasoned", 0.9, 0.01, 1, "share of the forecast", "the same where no earlier weeks are known"},
		{"p_value", 1e-4, 0, 0.05, "probability", "chance of so few when nothing changed, at or below which it counts"},
		{"min_rows", 30, 1, 1e9, "rows", "a smaller forecast gives insufficient"},
	},
	Model: throughput,
}

// judgedBins is how many bins in a row must be low.
const judgedBins = 3

// Weeks are how many earlier weeks a forecast may use.
const Weeks = 4

// leastBlocks is how many spans of the last hours stand for a forecast when
// there are no earlier weeks: two hours.
const leastBlocks = 8

func throughput(m *Model, c Clock, p Params) []Finding {
	if len(m.Counts) == 0 {
		return []Finding{noData("no event of the model was seen")}
	}
	by := countsByBin(m.Counts)
	end := c.Now.Truncate(Bin)
	history, seasonal := forecasts(by, end)
	n := sumBins(by, end.Add(-judgedBins*Bin), judgedBins)
	if len(history) == 0 {
		return []Finding{insufficient(n, 0, "neither two earlier weeks nor two hours of traffic are there to forecast from")}
	}
	forecast, deviation := spread(history)
	if forecast < p["min_rows"] {
		return []Finding{insufficient(n, uint64(forecast), "the forecast of %s rows is too small to tell a fall, %s are needed", number(forecast), number(p["min_rows"]))}
	}
	least, from := p["min_drop"], "the same hour of earlier weeks"
	if !seasonal {
		least, from = p["drop_unseasoned"], "the last hours"
	}
	// A forecast from few spans is uncertain itself.
	variance := max(forecast, deviation*deviation) * (1 + 1/float64(len(history)))
	drop := 1 - float64(n)/forecast
	f := effect(drop, least, countBelow(n, forecast, variance), p["p_value"], n, uint64(forecast))
	f = f.says("%d rows in %s, %s ± %s were forecast from %s (%d spans)", n, long(judgedBins*Bin), number(forecast), number(deviation), from, len(history))
	for i := 1; i <= judgedBins; i++ {
		if bin := end.Add(time.Duration(-i) * Bin); float64(by[bin.Unix()]) > (1-least)*forecast/judgedBins {
			f.State = schemas.StateOK
		}
	}
	if input, known := inputDrop(m.Requests, end); known && input >= drop/2 && f.State == schemas.StateAlarm {
		f.State = schemas.StateOK
		f.Reason += ", and requests fell by " + percent(input) + " likewise"
	}
	return []Finding{f.from(end.Add(-judgedBins * Bin))}
}

func countsByBin(counts []Count) map[int64]uint64 {
	by := make(map[int64]uint64, len(counts))
	for _, c := range counts {
		by[c.Start.Truncate(Bin).Unix()] += c.Rows
	}
	return by
}

func sumBins(by map[int64]uint64, from time.Time, bins int) (n uint64) {
	for i := range bins {
		n += by[from.Add(time.Duration(i)*Bin).Unix()]
	}
	return n
}

// forecasts are counts of spans as long as the judged one: of the same hour of
// earlier weeks, or of the last hours when fewer than two weeks are known. A
// week without a single row is one in which the model was not seen.
func forecasts(by map[int64]uint64, end time.Time) (spans []float64, seasonal bool) {
	weeks := 0
	for w := 1; w <= Weeks; w++ {
		var found []float64
		total := uint64(0)
		for _, shift := range []time.Duration{-2, -1, 0, 1, 2} {
			from := end.AddDate(0, 0, -7*w).Add((shift - 1) * judgedBins * Bin)
			n := sumBins(by, from, judgedBins)
			found, total = append(found, float64(n)), total+n
		}
		if total > 0 {
			spans, weeks = append(spans, found...), weeks+1
		}
	}
	if weeks >= 2 {
		return spans, true
	}
	return trailing(by, end), false
}

// trailing are the spans before the judged one, back to the model's first row.
func trailing(by map[int64]uint64, end time.Time) (spans []float64) {
	first := end
	for start, n := range by {
		if t := time.Unix(start, 0); n > 0 && t.Before(first) && t.After(end.Add(-Trailing)) {
			first = t
		}
	}
	for i := 2; ; i++ {
		from := end.Add(time.Duration(-i) * judgedBins * Bin)
		if from.Before(first) {
			break
		}
		spans = append(spans, float64(sumBins(by, from, judgedBins)))
	}
	if len(spans) < leastBlocks {
		return nil
	}
	return spans
}

// Trailing is how far back counts reach without gaps.
const Trailing = 6 * time.Hour

// inputDrop is by what share requests fell against the median of their last
// hours; unknown where the serving system does not count them.
func inputDrop(requests []Count, end time.Time) (drop float64, known bool) {
	by := countsByBin(requests)
	usual, _ := spread(trailing(by, end))
	if usual == 0 {
		return 0, false
	}
	return 1 - float64(sumBins(by, end.Add(-judgedBins*Bin), judgedBins))/usual, true
}
