package testkit

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestData is the path of a file of real data: in $DRIFTLINE_TESTDATA, or in
// ../shared/data beside the project. Where the data are absent the test is
// skipped, except in CI (CI=true), where their absence fails it: a run that
// tested nothing must not look like one that passed.
func TestData(t testing.TB, name ...string) string {
	t.Helper()
	return shared(t, dataFolder(t), name)
}

// Oracle is the path of a file of expected values: beside the data, in
// ../oracles.
func Oracle(t testing.TB, name ...string) string {
	t.Helper()
	return shared(t, filepath.Join(filepath.Dir(dataFolder(t)), "oracles"), name)
}

func dataFolder(t testing.TB) string {
	if dir := os.Getenv("DRIFTLINE_TESTDATA"); dir != "" {
		return filepath.Clean(dir)
	}
	return filepath.Join(projectRoot(t), "..", "shared", "data")
}

func shared(t testing.TB, dir string, name []string) string {
	path := filepath.Join(append([]string{dir}, name...)...)
	_, err := os.Stat(path)
	if err == nil {
		return path
	}
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatalf("test data: %v; set DRIFTLINE_TESTDATA to the folder that has them", err)
	}
	t.Skipf("test data are absent: %v; set DRIFTLINE_TESTDATA to the folder that has them", err)
	return ""
}

// projectRoot is the folder of go.mod, upwards of the test's own.
func projectRoot(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("find project: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("find project: no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}
