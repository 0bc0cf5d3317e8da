package alerting

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/driftline/driftline/schemas"
)

func TestBothKindsTakeWhatIsSent(t *testing.T) {
	pager, hook := &server{judge: pagerDutyRules}, &server{judge: webhookRules(webhookSecret)}
	r := newRig(t, nil, pagerDutyTo(listen(t, pager)), webhookTo(listen(t, hook)))
	for _, inc := range []schemas.Incident{revision(1), revision(2), resolved(3)} {
		r.notify(t, inc)
	}
	equal(t, "journal of PagerDuty", r.journal.of("pager-a"), strings.Repeat(" pending delivered", 3)[1:])
	equal(t, "journal of the webhook", r.journal.of("webhook-a"), strings.Repeat(" pending delivered", 3)[1:])
	equal(t, "user agent", hook.requests()[0].header.Get("User-Agent"), "driftline/1.2.3")
	n := r.journal.last()
	if n.IncidentID != incident().ID || n.Revision != 3 || n.Tenant != "default" || n.Action != "resolve" || n.Attempt != 1 || n.HTTPStatus != 202 || n.Time.IsZero() {
		t.Errorf("journal row %+v", n)
	}
}

func TestWhatIsDeliveredIsNotSentAgain(t *testing.T) {
	hook := &server{judge: webhookRules(webhookSecret)}
	to := webhookTo(listen(t, hook))
	r := newRig(t, nil, to)
	r.notify(t, revision(2))
	r.notify(t, revision(2))
	r.notify(t, revision(1)) // older than what the receiver has
	r.again(t, to).notify(t, revision(2))
	equal(t, "requests", len(hook.requests()), 1)
}

func TestCrashBetweenSendAndJournalSendsAgainWithTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hook := &server{judge: webhookRules(webhookSecret)}
		network.serve(t, "a.test", hook)
		r := newRig(t, network, webhookTo("http://a.test/hook"))
		defer r.Close()
		ctx, kill := context.WithCancel(t.Context())
		r.journal.fail = func(n schemas.Notification) error {
			if n.Status == schemas.NotificationPending {
				return nil
			}
			kill()
			return errors.New("process is gone")
		}
		if err := r.Notify(ctx, incident()); err == nil {
			t.Error("undelivered by the journal, yet no error")
		}
		r.journal.fail = nil
		r.notify(t, incident())
		seen := hook.requests()
		equal(t, "requests", len(seen), 2)
		equal(t, "second key", seen[1].header.Get("webhook-id"), seen[0].header.Get("webhook-id"))
		equal(t, "second body", string(seen[1].body), string(seen[0].body))
		equal(t, "journal", r.journal.of("webhook-a"), "pending pending delivered")
	})
}

// A stop in the moment after the receiver took it: the journal has a grace to
// note what was delivered, so that it is not sent again.
func TestStopAfterSendStillJournals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hook := &server{judge: webhookRules(webhookSecret)}
		network.serve(t, "a.test", hook)
		r := newRig(t, network, webhookTo("http://a.test/hook"))
		defer r.Close()
		ctx, stop := context.WithCancel(t.Context())
		r.journal.fail = func(n schemas.Notification) error {
			if n.Status == schemas.NotificationDelivered && ctx.Err() == nil {
				stop()
				return errors.New("busy")
			}
			return nil
		}
		if err := r.Notify(ctx, incident()); err != nil {
			t.Error(err)
		}
		equal(t, "journal", r.journal.of("webhook-a"), "pending delivered")
	})
}

func TestMinSeverity(t *testing.T) {
	hook := &server{judge: webhookRules(webhookSecret)}
	to := webhookTo(listen(t, hook))
	to.MinSeverity = schemas.SeverityCritical
	r := newRig(t, nil, to)
	r.notify(t, incident()) // an error
	worse := revision(2)
	worse.Severity = schemas.SeverityCritical
	r.notify(t, worse)
	equal(t, "requests", len(hook.requests()), 1)
}

func TestSlowReceiverDoesNotDelayAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		slow, quick := &server{script: []http.HandlerFunc{hangs}}, &server{judge: webhookRules(webhookSecret)}
		network.serve(t, "slow.test", slow)
		network.serve(t, "quick.test", quick)
		other := webhookTo("http://quick.test/hook")
		other.Name = "webhook-b"
		r := newRig(t, network, webhookTo("http://slow.test/hook"), other)
		defer r.Close()
		start := time.Now()
		r.notify(t, incident())
		equal(t, "quick one after", quick.requests()[0].at.Sub(start), 0)
		if last := slow.requests()[1].at.Sub(start); last < 15*time.Second {
			t.Errorf("slow one took %s, want the timeout first", last)
		}
	})
}

func TestRevisionsOfAnIncidentKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hook := &server{judge: webhookRules(webhookSecret), script: times(2, answers(503))}
		network.serve(t, "a.test", hook)
		r := newRig(t, network, webhookTo("http://a.test/hook"))
		defer r.Close()
		var wg sync.WaitGroup
		wg.Go(func() { r.notify(t, revision(1)) })
		synctest.Wait() // the first is at its pause
		wg.Go(func() { r.notify(t, resolved(2)) })
		wg.Wait()
		seen := hook.requests()
		equal(t, "last of the first revision", seen[2].header.Get("webhook-id"), "inc-0123456789abcdef-1")
		equal(t, "then the second", seen[3].header.Get("webhook-id"), "inc-0123456789abcdef-2")
	})
}

func TestJournalAwayMeansNothingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hook := &server{judge: webhookRules(webhookSecret)}
		network.serve(t, "a.test", hook)
		r := newRig(t, network, webhookTo("http://a.test/hook"))
		defer r.Close()
		r.journal.fail = func(schemas.Notification) error { return errors.New("table is read-only") }
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.Notify(ctx, incident()); err == nil {
			t.Error("no error although nothing was journalled")
		}
		equal(t, "requests", len(hook.requests()), 0)
		r.journal.fail = nil
		r.notify(t, incident())
		equal(t, "requests", len(hook.requests()), 1)
	})
}

func TestStoppedMidwayIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hook := &server{script: times(100, answers(503))}
		network.serve(t, "a.test", hook)
		r := newRig(t, network, webhookTo("http://a.test/hook"))
		defer r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := r.Notify(ctx, incident())
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "notify webhook-a of incident inc-0123456789abcdef revision 1") {
			t.Errorf("error %v", err)
		}
		if strings.Contains(r.journal.of("webhook-a"), "dropped") {
			t.Error("dropped although time was not up")
		}
	})
}

func TestMetrics(t *testing.T) {
	hook := &server{judge: webhookRules(webhookSecret), script: []http.HandlerFunc{answers(500)}}
	r := newRig(t, nil, webhookTo(listen(t, hook)))
	r.notify(t, incident())
	for _, line := range []string{
		`driftline_alerting_attempts_total{receiver="webhook-a",status="delivered"} 1`,
		`driftline_alerting_attempts_total{receiver="webhook-a",status="failed"} 1`,
		`driftline_alerting_breaker_state{receiver="webhook-a"} 0`,
		`driftline_alerting_attempt_duration_seconds_count{receiver="webhook-a"} 2`,
	} {
		if !strings.Contains(r.exposition(), line) {
			t.Errorf("no %s in\n%s", line, r.exposition())
		}
	}
}
