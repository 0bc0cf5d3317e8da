#!/usr/bin/env bash
# Writes docs/quality.md: what was measured of the quality of verdicts, one
# section a topic, each made by a command. Called by `make quality`.
#
# Real streams are read from $DRIFTLINE_TESTDATA, or ../shared/data beside the
# project.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=${DRIFTLINE_TESTDATA:-../shared/data}
page=$(mktemp)
trap 'rm -f "$page"' EXIT

# section prints a heading, a sentence or two, and what a command prints.
section() {
	local title=$1 text=$2
	shift 2
	printf '\n## %s\n\n%s\n\n' "$title" "$text"
	"$@"
}

# table prints what a test of a package writes to the file that a flag of it names.
table() {
	local file
	file=$(mktemp)
	DRIFTLINE_TESTDATA=$(realpath "$data") go test "$1" -count=1 -run "^$2\$" "-$3" "$file" >&2
	cat "$file"
	rm -f "$file"
}

{
	printf '# Quality\n\nHow well the detectors do, measured. Written by `make quality`: change the code, not this page.\n'
	section 'Concept drift' 'Every sequential detector at its defaults, by `driftline eval --data FOLDER --markdown`. An online naive Bayes
classifier, which begins anew at each alarm, makes the errors of the real streams. The defaults of page_hinkley_scaled were
chosen on the synthetic streams; all others are those of their sources.' \
		./bin/driftline eval --data "$data" --markdown
	section 'Histories' 'Data drift in the histories of others, by `driftline backtest` with the default set and one false alarm in 30 days, calibrated on the
first rows. FOUND: labelled changes with an alarm. OUTSIDE: windows that alarm elsewhere, which are not all false: the air of rainfall got
clearer at row 8,190, which nobody labelled. The taxis have strong days and weeks. Changes of labels alone (sine1, circle) leave no
drift of data; they are above, and California Housing is in `cmd/driftline/testdata/backtest_california.txt`.' \
		table ./internal/backtest TestHistories histories-table
	section 'Sketches' 'What windows of more than 500,000 values lose by being sketches; smaller ones are counted exactly. Rows of half an hour become
the states that ingest makes of each minute, ClickHouse merges them, and detectors get the result. GAP: between the distribution
functions. RANK ERROR: of 199 quantiles. ΔKS: of KS against the same rows stretched by a tenth and moved. A few rows strewn between
two heaps far apart are off by up to 2 %: they cannot be told one by one from what a digest draws into the gap.' \
		table ./internal/clickhouse TestSketchAgainstExact sketch-table
	printf '\n'
	./bin/driftline eval --budget --markdown # two sections, "Alarm budget" and "Power"; minutes
	section 'Causes' 'The ranking of causes, by `driftline eval --petshop FOLDER --markdown`: incidents of a real system of services whose call
graph and symptom are given (Amazon PetShop, CC-BY-4.0), samples of five minutes. AC@k is the share of incidents whose cause is
among the first k, Avg@5 the mean of AC@1 to AC@5; in brackets 95 % intervals by drawing incidents again. The baselines rank the
entities that the symptom depends on by their largest score, over all metrics or over the symptom'"'"'s alone. Levels and scales come
from normal operation and from the samples of the incident before it was seen. [causes.md](causes.md) says how the ranking works,
and with how much of these cases in view it was made.' \
		./bin/driftline eval --petshop "$data/petshop" --markdown
} >"$page"
cp "$page" docs/quality.md
