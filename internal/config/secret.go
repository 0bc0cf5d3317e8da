package config

// Secret is a string that never shows itself: it prints, dumps and marshals as
// "***". Its value comes from the environment or from a file named by the key
// with the suffix _file.
type Secret string

const hidden = "***"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Value is the secret itself.
func (s Secret) Value() string { return string(s) }
