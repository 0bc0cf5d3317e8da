#!/usr/bin/env bash
# Vets and tests every package, and ends with one line that says how it went.
# Called by `make test`. Arguments choose packages; without any it takes all.
set -euo pipefail

packages=("${@:-./...}")
limit=${TEST_TIMEOUT:-25m}
# A package that hangs is ended well before, so that its stacks are printed.
package_limit=${TEST_PACKAGE_TIMEOUT:-12m}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

race=(-race)
if [ "$(go env CGO_ENABLED)" = 0 ] || ! command -v "$(go env CC)" >/dev/null; then
	echo "NOTICE: no C compiler, so the tests run without the race detector (install gcc or clang)." >&2
	race=()
fi

# The limit holds for the whole run; go test's own holds for each package.
bounded=()
if command -v timeout >/dev/null; then bounded=(timeout --kill-after=30s "$limit"); fi

SECONDS=0
go vet "${packages[@]}"
status=0
${bounded[@]+"${bounded[@]}"} go test ${race[@]+"${race[@]}"} -timeout "$package_limit" "${packages[@]}" 2>&1 |
	tee "$log" | grep --line-buffered -v 'no test files' || status=${PIPESTATUS[0]}

ok=$(grep -c '^ok ' "$log" || true)
failed=$(grep -c '^FAIL[[:space:]].' "$log" || true)
echo "----"
if [ "$status" -eq 124 ]; then echo "TIMEOUT after $limit"; fi
if [ "$status" -ne 0 ]; then
	echo "FAIL: $failed of $((ok + failed)) packages, ${SECONDS}s"
	exit 1
fi
echo "PASS: $ok packages, ${SECONDS}s${race[*]:+, race detector on}"
