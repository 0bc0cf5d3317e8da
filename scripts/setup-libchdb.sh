#!/usr/bin/env bash
# Installs the embedded ClickHouse engine (the libchdb shared library) into the
# user's cache directory, where internal/embedded looks for it.
#
#   scripts/setup-libchdb.sh            install, or do nothing when it is there
#   scripts/setup-libchdb.sh --verify   also hash an installed library again
#   scripts/setup-libchdb.sh --path     print where the library belongs
#
# The library comes from npm, as the exact version that LibraryVersion in
# internal/embedded/library.go names, and must have the SHA-256 that
# scripts/libchdb.sha256 lists for this platform. DRIFTLINE_LIBCHDB_UNVERIFIED=1
# takes a platform that the list does not have yet on npm's own integrity check.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_of_version=$here/../internal/embedded/library.go
sums=$here/libchdb.sha256

die() {
	echo "setup-libchdb: $*" >&2
	exit 1
}

# platform prints this machine's suffix in the npm package names.
platform() {
	case "$(uname -s)/$(uname -m)" in
	Linux/x86_64) echo linux-x64-gnu ;;
	Linux/aarch64 | Linux/arm64) echo linux-arm64-gnu ;;
	Darwin/x86_64) echo darwin-x64 ;;
	Darwin/arm64) echo darwin-arm64 ;;
	*) die "no libchdb package for $(uname -s) on $(uname -m): use a ClickHouse server instead of the embedded one" ;;
	esac
}

# cache_dir is what Go's os.UserCacheDir returns.
cache_dir() {
	if [ "$(uname -s)" = Darwin ]; then
		echo "${HOME:?HOME is not set}/Library/Caches"
	else
		echo "${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}"
	fi
}

sha256() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$1" | cut -d' ' -f1
	else
		shasum -a 256 "$1" | cut -d' ' -f1
	fi
}

version=$(sed -n 's/^const LibraryVersion = "\(.*\)"$/\1/p' "$source_of_version")
[ -n "$version" ] || die "no LibraryVersion in $source_of_version"
platform=$(platform)
package=@chdb/lib-$platform
target=$(cache_dir)/driftline/libchdb/$version/libchdb.so # .so on macOS too
stamp=$target.sha256                                       # the hash it was installed with
want=$(awk -v v="$version" -v p="$platform" '$2 == v && $3 == p { print $1 }' "$sums")

verify=no
case "${1:-}" in
"") ;;
--verify) verify=yes ;;
--path)
	echo "$target"
	exit 0
	;;
*) die "unknown argument $1; known: --verify, --path" ;;
esac

# Hashing half a gigabyte takes seconds, so a start trusts the stamp, which is
# written only after the library passed the check and lies beside it.
if [ -f "$target" ] && [ -f "$stamp" ] && { [ -z "$want" ] || [ "$(cat "$stamp")" = "$want" ]; }; then
	if [ "$verify" = no ] || [ "$(sha256 "$target")" = "$(cat "$stamp")" ]; then
		echo "libchdb $version is installed: $target"
		exit 0
	fi
	echo "setup-libchdb: $target is damaged: installing it again" >&2
fi

if [ -z "$want" ] && [ "${DRIFTLINE_LIBCHDB_UNVERIFIED:-}" != 1 ]; then
	die "no checksum of $package $version in $sums: set DRIFTLINE_LIBCHDB_UNVERIFIED=1 to rely on npm's integrity check, then add the printed line"
fi
command -v npm >/dev/null || die "npm is not installed, and the engine comes as an npm package: install Node.js, or set DRIFTLINE_LIBCHDB to a libchdb.so of version $version"

mkdir -p "$(dirname "$target")"
# Beside the target, so that the final mv is a rename and cannot be seen half done.
work=$(mktemp -d "$(dirname "$target")/setup.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching $package $version (about 170 MB)"
(cd "$work" && npm pack "$package@$version" --ignore-scripts --silent >npm.out 2>npm.err) || {
	cat "$work/npm.err" "$work/npm.out" >&2
	die "npm could not fetch $package@$version: check the network, or npm's registry and proxy settings"
}
tar -xzf "$work"/*.tgz -C "$work" package/libchdb.so || die "$package@$version holds no libchdb.so"

got=$(sha256 "$work/package/libchdb.so")
if [ -z "$want" ]; then
	echo "setup-libchdb: unverified; line for $sums: $got $version $platform" >&2
elif [ "$got" != "$want" ]; then
	die "$package@$version has SHA-256 $got, but $sums says $want: not installed"
fi
chmod 0755 "$work/package/libchdb.so"
mv -f "$work/package/libchdb.so" "$target"
echo "$got" >"$work/stamp"
mv -f "$work/stamp" "$stamp"
echo "installed libchdb $version: $target"
