// Package docs_test runs what the manual says, and checks that it holds together.
package docs_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

var shell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// A newcomer's path: every command of the quick start, in order, in one shell.
func TestQuickStart(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	if testing.Short() {
		t.Skip("starts the pipeline")
	}
	text, err := os.ReadFile("quick-start.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -euo pipefail\ntrap 'test ! -f quickstart/run.pid || kill -KILL $(cat quickstart/run.pid) 2> /dev/null || true' EXIT\n")
	for _, block := range shell.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], "python3 -m venv") && !python(t) {
			continue
		}
		script.WriteString(block[1])
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(root, "quickstart")
	if _, err := os.Stat(kept); err == nil {
		t.Skip("quickstart exists: somebody walks the path by hand; remove it to have this tested")
	}
	t.Cleanup(func() { _ = os.RemoveAll(kept) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &out, &out
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(kept, "run.log"))
		t.Fatalf("%v\n%s\nlog of the pipeline:\n%s", err, out.String(), log)
	}
	t.Log(out.String())
}

// python tells whether there is one. In CI there must be.
func python(t *testing.T) bool {
	err := exec.CommandContext(t.Context(), "python3", "-c", "import venv").Run()
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("python3 with venv is missing: ", err)
	}
	return err == nil
}
