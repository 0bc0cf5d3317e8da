package alerting

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // time zones also where the system has none, as in small containers

	"github.com/prometheus/alertmanager/timeinterval"

	"github.com/driftline/driftline/internal/config"
)

// read gives the interval in the form of the library that knows its grammar.
func (t *TimeInterval) read() (out timeinterval.TimeInterval, err error) {
	type timeRange struct {
		StartTime string `json:"start_time"`
		EndTime   string `json:"end_time"`
	}
	text := struct {
		Times       []timeRange `json:"times,omitempty"`
		Weekdays    []string    `json:"weekdays,omitempty"`
		DaysOfMonth []string    `json:"days_of_month,omitempty"`
		Months      []string    `json:"months,omitempty"`
		Years       []string    `json:"years,omitempty"`
		Location    string      `json:"location,omitempty"`
	}{Weekdays: t.Weekdays, DaysOfMonth: t.DaysOfMonth, Months: t.Months, Years: t.Years, Location: t.Location}
	for _, r := range t.Times {
		text.Times = append(text.Times, timeRange(r))
	}
	b, err := json.Marshal(text)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// intervals by their names.
type intervals map[string][]timeinterval.TimeInterval

func newIntervals(cfg []TimeIntervals) intervals {
	out := intervals{}
	for _, named := range cfg {
		for i := range named.TimeIntervals {
			t, _ := named.TimeIntervals[i].read() // checked by Validate
			out[named.Name] = append(out[named.Name], t)
		}
	}
	return out
}

// in names the first of the intervals that a moment lies in; empty for none.
func (in intervals) in(names []string, at time.Time) string {
	for _, name := range names {
		for _, t := range in[name] {
			if t.ContainsTime(at.UTC()) {
				return name
			}
		}
	}
	return ""
}

func (t *TimeIntervals) validate(key string) error {
	var errs []error
	if t.Name == "" {
		errs = append(errs, config.Faultf(key+".name", "is missing"))
	}
	if len(t.TimeIntervals) == 0 {
		errs = append(errs, config.Faultf(key+".time_intervals", "is empty; give at least one"))
	}
	for i := range t.TimeIntervals {
		if _, err := t.TimeIntervals[i].read(); err != nil {
			errs = append(errs, config.Faultf(fmt.Sprintf("%s.time_intervals[%d]", key, i), "%v", err))
		}
	}
	return errors.Join(errs...)
}
