package main

import (
	"strings"
	"testing"
)

func TestDemoRefusesWhatItCannotRun(t *testing.T) {
	for want, args := range map[string][]string{
		`unknown fault "shft"; did you mean "shift"?`: {"--inject", "shft"},
		"a demo of 5s is too short":                   {"--for", "5s"},
		"a rate of 1 events/s":                        {"--rate", "1"},
		`unexpected argument "shift"`:                 {"shift"},
	} {
		stdout, stderr, code := driftline(t, append([]string{"demo"}, args...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want %q", args, code, stdout, stderr, want)
		}
	}
}
