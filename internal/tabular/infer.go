package tabular

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts of times that are recognised; without a zone they mean UTC.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04",
	time.DateOnly,
}

// infer turns a column's texts into the first kind that all of them fit.
func infer(name string, values []string, timestamp, categorical bool) (Column, error) {
	if timestamp {
		times, row := parseTimestamps(values)
		if row > 0 {
			return Column{}, fmt.Errorf("row %d, column %q: %q is not a time: want RFC 3339, 2006-01-02 15:04:05, a date, or Unix seconds or milliseconds", row, name, values[row-1])
		}
		return Column{Name: name, Kind: Time, Times: times}, nil
	}
	if !categorical {
		if numbers, ok := parseAll(values, math.NaN(), parseNumber); ok {
			return Column{Name: name, Kind: Numeric, Numbers: numbers}, nil
		}
		if numbers, ok := parseAll(values, math.NaN(), parseBool); ok {
			return Column{Name: name, Kind: Numeric, Numbers: numbers}, nil
		}
		if times, ok := parseAll(values, time.Time{}, parseTime); ok {
			return Column{Name: name, Kind: Time, Times: times}, nil
		}
	}
	for i, v := range values {
		if isMissing(v) {
			values[i] = ""
		}
	}
	return Column{Name: name, Kind: Categorical, Strings: values}, nil
}

// parseAll parses every value, missing ones aside, or none.
func parseAll[T any](values []string, missing T, parse func(string) (T, bool)) ([]T, bool) {
	for _, v := range values { // most columns are refused by their first value
		if !isMissing(v) {
			if _, ok := parse(v); !ok {
				return nil, false
			}
			break
		}
	}
	out := make([]T, len(values))
	for i, v := range values {
		if isMissing(v) {
			out[i] = missing
			continue
		}
		x, ok := parse(v)
		if !ok {
			return nil, false
		}
		out[i] = x
	}
	return out, true
}

func isMissing(v string) bool {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "", "nan", "null", "na", "n/a", "none":
		return true
	}
	return false
}

// parseNumber reads decimal numbers only: 0x10 and 1_000 are names to people.
func parseNumber(v string) (float64, bool) {
	v = strings.TrimSpace(v)
	if strings.ContainsAny(v, "_xXpP") {
		return 0, false
	}
	x, err := strconv.ParseFloat(v, 64)
	if err != nil && !math.IsInf(x, 0) {
		return 0, false
	}
	return x, true
}

func parseBool(v string) (float64, bool) {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	return 0, false
}

func parseTime(v string) (time.Time, bool) {
	v = strings.TrimSpace(v)
	for _, l := range layouts {
		if t, err := time.Parse(l, v); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseTimestamps reads the timestamp column; row is the first (from 1) that
// is not a time, 0 when all are. A timestamp must not be missing.
func parseTimestamps(values []string) (times []time.Time, row int) {
	times = make([]time.Time, len(values))
	for i, v := range values {
		t, ok := parseTime(v)
		if !ok {
			x, number := parseNumber(v)
			if !number {
				return nil, i + 1
			}
			if t, ok = unixTime(x); !ok {
				return nil, i + 1
			}
		}
		times[i] = t
	}
	return times, 0
}

// milliseconds from 1e11 on: as seconds that is the year 5138, as milliseconds
// it is 1973.
const firstMillisecond = 1e11

// unixTime reads Unix seconds or milliseconds, to the millisecond.
func unixTime(x float64) (time.Time, bool) {
	if math.IsNaN(x) || math.Abs(x) > 1e14 {
		return time.Time{}, false
	}
	if math.Abs(x) < firstMillisecond {
		x *= 1000
	}
	return time.UnixMilli(int64(math.Round(x))).UTC(), true
}
