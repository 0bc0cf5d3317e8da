package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// MarshalJSON writes both kinds as one object. Values that JSON cannot hold
// (NaN, infinities) are left out: they are missing.
func (f Features) MarshalJSON() ([]byte, error) {
	all := make(map[string]any, len(f.Numeric)+len(f.Categorical))
	for name, v := range f.Numeric {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			all[name] = v
		}
	}
	for name, v := range f.Categorical {
		all[name] = v
	}
	return json.Marshal(all)
}

// UnmarshalJSON sorts the object's members by the type of their value.
func (f *Features) UnmarshalJSON(b []byte) error {
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*f = Features{}
	for name, v := range all {
		switch v := v.(type) {
		case nil:
		case float64:
			f.setNumeric(name, v)
		case bool:
			f.setNumeric(name, 0)
			if v {
				f.setNumeric(name, 1)
			}
		case string:
			if f.Categorical == nil {
				f.Categorical = map[string]string{}
			}
			f.Categorical[name] = v
		default:
			return fmt.Errorf("feature %q is neither a number, a boolean, a string nor null", name)
		}
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

// UnmarshalJSON takes RFC 3339 and unix milliseconds.
func (s *stamp) UnmarshalJSON(b []byte) error {
	var ms float64
	if err := json.Unmarshal(b, &ms); err == nil {
		*s = stamp(time.UnixMilli(int64(ms)).UTC())
		return nil
	}
	var t time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return fmt.Errorf("timestamp %s is neither RFC 3339 nor unix milliseconds", b)
	}
	*s = stamp(t.UTC())
	return nil
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (e *Event) UnmarshalJSON(b []byte) error {
	type plain Event
	return unmarshalStamped(b, (*plain)(e), &e.Time)
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (l *Label) UnmarshalJSON(b []byte) error {
	type plain Label
	return unmarshalStamped(b, (*plain)(l), &l.Time)
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (s *Sample) UnmarshalJSON(b []byte) error {
	type plain Sample
	return unmarshalStamped(b, (*plain)(s), &s.Time)
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (j *JobEvent) UnmarshalJSON(b []byte) error {
	type plain JobEvent
	return unmarshalStamped(b, (*plain)(j), &j.Time)
}

// UnmarshalJSON reads the JSON form; timestamps are RFC 3339 or unix milliseconds.
func (c *Change) UnmarshalJSON(b []byte) error {
	type plain Change
	return unmarshalStamped(b, (*plain)(c), &c.Time)
}

// unmarshalStamped reads into a struct without methods, and its timestamp in
// either form: the outer timestamp field hides the embedded one.
func unmarshalStamped[T any](b []byte, into *T, at *time.Time) error {
	var stamped struct {
		Time stamp `json:"timestamp"`
	}
	if err := json.Unmarshal(b, &stamped); err != nil {
		return err
	}
	masked, err := withoutTimestamp(b)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(masked, into); err != nil {
		return err
	}
	*at = time.Time(stamped.Time)
	return nil
}

func withoutTimestamp(b []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, err
	}
	delete(members, "timestamp")
	return json.Marshal(members)
}
