package selfmetrics

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func logTo(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestEveryLimitsACallSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Every(logTo(&out), 10*time.Second)
		for i := range 25 { // one a second: passes at 0, 10 and 20
			log.Warn("drop event", "i", i)
			time.Sleep(time.Second)
		}
		want := "level=WARN msg=\"drop event\" i=0\n" +
			"level=WARN msg=\"drop event\" i=10 suppressed=9\n" +
			"level=WARN msg=\"drop event\" i=20 suppressed=9\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}

func TestEveryKeepsCallSitesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Every(logTo(&out), time.Minute)
		for range 3 {
			log.Warn("one")
			log.Warn("two")
		}
		if got := strings.Count(out.String(), "\n"); got != 2 {
			t.Errorf("%d lines, want one of each call site:\n%s", got, out.String())
		}
	})
}

func TestEverySharesItsMemoryWithDerivedLoggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Every(logTo(&out), time.Minute)
		for i := range 3 {
			log.With("i", i).WithGroup("g").Warn("same place")
		}
		if got := strings.Count(out.String(), "\n"); got != 1 {
			t.Errorf("%d lines, want 1:\n%s", got, out.String())
		}
	})
}

func TestEveryKeepsTheLevel(t *testing.T) {
	var out bytes.Buffer
	log := Every(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})), time.Minute)
	log.Info("too low")
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}

func BenchmarkEverySuppressed(b *testing.B) {
	log := Every(slog.New(slog.DiscardHandler), time.Hour)
	log = slog.New(&limited{slog.NewTextHandler(&bytes.Buffer{}, nil), log.Handler().(*limited).sites})
	for b.Loop() {
		log.Warn("drop event", "topic", "events")
	}
}
