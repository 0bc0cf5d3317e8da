package main

import (
	"strings"
	"testing"
)

func TestCapacityOutput(t *testing.T) {
	for name, args := range map[string][]string{
		"capacity.txt":       nil,
		"capacity.json":      {"-o", "json", "--events", "10e6", "--models", "200", "--keyed"},
		"capacity_tight.txt": {"--events", "40000", "--format", "json", "--event-bytes", "900", "--cores", "4", "--store-cores", "16", "--partitions", "512", "--flush-interval", "200ms", "--keep-raw", "0s", "--outage", "12h"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := driftline(t, append([]string{"capacity"}, args...)...)
			if code != 0 || stderr != "" {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			golden(t, name, stdout)
		})
	}
}

func TestCapacityMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"nothing to do":  {[]string{"--events", "0"}, "events per second are 0; give more than 0"},
		"format":         {[]string{"--format", "xml"}, `unsupported format "xml"; supported: json, protobuf`},
		"output":         {[]string{"-o", "yaml"}, `unsupported output "yaml"; supported: text, json`},
		"duration":       {[]string{"--outage", "soon"}, "--outage: "},
		"both":           {[]string{"--event-bytes", "900", "--numeric", "3"}, "either --event-bytes or --numeric"},
		"argument":       {[]string{"1000000"}, `unexpected argument "1000000"`},
		"two at a time":  {[]string{"--peak", "0", "--replicas", "0"}, "replicas are 0"},
		"negative bytes": {[]string{"--event-bytes", "-1"}, "event-bytes is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := driftline(t, append([]string{"capacity"}, tc.args...)...)
			if code != 1 || stdout != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want %q", code, stdout, stderr, tc.want)
			}
		})
	}
}
