#!/usr/bin/env bash
# Installs the jars of an Apache Kafka broker into the user's cache directory,
# where internal/testkit/apachekafka looks for them. Only tests need them.
#
#   scripts/setup-kafka.sh          install, or do nothing when they are there
#   scripts/setup-kafka.sh --path   print where the jars belong
#
# They come by Maven, as scripts/kafka/pom.xml lists them and in the exact
# version that Version in internal/testkit/apachekafka/install.go names. Maven
# checks every file against the checksum that its repository gives.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_of_version=$here/../internal/testkit/apachekafka/install.go
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

die() {
	echo "setup-kafka: $*" >&2
	exit 1
}

# cache_dir is what Go's os.UserCacheDir returns.
cache_dir() {
	if [ "$(uname -s)" = Darwin ]; then
		echo "${HOME:?HOME is not set}/Library/Caches"
	else
		echo "${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}"
	fi
}

version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' "$source_of_version")
[ -n "$version" ] || die "no Version in $source_of_version"
target=$(cache_dir)/driftline/kafka/$version/libs

case "${1:-}" in
"") ;;
--path)
	echo "$target"
	exit 0
	;;
*) die "unknown argument $1; known: --path" ;;
esac

java=java
[ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
command -v "$java" >/dev/null || die "$java is not installed, and Kafka runs on it: install Java 17 or newer"

# The folder gets its name when it is whole, and the broker's own jar is in it.
if [ -f "$target/kafka_2.13-$version.jar" ]; then
	echo "Apache Kafka $version is installed: $target"
	exit 0
fi

release=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
[ "${release:-0}" -ge 17 ] || die "$java is of release ${release:-unknown}, and Kafka $version runs on 17 or newer"
command -v mvn >/dev/null || die "mvn is not installed, and the jars come by it: install Maven"

mkdir -p "$(dirname "$target")"
# Beside the target, so that the final mv is a rename and cannot be seen half done.
work=$(mktemp -d "$(dirname "$target")/setup.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching Apache Kafka $version (about 45 MB)"
mvn --batch-mode --quiet --strict-checksums --file "$here/kafka/pom.xml" -Dkafka.version="$version" \
	"$plugin:copy-dependencies" -DincludeScope=runtime -DoutputDirectory="$work/libs" >"$work/mvn.out" 2>&1 || {
	cat "$work/mvn.out" >&2
	die "Maven could not fetch Kafka $version: check the network, or Maven's repository and proxy settings"
}
[ -f "$work/libs/kafka_2.13-$version.jar" ] || die "Maven fetched no broker: $(ls "$work/libs" 2>&1)"
rm -rf "$target"
mv "$work/libs" "$target"
echo "installed Apache Kafka $version: $target"
