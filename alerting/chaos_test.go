package alerting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/driftline/driftline/schemas"
)

// disk is a store that survives the processes that use it.
type disk struct {
	sync.Mutex
	journal   journal
	incidents map[string]schemas.Incident
	silences  []schemas.Silence
	steps     int // calls so far, of all processes
}

func newDisk() *disk { return &disk{incidents: map[string]schemas.Incident{}} }

// restored is what internal/app reads from the tables at a start.
func (d *disk) restored() (out []Restored) {
	d.Lock()
	defer d.Unlock()
	by := map[string]map[string]*Standing{}
	for _, n := range d.journal.rows {
		if by[n.IncidentID] == nil {
			by[n.IncidentID] = map[string]*Standing{}
		}
		s := by[n.IncidentID][n.Receiver]
		if s == nil {
			s = &Standing{Receiver: n.Receiver}
			by[n.IncidentID][n.Receiver] = s
		}
		switch n.Status {
		case schemas.NotificationQueued:
			s.Queued, s.QueuedSince = max(s.Queued, n.Revision), n.Time
		case schemas.NotificationDelivered:
			s.Told, s.Settled, s.LastToldAt = max(s.Told, n.Revision), max(s.Settled, n.Revision), n.Time
		case schemas.NotificationDropped:
			s.Settled = max(s.Settled, n.Revision)
		default:
		}
	}
	for id, inc := range d.incidents {
		var standings []Standing
		waits := inc.State != schemas.IncidentResolved
		for _, s := range by[id] {
			standings = append(standings, *s)
			waits = waits || s.Queued > s.Settled
		}
		if waits {
			out = append(out, Restored{inc, standings})
		}
	}
	slices.SortFunc(out, func(a, b Restored) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// process is one run of the program: after its death nothing that it does
// reaches the disk.
type process struct {
	*disk
	dieAt int  // step at which it dies; 0: never
	after bool // what it writes at that step is durable; else it is lost
	dead  bool
	kill  context.CancelFunc
}

var errDead = errors.New("process is dead")

// step is one use of the disk.
func (p *process) step(do func()) error {
	p.Lock()
	defer p.Unlock()
	if p.dead {
		return errDead
	}
	p.steps++
	if p.steps == p.dieAt {
		p.dead = true
		p.kill()
		if p.after {
			do()
		}
		return errDead
	}
	do()
	return nil
}

func (p *process) Append(_ context.Context, rows ...schemas.Notification) error {
	return p.step(func() { _ = p.journal.Append(context.Background(), rows...) })
}

func (p *process) Delivered(_ context.Context, id, receiver string) (revision uint64, err error) {
	err = p.step(func() { revision, _ = p.journal.Delivered(context.Background(), id, receiver) })
	return revision, err
}

func (p *process) PutIncident(_ context.Context, inc schemas.Incident) error {
	return p.step(func() {
		if inc.Revision >= p.incidents[inc.ID].Revision {
			p.incidents[inc.ID] = inc
		}
	})
}

func (p *process) Silences(context.Context, time.Time) (out []schemas.Silence, err error) {
	err = p.step(func() { out = p.silences })
	return out, err
}

// arrival is something that a receiver took, whatever it answered.
type arrival struct {
	incident string
	revision uint64 // 0 where the form does not say: the last
	key      string
}

// villain is a receiver over real HTTP that judges by the published rules and
// behaves badly at random.
type villain struct {
	sync.Mutex
	judge  func(*http.Request, []byte) error
	read   func(*http.Request, []byte) []arrival
	rng    *rand.Rand
	bad    float64 // share of requests that it treats badly
	gone   bool    // answers 410 to everything
	hanged bool    // hangs on everything
	got    []arrival
	broken []error
}

func (v *villain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.Lock()
	ok, what := v.rng.Float64() >= v.bad, v.rng.IntN(9)
	v.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	take := func() {
		v.Lock()
		defer v.Unlock()
		if err := v.judge(r, body); err != nil {
			v.broken = append(v.broken, fmt.Errorf("%w: %s", err, body))
			return
		}
		v.got = append(v.got, v.read(r, body)...)
	}
	switch {
	case v.gone:
		w.WriteHeader(http.StatusGone)
		return
	case v.hanged:
		<-r.Context().Done()
		return
	case ok:
		take()
		w.WriteHeader(http.StatusAccepted)
		return
	}
	switch what {
	case 0:
		w.WriteHeader(http.StatusInternalServerError)
	case 1:
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	case 2:
		http.Redirect(w, r, "http://elsewhere.test/", http.StatusPermanentRedirect)
	case 3:
		<-r.Context().Done() // hangs, having taken nothing
	case 4:
		take()
		<-r.Context().Done() // hangs, having taken it
	case 5:
		take()
		panic(http.ErrAbortHandler) // closes without an answer
	case 6:
		take()
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half an ans")) // and closes
	case 7:
		take()
		w.WriteHeader(http.StatusBadGateway) // the proxy gave up, not what is behind it
	case 8:
		take()
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20)) // far too much
	}
}

var footerOf = regexp.MustCompile(`(inc-\d+) revision (\d+), Driftline`)

// villains are receivers of three forms, one that is gone for good and one that
// hangs for ever.
func villains(rng *rand.Rand, bad float64) map[string]*villain {
	hook := func(r *http.Request, body []byte) []arrival {
		var e struct{ Data schemas.Incident }
		_ = json.Unmarshal(body, &e)
		return []arrival{{e.Data.ID, e.Data.Revision, r.Header.Get("webhook-id")}}
	}
	pager := func(_ *http.Request, body []byte) []arrival {
		var e struct {
			DedupKey string `json:"dedup_key"`
			Payload  struct {
				Details struct{ Revision uint64 } `json:"custom_details"`
			}
		}
		_ = json.Unmarshal(body, &e)
		return []arrival{{e.DedupKey, e.Payload.Details.Revision, e.DedupKey}}
	}
	chat := func(_ *http.Request, body []byte) (out []arrival) {
		for _, m := range footerOf.FindAllSubmatch(body, -1) {
			n, _ := strconv.ParseUint(string(m[2]), 10, 64)
			out = append(out, arrival{string(m[1]), n, string(m[1]) + "-" + string(m[2])})
		}
		return out
	}
	all := map[string]*villain{
		"webhook-a": {judge: webhookRules(webhookSecret), read: hook, bad: bad},
		"pager-a":   {judge: pagerDutyRules, read: pager, bad: bad},
		"slack-a":   {judge: slackRules, read: chat, bad: bad},
		"webhook-b": {judge: webhookRules(webhookSecret), read: hook, gone: true},
		"webhook-c": {judge: webhookRules(webhookSecret), read: hook, hanged: true},
	}
	for _, name := range slices.Sorted(maps.Keys(all)) { // each its own: they are asked at the same time
		all[name].rng = rand.New(rand.NewPCG(rng.Uint64(), 1))
	}
	return all
}

// history is revisions of five incidents, mixed, each to its end.
func history(rng *rand.Rand) (out []schemas.Incident) {
	next, last := map[int]uint64{}, map[int]uint64{}
	for i := range 5 {
		last[i] = uint64(1 + rng.IntN(4))
	}
	for len(next) < 5 || slices.ContainsFunc([]int{0, 1, 2, 3, 4}, func(i int) bool { return next[i] < last[i] }) {
		i := rng.IntN(5)
		if next[i] == last[i] {
			continue
		}
		next[i]++
		x := inc(fmt.Sprintf("inc-%d", i), fmt.Sprint("m", i%2), next[i])
		if next[i] == last[i] {
			x = over(x)
		}
		out = append(out, x)
	}
	return out
}

// chaos plays a history against villains, with processes that die at steps and
// successors that go on. It returns how many steps a run takes.
func chaos(t *testing.T, seed uint64, bad float64, deaths []int, after bool) (steps int) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 11))
		network, all := pipes{}, villains(rng, bad)
		for name, v := range all {
			l := network.listen(name + ".test")
			srv := &http.Server{Handler: v}
			var wg sync.WaitGroup
			wg.Go(func() { _ = srv.Serve(l) })
			defer func() { _ = srv.Close(); wg.Wait() }()
		}
		cfg := DefaultConfig()
		pager, chat := pagerDutyTo("http://pager-a.test"), slackTo("http://slack-a.test")
		hooks := []Receiver{webhookTo("http://webhook-a.test/hook"), webhookTo("http://webhook-b.test/hook"), webhookTo("http://webhook-c.test/hook")}
		for i, name := range []string{"webhook-a", "webhook-b", "webhook-c"} {
			hooks[i].Name = name
		}
		cfg.Receivers = append(hooks, pager, chat)
		cfg.Route = &Route{Receiver: "slack-a", GroupBy: []string{labelModel}}
		d, log := newDisk(), history(rng)
		committed, start := 0, time.Now()
		done := func() bool {
			d.Lock()
			defer d.Unlock()
			left := map[string]uint64{}
			for _, inc := range log {
				left[inc.ID] = max(left[inc.ID], inc.Revision)
			}
			for id, n := range left {
				for name, v := range all {
					if settled, _ := d.journal.Delivered(context.Background(), id, name); settled < n && !v.hanged {
						return false
					}
				}
			}
			return true
		}
		for life := 0; committed < len(log) || !done(); life++ {
			ctx, kill := context.WithCancel(t.Context())
			p := &process{disk: d, after: after, kill: kill}
			if life < len(deaths) {
				p.dieAt = deaths[life]
			}
			committed = live(ctx, t, p, cfg, network, log, committed, done)
			kill()
			if time.Since(start) > 48*time.Hour {
				t.Fatalf("seed %d, deaths %v: still not told after %s of fake time, %d of %d taken", seed, deaths, time.Since(start), committed, len(log))
			}
		}
		steps = d.steps
		for name, v := range all {
			v.Lock()
			judgeArrivals(t, fmt.Sprintf("seed %d, deaths %v: %s", seed, deaths, name), v, log)
			v.Unlock()
		}
	})
	return steps
}

// live is one life of the program, until it dies or all is told.
func live(ctx context.Context, t *testing.T, p *process, cfg Config, network pipes, log []schemas.Incident, committed int, done func() bool) int {
	disp, err := New(cfg, p, Options{dial: network.dial})
	if err != nil {
		t.Fatal(err)
	}
	defer disp.Close()
	a := NewAlerter(disp, p)
	defer a.Close()
	if err := a.Restore(ctx, p.restored()); err != nil {
		return committed
	}
	begin := time.Now()
	for tick := 0; ctx.Err() == nil; tick++ {
		if time.Since(begin) > 48*time.Hour {
			t.Fatalf("after %s of fake time %d are still to be told", time.Since(begin), a.Waiting())
		}
		if committed < len(log) && tick%3 == 0 {
			if a.Accept(ctx, log[committed]) != nil {
				return committed
			}
			committed++ // the commit of its offset
		}
		if committed == len(log) && done() {
			return committed
		}
		time.Sleep(time.Second) // fake time
		a.Tick(time.Now())
	}
	return committed
}

// judgeArrivals checks the promises of delivery.
func judgeArrivals(t *testing.T, what string, v *villain, log []schemas.Incident) {
	t.Helper()
	last, newest := map[string]uint64{}, map[string]uint64{}
	for _, inc := range log {
		last[inc.ID] = max(last[inc.ID], inc.Revision)
	}
	for _, err := range v.broken {
		t.Errorf("%s: %v", what, err)
	}
	keys := map[string]string{}
	for _, a := range v.got {
		n := a.revision
		if n == 0 {
			n = last[a.incident] // only the end does not say
		}
		if n < newest[a.incident] {
			t.Errorf("%s: revision %d of %s came after %d", what, n, a.incident, newest[a.incident])
		}
		newest[a.incident] = n
		about := fmt.Sprint(a.incident, " ", n)
		if keys[about] != "" && keys[about] != a.key {
			t.Errorf("%s: %s came under the keys %s and %s", what, about, keys[about], a.key)
		}
		keys[about] = a.key
	}
	for id, n := range last {
		if newest[id] != n && !v.gone && !v.hanged {
			t.Errorf("%s: the last that came of %s is revision %d, want %d", what, id, newest[id], n)
		}
	}
}

// Receivers that time out, answer 429, 500, 410, redirects, break off and lie,
// and a process that dies at every single step, before or after what it writes
// is durable in turn: the final state of every incident reaches every receiver that
// ever takes anything, in order, and what comes twice has the same key.
func TestChaosDeathAtEveryStep(t *testing.T) {
	steps := chaos(t, 1, 0.3, nil, false)
	if steps < 60 {
		t.Fatalf("a run takes %d steps: it proves nothing", steps)
	}
	for at := 1; at <= steps; at++ {
		chaos(t, 1, 0.3, []int{at}, at%2 == 0)
	}
	t.Logf("%d deaths", steps)
}

// Many deaths in one history, and receivers that are bad half of the time.
func TestChaosManyDeaths(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 12))
		var deaths []int
		for at := 0; len(deaths) < 12; {
			at += 1 + rng.IntN(15)
			deaths = append(deaths, at)
		}
		chaos(t, seed, 0.5, deaths, seed%2 == 0)
	}
}

// One receiver that hangs for ever and one that is gone delay no other: all is
// told as soon as if they were not there.
func TestChaosNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hang, quick := &server{script: times(1000, hangs)}, &server{judge: webhookRules(webhookSecret)}
		network.serve(t, "slow.test", hang)
		network.serve(t, "quick.test", quick)
		slow, fine := webhookTo("http://slow.test/hook"), webhookTo("http://quick.test/hook")
		slow.Name = "webhook-b"
		cfg := DefaultConfig()
		cfg.Receivers = []Receiver{slow, fine}
		p := &process{disk: newDisk(), kill: func() {}}
		disp, err := New(cfg, p, Options{dial: network.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer disp.Close()
		a := NewAlerter(disp, p)
		defer a.Close()
		start := time.Now()
		for i := range 100 {
			if err := a.Accept(t.Context(), inc(fmt.Sprintf("inc-%d", i), "m", 1)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		equal(t, "told by the quick one", len(quick.requests()), 100)
		equal(t, "time that it took", time.Since(start), 0)
	})
}
