package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`^\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// expand replaces ${NAME} and ${NAME:-default}, and $$ by a dollar sign. Any
// other dollar sign stands for itself.
func expand(s string) (string, error) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		value, rest, err := expandOne(after)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		s = rest
	}
}

// expandOne takes the text after a dollar sign and gives what it stands for.
func expandOne(after string) (value, rest string, err error) {
	if rest, ok := strings.CutPrefix(after, "$"); ok {
		return "$", rest, nil
	}
	if !strings.HasPrefix(after, "{") {
		return "$", after, nil
	}
	m := variable.FindStringSubmatch(after)
	if m == nil {
		return "", "", fmt.Errorf("malformed variable; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign")
	}
	value, set := os.LookupEnv(m[1])
	switch {
	case m[2] != "" && value == "":
		value = m[3]
	case m[2] == "" && !set:
		return "", "", fmt.Errorf("environment variable %s is not set; set it or write ${%s:-default}", m[1], m[1])
	}
	return value, after[len(m[0]):], nil
}
