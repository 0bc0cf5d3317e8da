package apachekafka

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// emptyCache gives the process a cache directory without Kafka.
func emptyCache(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv("JAVA_HOME", "")
}

// setup runs the setup script with commands named java and mvn that run the
// given bodies, or without them.
func setup(t *testing.T, java, mvn string, args ...string) (string, error) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	bin := t.TempDir()
	for _, tool := range []string{"sed", "uname", "dirname", "cat", "ls", "mkdir", "mktemp", "rm", "mv"} {
		if path, err := exec.LookPath(tool); err == nil {
			check(t, os.Symlink(path, filepath.Join(bin, tool)))
		}
	}
	for name, body := range map[string]string{"java": java, "mvn": mvn} {
		if body != "" {
			check(t, os.WriteFile(filepath.Join(bin, name), []byte("#!"+bash+"\n"+body), 0o700))
		}
	}
	cmd := exec.Command(bash, append([]string{"../../../scripts/setup-kafka.sh"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+bin)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestSetupScriptAgreesWithTheLookup(t *testing.T) {
	emptyCache(t)
	if out, err := setup(t, "", "", "--path"); out != LibsPath() || err != nil {
		t.Errorf("the script installs to %s (%v), the tests look in %s", out, err, LibsPath())
	}
}

const (
	java17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`
	// fetching puts the jar where the last argument says.
	fetching = `out=${!#}; out=${out#-DoutputDirectory=}; mkdir "$out"; echo fake >"$out/kafka_2.13-` + Version + `.jar"; echo "$*" >>"$HOME/calls"`
)

func TestSetupScriptInstallsOnce(t *testing.T) {
	emptyCache(t)
	for range 2 {
		if out, err := setup(t, java17, fetching); err != nil {
			t.Fatal(err, out)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(LibsPath()), "*")); len(left) != 1 || left[0] != LibsPath() {
		t.Errorf("in the cache are %v", left)
	}
	calls, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), "calls"))
	check(t, err)
	if strings.Count(string(calls), "\n") != 1 || !strings.Contains(string(calls), "-Dkafka.version="+Version) {
		t.Errorf("Maven was called with %s", calls)
	}
}

func TestSetupScriptFaults(t *testing.T) {
	emptyCache(t)
	for name, tc := range map[string]struct{ java, mvn, arg, want string }{
		"no java":          {"", "exit 1", "", "java is not installed"},
		"old java":         {`echo 'java version "1.8.0_402"' >&2`, "exit 1", "", "runs on 17 or newer"},
		"no maven":         {java17, "", "", "mvn is not installed"},
		"no network":       {java17, "echo no route to the repository; exit 1", "", "no route to the repository"},
		"nothing fetched":  {java17, "exit 0", "", "fetched no broker"},
		"unknown argument": {java17, "exit 0", "--frobnicate", "unknown argument --frobnicate"},
	} {
		t.Run(name, func(t *testing.T) {
			var args []string
			if tc.arg != "" {
				args = append(args, tc.arg)
			}
			if out, err := setup(t, tc.java, tc.mvn, args...); err == nil || !strings.Contains(out, tc.want) {
				t.Errorf("%v: %s", err, out)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(LibsPath()), "*")); len(left) > 0 {
				t.Error("left behind: ", left)
			}
		})
	}
}

// Where Kafka is missing, the message says what to do.
func TestMissingKafkaSaysHowToMendIt(t *testing.T) {
	emptyCache(t)
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	for _, want := range []string{"Java", LibsPath()} {
		if _, err := find(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "make setup-kafka") {
			t.Errorf("%v, want %s in it", err, want)
		}
		check(t, os.WriteFile(filepath.Join(bin, "java"), []byte("#!/bin/sh\n"), 0o700)) // for the next round
	}
}
