package apachekafka

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Version of Apache Kafka. It is the only place that names it:
// scripts/setup-kafka.sh reads this line.
const Version = "4.4.0"

// mending is what to do about a machine without Kafka.
const mending = "run `make setup-kafka` (it needs Java 17 or newer, and Maven)"

// LibsPath is where `make setup-kafka` puts the broker's jars; it need not
// exist. It is empty when the user has no cache directory.
func LibsPath() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "driftline", "kafka", Version, "libs")
}

// installation is what a broker is started from.
type installation struct{ java, libs string }

// find looks for Java and for the jars.
func find() (installation, error) {
	at := installation{libs: LibsPath()}
	if at.libs == "" {
		return at, errors.New("no user cache directory (is HOME set?)")
	}
	var err error
	if at.java, err = findJava(); err != nil {
		return at, fmt.Errorf("the brokers of Apache Kafka need Java: %w: %s", err, mending)
	}
	if _, err := os.Stat(at.libs); err != nil {
		return at, fmt.Errorf("the jars of Apache Kafka %s are missing: %w: %s", Version, err, mending)
	}
	return at, nil
}

func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	return exec.LookPath("java")
}

// require skips the test where Kafka is not installed, and fails it in CI.
func require(t testing.TB) installation {
	t.Helper()
	at, err := find()
	if err == nil {
		return at
	}
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatal(err)
	}
	t.Skip(err)
	return at
}

// command runs a main class of Kafka's. Tests want a quick start and a small
// heap, not the last bit of throughput.
func (at installation) command(class string, args ...string) *exec.Cmd {
	flags := []string{
		"-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:+ExitOnOutOfMemoryError",
		"-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-cp", filepath.Join(at.libs, "*"), class,
	}
	return exec.Command(at.java, append(flags, args...)...)
}
