package alerting

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/driftline/driftline/schemas"
)

// bubble runs a test on a fake clock with one webhook that plays a script.
func bubble(t *testing.T, script []http.HandlerFunc, f func(t *testing.T, r *rig, s *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network, s := pipes{}, &server{judge: webhookRules(webhookSecret), script: script}
		network.serve(t, "a.test", s)
		r := newRig(t, network, webhookTo("http://a.test/hook"))
		defer r.Close()
		f(t, r, s)
	})
}

func TestFailuresAreTriedAgainOverRealSockets(t *testing.T) {
	pager := &server{judge: pagerDutyRules, script: []http.HandlerFunc{answers(500), answers(502), answers(408)}}
	r := newRig(t, nil, pagerDutyTo(listen(t, pager)))
	r.notify(t, incident())
	equal(t, "journal", r.journal.of("pager-a"), "pending failed pending failed pending failed pending delivered")
	equal(t, "attempt", r.journal.last().Attempt, 4)
	equal(t, "key", r.journal.last().Key, incident().ID)
}

func TestPausesGrowWithJitter(t *testing.T) {
	bubble(t, times(4, answers(500)), func(t *testing.T, r *rig, s *server) {
		r.notify(t, incident())
		seen, least := s.requests(), 500*time.Millisecond
		for i := 1; i < len(seen); i++ { // 1 s, 2 s, 4 s …, each ± half
			if pause := seen[i].at.Sub(seen[i-1].at); pause < least || pause > 3*least {
				t.Errorf("pause %d is %s, want %s to %s", i, pause, least, 3*least)
			}
			least *= 2
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	date := func(w http.ResponseWriter, r *http.Request) {
		answers(503, time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat))(w, r)
	}
	bubble(t, []http.HandlerFunc{answers(429, "120"), date}, func(t *testing.T, r *rig, s *server) {
		r.notify(t, incident())
		seen := s.requests()
		equal(t, "pause in seconds", seen[1].at.Sub(seen[0].at), 120*time.Second)
		equal(t, "pause to a date", seen[2].at.Sub(seen[1].at), 90*time.Second)
	})
}

func TestSignatureIsMadeAnewOnEveryAttempt(t *testing.T) {
	// The pause is longer than the five minutes that a timestamp is valid.
	bubble(t, []http.HandlerFunc{answers(429, "400")}, func(t *testing.T, r *rig, s *server) {
		r.notify(t, incident())
		seen := s.requests()
		equal(t, "status", seen[1].status, http.StatusAccepted)
		equal(t, "id", seen[1].header.Get("webhook-id"), seen[0].header.Get("webhook-id"))
		if seen[1].header.Get("webhook-timestamp") == seen[0].header.Get("webhook-timestamp") {
			t.Error("the second attempt has the timestamp of the first")
		}
	})
}

func TestPermanentRefusalIsDropped(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 413, 422} {
		bubble(t, times(100, answers(status)), func(t *testing.T, r *rig, s *server) {
			r.notify(t, incident())
			equal(t, "requests", len(s.requests()), 1)
			equal(t, "journal", r.journal.of("webhook-a"), "pending dropped")
			n := r.journal.last()
			if n.HTTPStatus != status || !strings.Contains(n.Error, http.StatusText(status)) {
				t.Errorf("%d: journal row %+v", status, n)
			}
			r.notify(t, incident()) // settled
			equal(t, "requests", len(s.requests()), 1)
		})
	}
}

func TestPagerDutyRefusalTellsWhy(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"status":"invalid event","errors":["'severity' is invalid"]}`))
	}
	pager := &server{script: []http.HandlerFunc{refuse}}
	r := newRig(t, nil, pagerDutyTo(listen(t, pager)))
	r.notify(t, incident())
	equal(t, "requests", len(pager.requests()), 1)
	equal(t, "reason", r.journal.last().Error, `receiver answered 400 Bad Request: {"status":"invalid event","errors":["'severity' is invalid"]}`)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := &server{}
	target := listen(t, elsewhere)
	hook := &server{judge: webhookRules(webhookSecret), script: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}}}
	r := newRig(t, nil, webhookTo(listen(t, hook)))
	r.notify(t, incident())
	equal(t, "requests elsewhere", len(elsewhere.requests()), 0)
	equal(t, "journal", r.journal.of("webhook-a"), "pending failed pending delivered")
}

func TestHangEndsAtTheTimeout(t *testing.T) {
	bubble(t, []http.HandlerFunc{hangs}, func(t *testing.T, r *rig, s *server) {
		start := time.Now()
		r.notify(t, incident())
		if took := time.Since(start); took < 15*time.Second || took > 18*time.Second {
			t.Errorf("took %s, want a timeout of 15 s and one pause", took)
		}
		equal(t, "journal", r.journal.of("webhook-a"), "pending failed pending delivered")
	})
}

func TestEndlessAnswerIsCut(t *testing.T) {
	flood := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGone)
		_, _ = w.Write([]byte(strings.Repeat("no ", 1<<20)))
	}
	hook := &server{script: []http.HandlerFunc{flood}}
	r := newRig(t, nil, webhookTo(listen(t, hook)))
	r.notify(t, incident())
	if n := len(r.journal.last().Error); n > 300 {
		t.Errorf("%d bytes of an answer are in the journal", n)
	}
}

func TestAttemptsAreSpentAfterMaxElapsed(t *testing.T) {
	bubble(t, times(1000, answers(500)), func(t *testing.T, r *rig, s *server) {
		start := time.Now()
		r.notify(t, incident())
		if took := time.Since(start); took > 10*time.Minute {
			t.Errorf("took %s, want at most max_elapsed", took)
		}
		n := r.journal.last()
		equal(t, "status", n.Status, schemas.NotificationDropped)
		if !strings.Contains(n.Error, "500 Internal Server Error") {
			t.Errorf("reason %q does not tell what went wrong", n.Error)
		}
	})
}

func TestPauseBeyondMaxElapsedIsDropped(t *testing.T) {
	bubble(t, []http.HandlerFunc{answers(429, "86400")}, func(t *testing.T, r *rig, s *server) {
		r.notify(t, incident())
		equal(t, "journal", r.journal.of("webhook-a"), "pending failed dropped")
	})
}

func TestBreakerOpensAndRecovers(t *testing.T) {
	bubble(t, times(breakerFailures, answers(500)), func(t *testing.T, r *rig, s *server) {
		r.notify(t, incident())
		seen := s.requests()
		equal(t, "requests", len(seen), breakerFailures+1)
		if pause := seen[breakerFailures].at.Sub(seen[breakerFailures-1].at); pause < breakerPause {
			t.Errorf("tried again after %s, want the breaker's pause of %s", pause, breakerPause)
		}
		equal(t, "delivered", r.journal.last().Status, schemas.NotificationDelivered)
		for _, change := range []string{`"to":"open"`, `"to":"half-open"`, `"to":"closed"`} {
			if !strings.Contains(r.log.String(), change) {
				t.Errorf("no change %s in the log", change)
			}
		}
	})
}

// A receiver that refuses is well: its refusals do not open the breaker.
func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	bubble(t, times(2*breakerFailures, answers(422)), func(t *testing.T, r *rig, s *server) {
		start := time.Now()
		for n := range uint64(2*breakerFailures + 1) {
			r.notify(t, revision(n+1))
		}
		equal(t, "time taken", time.Since(start), 0)
		equal(t, "last", r.journal.last().Status, schemas.NotificationDelivered)
	})
}

func TestOpenBreakerShowsInMetrics(t *testing.T) {
	bubble(t, times(breakerFailures, answers(500)), func(t *testing.T, r *rig, _ *server) {
		done := make(chan struct{})
		go func() { defer close(done); r.notify(t, incident()) }()
		for !strings.Contains(r.exposition(), `driftline_alerting_breaker_state{receiver="webhook-a"} 2`) {
			time.Sleep(time.Second)
		}
		<-done
		if !strings.Contains(r.exposition(), `driftline_alerting_breaker_state{receiver="webhook-a"} 0`) {
			t.Error("breaker is not closed after the recovery")
		}
	})
}
