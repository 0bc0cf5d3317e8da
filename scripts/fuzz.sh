#!/usr/bin/env bash
# Fuzzes every target of every package, one after the other. What is found lies
# in the package's testdata/fuzz.
#
#   FUZZTIME=20s scripts/fuzz.sh [part of a target's name]
set -euo pipefail

time=${FUZZTIME:-20s}
grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
	grep -ho '^func Fuzz[A-Za-z0-9]*' "$dir"/*_test.go | sed 's/^func //' | sort -u | grep -- "${1:-}" | while read -r target; do
		echo "== $dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$dir" | grep -v '^\(PASS\|ok\)' | tail -1
	done || true
done
