package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// MarshalJSON writes both kinds as one object, ascending by name. Values that
// JSON cannot hold (NaN, infinities) are left out: they are missing. A name of
// both kinds is written once, with the categorical value.
func (f Features) MarshalJSON() ([]byte, error) { return f.appendJSON(nil), nil }

// UnmarshalJSON sorts the object's members by the type of their value.
func (f *Features) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("read features: %w", err)
	}
	*f = Features{}
	for _, name := range slices.Sorted(maps.Keys(all)) { // in order, so that the error is always the same
		if err := f.set(name, all[name]); err != nil {
			return err
		}
	}
	return nil
}

// set takes one member of the object; its first byte tells its type.
func (f *Features) set(name string, raw json.RawMessage) error {
	switch raw[0] {
	case 'n':
		return nil
	case 't':
		f.setNumeric(name, 1)
	case 'f':
		f.setNumeric(name, 0)
	case '"':
		if f.Categorical == nil {
			f.Categorical = map[string]string{}
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("feature %q: %w", name, err)
		}
		f.Categorical[name] = s
	case '{', '[':
		return fmt.Errorf("feature %q is neither a number, a boolean, a string nor null", name)
	default:
		v, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return fmt.Errorf("feature %q: %s is not within the range of a double", name, raw)
		}
		f.setNumeric(name, v)
	}
	return nil
}

func (f *Features) setNumeric(name string, v float64) {
	if f.Numeric == nil {
		f.Numeric = map[string]float64{}
	}
	f.Numeric[name] = v
}

// stamp reads a timestamp in either form that producers send.
type stamp time.Time

// The times that RFC 3339 can write, in unix milliseconds: years 0 to 9999.
const (
	minMillis = -62_167_219_200_000
	maxMillis = 253_402_300_799_999
)

// UnmarshalJSON takes RFC 3339 and unix milliseconds.
func (s *stamp) UnmarshalJSON(b []byte) error {
	var t time.Time
	if ms, err := strconv.ParseFloat(string(b), 64); err == nil {
		if ms < minMillis || ms > maxMillis {
			return fmt.Errorf("timestamp %s is outside the years 0 to 9999; unix milliseconds are wanted", b)
		}
		t = time.UnixMilli(int64(ms))
	} else if err := t.UnmarshalJSON(b); err != nil {
		return fmt.Errorf("timestamp %.64s is neither RFC 3339 nor unix milliseconds", b)
	}
	if t = t.UTC(); t.UnixMilli() < minMillis || t.UnixMilli() > maxMillis {
		return fmt.Errorf("timestamp %s is outside the years 0 to 9999", b)
	}
	*s = stamp(t)
	return nil
}

// In the readers below the outer timestamp hides the embedded one and points
// to the same place; the plain types have no methods, which ends the recursion.

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (e *Event) UnmarshalJSON(b []byte) error {
	type plain Event
	return json.Unmarshal(b, &struct {
		*plain
		Time *stamp `json:"timestamp"`
	}{(*plain)(e), (*stamp)(&e.Time)})
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (l *Label) UnmarshalJSON(b []byte) error {
	type plain Label
	return json.Unmarshal(b, &struct {
		*plain
		Time *stamp `json:"timestamp"`
	}{(*plain)(l), (*stamp)(&l.Time)})
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (s *Sample) UnmarshalJSON(b []byte) error {
	type plain Sample
	return json.Unmarshal(b, &struct {
		*plain
		Time *stamp `json:"timestamp"`
	}{(*plain)(s), (*stamp)(&s.Time)})
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (j *JobEvent) UnmarshalJSON(b []byte) error {
	type plain JobEvent
	return json.Unmarshal(b, &struct {
		*plain
		Time *stamp `json:"timestamp"`
	}{(*plain)(j), (*stamp)(&j.Time)})
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (c *Change) UnmarshalJSON(b []byte) error {
	type plain Change
	return json.Unmarshal(b, &struct {
		*plain
		Time *stamp `json:"timestamp"`
	}{(*plain)(c), (*stamp)(&c.Time)})
}
