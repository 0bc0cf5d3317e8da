#!/usr/bin/env bash
# Validates what is below deploy, without a cluster: scripts/deploycheck, the
# unit tests of the alert rules by promtool, and the unit by systemd-analyze.
# The tools are built once; promtool alone takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/bin/tools
version=$(sed -n 's|^\tgithub.com/prometheus/prometheus ||p' scripts/deploycheck/go.mod)
[ -x "$tools/promtool-$version" ] || {
	mkdir -p "$tools"
	echo "building promtool $version" >&2
	go -C scripts/deploycheck build -o "$tools/promtool-$version" github.com/prometheus/prometheus/cmd/promtool
}
go -C scripts/deploycheck build -o "$tools/deploycheck" .
"$tools/deploycheck" "$@"

"$tools/promtool-$version" test rules deploy/prometheus/driftline.rules.test.yaml
printf '%-16s ok\n' "rule tests"

if ! command -v systemd-analyze >/dev/null; then
	echo "NOTICE: no systemd-analyze here, so the unit is not checked" >&2
	exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
verify() { # the unit of stdin; it names a binary that must exist
	sed "s|/usr/local/bin/driftline|$PWD/bin/driftline|" >"$tmp/driftline.service"
	[ -z "$(systemd-analyze verify "$tmp/driftline.service" 2>&1 | tee "$tmp/said" | grep driftline.service)" ]
}
verify <deploy/systemd/driftline.service || { cat "$tmp/said" >&2; exit 1; }
for mistake in 's/^ProtectSystem=strict/ProtectSystem=strictly/' 's/^Type=notify/Type=notif/' 's/^RestartSec/RestartSecs/'; do
	if sed "$mistake" deploy/systemd/driftline.service | verify; then
		echo "systemd unit: $mistake is not noticed" >&2
		exit 1
	fi
done
printf '%-16s ok, and 3 broken copies are refused; exposure %s\n' "systemd unit" \
	"$(systemd-analyze security --offline=true deploy/systemd/driftline.service 2>/dev/null | sed -n 's/.*exposure level for driftline.service: \([0-9.]*\).*/\1/p')"
