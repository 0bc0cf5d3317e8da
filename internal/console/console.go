// Package console is the front end of grafana-plugin as the binary serves it:
// fleet, model, incident and pipeline pages over the API, without Grafana. Its
// files are built by make console and embedded; a binary that was built without
// them says so on its page.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed dist
var built embed.FS

// policy of the pages: their own files and their own API, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is a file that is served.
type page struct {
	name, tag string
	content   []byte
}

// Built tells whether the front end is in this binary.
func Built() bool {
	_, err := fs.Stat(built, "dist/index.html")
	return err == nil
}

// Handler serves the console at the root of a server, and nothing below other
// paths: what is not a file of it is not found.
func Handler() http.Handler {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return handler(files)
}

func handler(files fs.FS) http.Handler {
	pages := map[string]page{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		sum := sha256.Sum256(content)
		pages["/"+name] = page{name, `"` + hex.EncodeToString(sum[:8]) + `"`, content}
		return err
	})
	if err != nil {
		panic(err) // the files are in memory
	}
	start, ok := pages["/index.html"]
	if !ok {
		start = pages["/placeholder.html"]
	}
	delete(pages, "/placeholder.html")
	pages["/"] = start
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		p, ok := pages[path.Clean(r.URL.Path)]
		switch {
		case !ok:
			h.Set("Cache-Control", "no-store")
			http.Error(w, "there is no such page; the console is at /", http.StatusNotFound)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the console is read with GET", http.StatusMethodNotAllowed)
			return
		case strings.HasPrefix(p.name, "assets/"): // named after what is in them
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		default:
			h.Set("Cache-Control", "no-cache")
		}
		h.Set("ETag", p.tag)
		http.ServeContent(w, r, p.name, time.Time{}, bytes.NewReader(p.content))
	})
}
