package embedded_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/embedded"
)

// emptyCache gives the process a cache directory without the library.
func emptyCache(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv(embedded.LibraryEnv, "")
}

func TestMissingLibrarySaysHowToMendIt(t *testing.T) {
	emptyCache(t)
	for _, configured := range []string{"", "/no/such/libchdb.so", t.TempDir()} {
		want := configured
		if want == "" {
			want = embedded.LibraryPath()
		}
		_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{Library: configured, DataDir: t.TempDir()})
		wantError(t, err, want, "make setup")
		if !errors.Is(err, embedded.ErrNoLibrary) {
			t.Error(err)
		}
	}
}

func TestFindLibraryOrder(t *testing.T) {
	emptyCache(t)
	dir := t.TempDir()
	put := func(path string) string {
		must(t, os.MkdirAll(filepath.Dir(path), 0o750))
		must(t, os.WriteFile(path, nil, 0o600))
		return path
	}
	want := func(explicit, want string) {
		t.Helper()
		if got, err := embedded.FindLibrary(explicit); got != want || err != nil {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	want("", put(embedded.LibraryPath()))
	fromEnv := put(filepath.Join(dir, "env.so"))
	t.Setenv(embedded.LibraryEnv, fromEnv)
	want("", fromEnv)
	configured := put(filepath.Join(dir, "configured.so"))
	want(configured, configured)
	t.Setenv(embedded.LibraryEnv, filepath.Join(dir, "typo.so"))
	_, err := embedded.FindLibrary("")
	wantError(t, err, "typo.so", embedded.LibraryEnv) // not the cache's instead
}

// setup runs the setup script with an npm that runs body, or without one.
func setup(t *testing.T, npm string, args ...string) (string, error) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	bin := t.TempDir()
	for _, tool := range []string{"sed", "awk", "uname", "dirname", "cut", "cat", "mkdir", "mktemp", "rm", "mv", "chmod", "tar", "gzip", "sha256sum", "shasum"} {
		if path, err := exec.LookPath(tool); err == nil {
			must(t, os.Symlink(path, filepath.Join(bin, tool)))
		}
	}
	if npm != "" {
		must(t, os.WriteFile(filepath.Join(bin, "npm"), []byte("#!"+bash+"\n"+npm), 0o700))
	}
	cmd := exec.Command(bash, append([]string{"../../scripts/setup-libchdb.sh"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+bin)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestSetupScriptAgreesWithTheLookup(t *testing.T) {
	emptyCache(t)
	out, err := setup(t, "", "--path")
	if out != embedded.LibraryPath() || err != nil {
		t.Errorf("the script installs to %s (%v), the program looks in %s", out, err, embedded.LibraryPath())
	}
}

func TestSetupScriptFaults(t *testing.T) {
	emptyCache(t)
	t.Setenv("DRIFTLINE_LIBCHDB_UNVERIFIED", "1") // where the list lacks the platform, get as far as npm
	const packFake = "mkdir -p package && echo fake >package/libchdb.so && tar -czf fake.tgz package && rm -r package"
	for name, tc := range map[string]struct{ npm, arg, want string }{
		"no npm":           {"", "", "npm is not installed"},
		"no network":       {"echo no route to the registry >&2; exit 1", "", "no route to the registry"},
		"other content":    {packFake, "", "not installed"},
		"unknown argument": {"", "--frobnicate", "unknown argument --frobnicate"},
	} {
		t.Run(name, func(t *testing.T) {
			var args []string
			if tc.arg != "" {
				args = append(args, tc.arg)
			}
			out, err := setup(t, tc.npm, args...)
			if name == "other content" && err == nil && strings.Contains(out, "unverified") {
				t.Skip("the list has no checksum for this platform")
			}
			if err == nil || !strings.Contains(out, tc.want) {
				t.Errorf("%v: %s", err, out)
			}
			if _, err := os.Stat(embedded.LibraryPath()); err == nil {
				t.Error("installed all the same")
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(embedded.LibraryPath()), "setup.*")); len(left) > 0 {
				t.Error("left behind: ", left)
			}
		})
	}
}
