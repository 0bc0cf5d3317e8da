package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var files = fstest.MapFS{
	"index.html":            {Data: []byte("<!doctype html><title>pages</title>")},
	"placeholder.html":      {Data: []byte("<!doctype html><title>not built</title>")},
	"logo.svg":              {Data: []byte("<svg/>")},
	"assets/console-ABC.js": {Data: []byte("1")},
}

func TestFilesAreServedAsWhatTheyAre(t *testing.T) {
	h := handler(files)
	for path, want := range map[string][3]string{
		"/":                      {"text/html; charset=utf-8", "no-cache", "<!doctype html><title>pages</title>"},
		"/index.html":            {"text/html; charset=utf-8", "no-cache", "<!doctype html><title>pages</title>"},
		"/logo.svg":              {"image/svg+xml", "no-cache", "<svg/>"},
		"/assets/console-ABC.js": {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "1"},
	} {
		r := get(t, h, http.MethodGet, path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != want[0] || r.Header.Get("Cache-Control") != want[1] || body(t, r) != want[2] {
			t.Errorf("%s is %s, %v", path, r.Status, r.Header)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	h := handler(files)
	for _, path := range []string{"/assets/", "/assets", "/placeholder.html", "/api", "/nothing", "/../console.go"} {
		if r := get(t, h, http.MethodGet, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s is %s", path, r.Status)
		}
	}
	if r := get(t, h, http.MethodPost, "/"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST / is %s", r.Status)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	h := handler(files)
	for _, path := range []string{"/", "/assets/console-ABC.js", "/nothing"} {
		header := get(t, h, http.MethodGet, path).Header
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, header.Get(name))
			}
		}
	}
	for _, loose := range []string{"unsafe", "*", "http"} {
		if strings.Contains(policy, loose) {
			t.Errorf("the policy has %q", loose)
		}
	}
}

func TestWhatIsKnownIsNotSentAgain(t *testing.T) {
	h := handler(files)
	tag := get(t, h, http.MethodGet, "/").Header.Get("ETag")
	if r := get(t, h, http.MethodGet, "/", "If-None-Match", tag); tag == "" || r.StatusCode != http.StatusNotModified {
		t.Errorf("tag %q: %s", tag, r.Status)
	}
}

func TestABinaryWithoutTheConsoleSaysSo(t *testing.T) {
	r := get(t, handler(fstest.MapFS{"placeholder.html": files["placeholder.html"]}), http.MethodGet, "/")
	if r.StatusCode != http.StatusOK || !strings.Contains(body(t, r), "not built") {
		t.Errorf("the page is %s", r.Status)
	}
}

// The page that is embedded refers to files that are embedded, and runs nothing
// that the policy refuses.
func TestTheEmbeddedPageIsWhole(t *testing.T) {
	r := get(t, Handler(), http.MethodGet, "/")
	page := body(t, r)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("the page is %s", r.Status)
	}
	if !Built() {
		if !strings.Contains(page, "make console") {
			t.Error("the placeholder does not name the command")
		}
		t.Skip("the console is not built: make console")
	}
	found := regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(found) < 3 {
		t.Errorf("the page refers to %d files", len(found))
	}
	for _, f := range found {
		if r := get(t, Handler(), http.MethodGet, "/"+f[1]); r.StatusCode != http.StatusOK {
			t.Errorf("%s is %s", f[1], r.Status)
		}
	}
	if regexp.MustCompile(`<script>|<style|style=|onclick=`).MatchString(page) {
		t.Error("the page has code or styles in itself, which its policy refuses")
	}
}
