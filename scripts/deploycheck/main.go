// Command deploycheck validates what is below deploy without a cluster, a Docker
// engine or a Prometheus: the chart (lint, render, strict decoding of every
// manifest into the types of its API, its configuration by driftline itself),
// the compose project and the alert rules. It also proves that it can fail: each
// check is run on broken copies as well.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("deploy", "deploy", "folder to check")
	bin := flag.String("driftline", "bin/driftline", "binary that checks configurations")
	verbose := flag.Bool("v", false, "print why broken copies are refused")
	flag.Parse()
	c := checker{dir: *dir, bin: *bin, verbose: *verbose}
	var failed []error
	for _, check := range []struct {
		name   string
		run    func(c checker) error
		broken []broken
	}{
		{"Helm chart", checker.chart, []broken{
			{"helm/driftline/values.yaml", "replicas: 2", "replicas: two"},
			{"helm/driftline/values.yaml", "migrate: {enabled: true}", "migrat: {enabled: true}"},
			{"helm/driftline/templates/roles.yaml", "terminationGracePeriodSeconds", "terminationGraceSeconds"},
			{"helm/driftline/values.yaml", "brokers:", "broker:"},
		}},
		{"compose project", checker.compose, []broken{
			{"compose/compose.yaml", "depends_on: {clickhouse:", "depends_on: {clickhaus:"},
			{"compose/compose.yaml", "stop_grace_period: 40s", "stop_grace: 40s"},
			{"compose/driftline.yaml", "kind: events", "kind: event"},
		}},
		{"alert rules", checker.rules, []broken{
			{"prometheus/driftline.rules.yaml", "increase(", "incraese("},
			{"prometheus/driftline.rules.yaml", "driftline_ingest_lost_records_total", "driftline_ingest_lost_total"},
		}},
	} {
		err := check.run(c)
		for _, b := range check.broken {
			err = errors.Join(err, b.noticed(c, check.run))
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", check.name, err))
			continue
		}
		fmt.Printf("%-16s ok, and %d broken copies are refused\n", check.name, len(check.broken))
	}
	if err := errors.Join(failed...); err != nil {
		fmt.Fprintln(os.Stderr, "deploycheck:", err)
		os.Exit(1)
	}
}

type checker struct {
	dir, bin string
	verbose  bool
}

func (c checker) path(elem ...string) string {
	return filepath.Join(append([]string{c.dir}, elem...)...)
}

// broken is a mistake that somebody might make in a file below deploy.
type broken struct{ file, from, to string }

// noticed makes the mistake in a copy, and returns an error if the check does
// not.
func (b broken) noticed(c checker, check func(checker) error) error {
	tmp, err := os.MkdirTemp("", "deploycheck-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if err := os.CopyFS(tmp, os.DirFS(c.dir)); err != nil {
		return err
	}
	file := filepath.Join(tmp, b.file)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, ok := replaced(text, b.from, b.to)
	if !ok {
		return fmt.Errorf("%s has no %q to break", b.file, b.from)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	err = check(checker{dir: tmp, bin: c.bin, verbose: c.verbose})
	if err == nil {
		return fmt.Errorf("%s with %q instead of %q is not noticed", b.file, b.to, b.from)
	}
	if c.verbose {
		fmt.Printf("%s with %q instead of %q:\n  %v\n", b.file, b.to, b.from, err)
	}
	return nil
}
