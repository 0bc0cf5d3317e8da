package demo

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// story prints a run with something of everything.
func story(out *strings.Builder, colour bool) {
	s := screen{out: out, colour: colour}
	s.header(header{
		Rate: 3000, Seed: 1, Length: time.Minute, From: start, To: minute(60), Injected: []loadtest.Injected{shift}, Admin: "127.0.0.1:9464", Console: "127.0.0.1:9470",
		Receivers: map[string]string{receiverPagerDuty: "http://127.0.0.1:1/v2/enqueue", receiverWebhook: "http://127.0.0.1:1/driftline"},
	})
	l, inc := full()
	s.progress(5*time.Second, minute(5), progress{15000, 14400, 2880, 0})
	s.injected(15*time.Second, &shift)
	alarms := l.evaluation(evaluation(signal("credit", "utilisation", 15, 0.25), signal("credit", "age", 15, 0.12)), 21*time.Second)
	for i := range alarms {
		s.alarm(21*time.Second, &alarms[i])
	}
	s.incident(21*time.Second, inc, false)
	s.incident(24*time.Second, inc, true)
	s.notification(21200*time.Millisecond, "credit", delivered(receiverPagerDuty, inc))
	failed := delivered(receiverWebhook, inc)
	failed.Status, failed.HTTPStatus, failed.Error = schemas.NotificationFailed, 503, "busy\nnow"
	s.notification(21400*time.Millisecond, "credit", failed)
	inc.Revision, inc.State = 2, schemas.IncidentResolved
	s.incident(50*time.Second, inc, false)
	s.summary(judged(l, everything, 3))
}

const golden = `
driftline demo
  pipeline   ingest, detect, correlate, alert, with Kafka and ClickHouse, in this process
  fleet      credit, ranking, vision; 3000 events/s for 1m, seed 1
  time       one second is one minute: 09:00:00 to 10:00:00 UTC, windows of 5m
  fault      shift    of credit at 09:15:00: incomes fall
  console    http://127.0.0.1:9470/, as long as this runs
  metrics    http://127.0.0.1:9464/metrics
  receiver   pagerduty at http://127.0.0.1:1/v2/enqueue
  receiver   webhook at http://127.0.0.1:1/driftline

  WALL     EVENT  WHAT      MODEL
`

func TestStory(t *testing.T) {
	var out, coloured strings.Builder
	story(&out, false)
	story(&coloured, true)
	if got, want := trimmed(out.String()), golden[1:]+goldenRun; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	plain := coloured.String()
	for _, code := range []style{bold, dim, red, green, yellow, magenta, cyan, "\x1b[0m"} {
		if !strings.Contains(plain, string(code)) {
			t.Errorf("no %q", code)
		}
		plain = strings.ReplaceAll(plain, string(code), "")
	}
	if trimmed(plain) != trimmed(out.String()) {
		t.Errorf("colour changes the text:\n%s", plain)
	}
}

// trimmed has no spaces at the ends of lines, which editors would remove from
// the golden text.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 70 * time.Minute: "1h10m", 10 * time.Minute: "10m", 42 * time.Second: "42s", 10 * time.Hour: "10h"} {
		if got := short(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Options{For: time.Minute, Rate: 3000}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*Options){"too short": func(o *Options) { o.For = time.Second }, "200 to": func(o *Options) { o.Rate = 0 }} {
		o := good
		edit(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

const goldenRun = `  5.0s  09:05:00  progress           15000 events produced, 14400 stored (2880/s, lag 600), 0 windows evaluated
 15.0s  09:15:00  inject    credit   shift: incomes fall
 21.0s  09:20:00  alarm     credit   utilisation: ks 0.25 over 0.1, p < 1e-9, n 4000
 21.0s  09:20:00  alarm     credit   age: ks 0.12 over 0.1, p < 1e-9, n 4000: no fault explains it
 21.0s  09:20:00  incident  credit   warning: drift in income
 24.0s  09:20:00  cause     credit   data, 90 %: Retrain: the population moved: income.
 21.2s            alert     credit   pagerduty trigger, 202 in 3 ms
 21.4s            alert     credit   webhook trigger, 503 in 3 ms: failed at attempt 1: busy now
 50.0s  09:20:00  resolved  credit   warning: drift in income

FAULT  MODEL   FOUND  EVENT TIME  WALL        FEATURES  BY  CAUSE  RETRAIN  DELIVERED TO
shift  credit  yes    after 5m    after 6.0s  income    ks  data   yes      pagerduty, webhook

records     NOT KEPT: 97 of 100 events
states      100 events in numeric states, 100 in category counts, 0 dead letters
windows     1 of 1 evaluated, 3 signals, 3 of them alarms, 1 incidents
false alarm credit ks of age 0.12 over 0.1, window 09:15:00 to 09:20:00

FAIL  1 injected, 1 found, 0 missed, 1 false alarms; 0 events/s over 0s
`
