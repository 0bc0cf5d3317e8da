#!/usr/bin/env bash
# Writes docs/fleet.md: every scenario of the library played through the embedded
# engines, and what was found. Called by `make fleet`. Plays are kept in
# bin/plays.jsonl and not played again: remove it to begin anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seeds=${SEEDS:-3}
page=$(mktemp)
trap 'rm -f "$page"' EXIT
{
	printf '# Fleet\n\nWhat is found, named and advised when something goes wrong in a fleet, measured. Written by `make fleet` (`SEEDS=%s`): change the\ncode, not this page.\n\n' "$seeds"
	cat <<'TEXT'
Each play is a fleet of four models with eight features on two regions, eight pods of two for each model, eight GPUs, pipelines, jobs, a provider
and late labels, 40 minutes of event time at 120 times the speed, through Kafka, ClickHouse and all roles that judge
(`driftline loadtest score`). The fault begins after 15 minutes. FOUND: an incident about something that the fault reaches. AFTER: median
event time from the fault to the end of the first window that showed it; windows are of five minutes. CAUSE: the first cause of the
incident that names it best is of the right kind and at the right place. RETRAIN: training again was advised exactly where it mends.
INCIDENTS: for each fault that was found. FALSE: incidents that nothing explains. The same scenario and seed give the same records.

TEXT
	./bin/driftline loadtest score --seeds "$seeds" --plays bin/plays.jsonl --markdown
} >"$page"
cp "$page" docs/fleet.md
