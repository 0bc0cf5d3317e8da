package selfmetrics

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

func serve(t *testing.T, cfg Config) *Server {
	t.Helper()
	set := metrics.NewSet()
	set.GetOrCreateCounter("driftline_test_total").Add(42)
	s, err := Serve(cfg, set, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func get(t *testing.T, s *Server, path string) (status int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func anyPort() Config { return Config{Listen: "127.0.0.1:0", Profiles: true} }

func TestMetricsShowTheSetAndTheProcess(t *testing.T) {
	status, body := get(t, serve(t, anyPort()), "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{"driftline_test_total 42", "driftline_build_info{", "process_resident_memory_bytes", "go_goroutines"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
}

func TestHealthIsAlwaysFine(t *testing.T) {
	s := serve(t, anyPort())
	s.Ready.Register("kafka", func() error { return errors.New("down") })
	if status, body := get(t, s, "/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("got %d %q", status, body)
	}
}

func TestReadyNamesEveryReason(t *testing.T) {
	s := serve(t, anyPort())
	s.Ready.Register("kafka", func() error { return errors.New("no broker answers") })
	s.Ready.Register("clickhouse", func() error { return errors.New("table signals is missing") })
	s.Ready.Register("fine", func() error { return nil })

	status, body := get(t, s, "/readyz")
	if status != http.StatusServiceUnavailable {
		t.Fatalf("status %d", status)
	}
	var got []NotReady
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		var one NotReady
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		got = append(got, one)
	}
	want := []NotReady{{"clickhouse", "table signals is missing"}, {"kafka", "no broker answers"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}

	s.Ready.Register("kafka", func() error { return nil })
	s.Ready.Register("clickhouse", func() error { return nil })
	if status, _ := get(t, s, "/readyz"); status != http.StatusOK {
		t.Errorf("status %d after both checks pass", status)
	}
}

func TestVersionIsJSON(t *testing.T) {
	_, body := get(t, serve(t, anyPort()), "/version")
	var b BuildInfo
	if err := json.Unmarshal([]byte(body), &b); err != nil || b.Version == "" || b.Go == "" {
		t.Errorf("got %q: %v", body, err)
	}
	if line := b.String(); !strings.HasPrefix(line, "driftline "+b.Version) {
		t.Errorf("line %q", line)
	}
}

func TestProfilesCanBeTurnedOff(t *testing.T) {
	if status, _ := get(t, serve(t, anyPort()), "/debug/pprof/goroutine?debug=1"); status != http.StatusOK {
		t.Errorf("status %d with profiles", status)
	}
	off := anyPort()
	off.Profiles = false
	if status, _ := get(t, serve(t, off), "/debug/pprof/goroutine?debug=1"); status != http.StatusNotFound {
		t.Errorf("status %d without profiles", status)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	s := serve(t, anyPort())
	resp, err := http.Post("http://"+s.Addr()+"/metrics", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestCloseFinishesRequestsUnderWay(t *testing.T) {
	s := serve(t, anyPort())
	entered, release := make(chan struct{}), make(chan struct{})
	s.Ready.Register("slow", func() error { close(entered); <-release; return nil })
	got := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + s.Addr() + "/readyz")
		if err != nil {
			got <- 0
			return
		}
		resp.Body.Close()
		got <- resp.StatusCode
	}()
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	close(release)
	if status := <-got; status != http.StatusOK {
		t.Errorf("status %d for a request under way", status)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if c, err := net.DialTimeout("tcp", s.Addr(), time.Second); err == nil {
		c.Close()
		t.Error("still listening after Close")
	}
}

func TestListenerOffStillCollectsReadiness(t *testing.T) {
	s := serve(t, Config{})
	s.Ready.Register("kafka", func() error { return errors.New("down") })
	if s.Addr() != "" || len(s.Ready.Failures()) != 1 {
		t.Errorf("addr %q, failures %v", s.Addr(), s.Ready.Failures())
	}
}

func TestPortTaken(t *testing.T) {
	s := serve(t, anyPort())
	if _, err := Serve(Config{Listen: s.Addr()}, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a second listener on the same port")
	}
}

func TestConfigValidate(t *testing.T) {
	for listen, ok := range map[string]bool{"": true, "127.0.0.1:0": true, ":9464": true, "[::1]:80": true, "9464": false} {
		if err := (Config{Listen: listen}).Validate(); (err == nil) != ok {
			t.Errorf("listen %q: %v", listen, err)
		}
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}
