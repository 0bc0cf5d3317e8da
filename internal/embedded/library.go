package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LibraryVersion is the npm version of the engine's shared library. It is the
// only place that names it: scripts/setup-libchdb.sh reads this line.
const LibraryVersion = "26.7.3-stable.1"

// LibraryEnv is the environment variable that names a shared library to use
// instead of the installed one.
const LibraryEnv = "DRIFTLINE_LIBCHDB"

// ErrNoLibrary says that the engine's shared library is not installed.
var ErrNoLibrary = errors.New("the embedded ClickHouse library is missing")

// LibraryPath is where `make setup` installs the shared library; it need not
// exist. It is empty when the user has no cache directory.
func LibraryPath() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	// The file has this name on macOS too.
	return filepath.Join(cache, "driftline", "libchdb", LibraryVersion, "libchdb.so")
}

// FindLibrary resolves the shared library: explicit (when set), else
// DRIFTLINE_LIBCHDB, else LibraryPath. A missing file wraps [ErrNoLibrary] and
// says what was looked for and how to mend it; the choices do not fall back on
// each other, so that a typing error does not run another library.
func FindLibrary(explicit string) (string, error) {
	path, origin := explicit, "configuration"
	if path == "" {
		path, origin = os.Getenv(LibraryEnv), LibraryEnv
	}
	if path == "" {
		path, origin = LibraryPath(), "cache"
	}
	if path == "" {
		return "", fmt.Errorf("%w: no user cache directory (is HOME set?): set %s", ErrNoLibrary, LibraryEnv)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%w: no file %s (from %s): run `make setup`", ErrNoLibrary, path, origin)
	case err != nil:
		return "", fmt.Errorf("find the embedded ClickHouse library: %w", err)
	case info.IsDir():
		return "", fmt.Errorf("%w: %s (from %s) is a directory: run `make setup`", ErrNoLibrary, path, origin)
	}
	return path, nil
}
