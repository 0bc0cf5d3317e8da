package config

import "fmt"

// Fault is one mistake in a configuration. A Validate method reports Key
// relative to its own struct ("window", "receivers[2].url"); the loader makes
// it absolute and finds its line.
type Fault struct {
	Key  string // path of YAML keys
	Line int    // in the file; 0 when unknown
	Msg  string // what is wrong and how to mend it
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Key, f.Msg)
	}
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Key, f.Msg)
}

// Faultf makes a Fault for a key.
func Faultf(key, format string, args ...any) error {
	return &Fault{Key: key, Msg: fmt.Sprintf(format, args...)}
}

// Validator is a configuration struct that checks itself. Validate returns all
// mistakes at once (errors.Join of Faultf values), nil when there are none.
type Validator interface{ Validate() error }
