package selfmetrics

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// version is set when a release is linked:
// -ldflags "-X github.com/driftline/driftline/internal/selfmetrics.version=1.2.3".
var version string

// BuildInfo says what this binary was made from.
type BuildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source; empty when unknown
	Modified bool   `json:"modified"` // the source had changes beyond the revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Build is this binary's.
var Build = sync.OnceValue(func() BuildInfo {
	b := BuildInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	if b.Version == "" {
		b.Version = moduleVersion(info)
	}
	return b
})

func moduleVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return "devel"
}

// String is one line for people.
func (b BuildInfo) String() string {
	s := "driftline " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision[:min(12, len(b.Revision))]
		if b.Modified {
			s += ", modified"
		}
		s += ")"
	}
	return fmt.Sprintf("%s %s %s", s, b.Go, b.Platform)
}
