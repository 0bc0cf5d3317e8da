package config

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// Arbitrary bytes never panic; what is refused has faults, and what is
// accepted dumps into a file that loads again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "name: a\n", "a: &a [*a]", "route: &r {routes: [*r, *r, *r]}", "name: ${A:-$${b}}", "kafka: {brokers: [a]}\nkafka: 1",
		"extra: {? [a] : b, c: !!binary aGk=, d: 2020-01-01, e: !!float 1}", "labels: {<<: {a: b}}", "level: info\nlimits: {memory: 1KiB, wait: 1d}",
		"models: {a: {window: 1h}}\nreceivers: [{url: x}]", "%YAML 1.1\n---\nname: |\n  a\n  b\n...\n", "\xff\xfe", "name_file: [", "- - - -",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("_file")) {
			t.Skip("reads files")
		}
		slow := time.AfterFunc(5*time.Second, func() { panic("too slow") })
		defer slow.Stop()
		cfg := defaults()
		if err := Parse("fuzz.yaml", data, &cfg); err != nil {
			var mistakes *Error
			if !errors.As(err, &mistakes) || len(mistakes.Faults) == 0 {
				t.Fatalf("got %T %v", err, err)
			}
			return
		}
		var out bytes.Buffer
		if err := Dump(&out, &cfg); err != nil {
			t.Fatal(err)
		}
		again := defaults()
		if err := Parse("dump.yaml", out.Bytes(), &again); err != nil {
			t.Fatalf("dump does not load: %v\n%s", err, out.Bytes())
		}
	})
}
