package datasource

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/driftline/driftline/internal/query"
)

// Channels of Grafana Live: incidents, and signals/HASH with the query of a
// drift_series as its data; HASH is HashOf that.
const (
	incidentsChannel = "incidents"
	signalsChannel   = "signals/"
)

// HashOf a query names its channel: the first 16 hexadecimal digits of the
// SHA-256 of its JSON.
func HashOf(q json.RawMessage) string {
	sum := sha256.Sum256(q)
	return hex.EncodeToString(sum[:8])
}

// SubscribeStream tells whether a channel is there. Everybody who may ask the
// data source may listen: its tenant is the bound of both.
func (d *Datasource) SubscribeStream(_ context.Context, req *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	status := backend.SubscribeStreamStatusOK
	if _, err := topicOf(req.Path, req.Data); err != nil {
		status = backend.SubscribeStreamStatusNotFound
	}
	return &backend.SubscribeStreamResponse{Status: status}, nil
}

// PublishStream refuses: nothing is written through Live.
func (d *Datasource) PublishStream(context.Context, *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	return &backend.PublishStreamResponse{Status: backend.PublishStreamStatusPermissionDenied}, nil
}

// RunStream sends what is new on a channel until it is left.
func (d *Datasource) RunStream(ctx context.Context, req *backend.RunStreamRequest, sender *backend.StreamSender) error {
	t, err := topicOf(req.Path, req.Data)
	if err != nil {
		return err
	}
	news, leave := d.hub.listen(t)
	defer leave()
	first := true
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f, open := <-news:
			if !open {
				return errors.New("the data source is being replaced")
			}
			include := data.IncludeDataOnly
			if first {
				include, first = data.IncludeAll, false
			}
			if err := sender.SendFrame(f, include); err != nil {
				return err
			}
		}
	}
}

// topic is what a channel is about: incidents, or the signals of a query.
type topic struct {
	incidents bool
	query     query.Query
}

func topicOf(path string, body json.RawMessage) (topic, error) {
	if path == incidentsChannel {
		return topic{incidents: true}, nil
	}
	hash, ok := strings.CutPrefix(path, signalsChannel)
	if !ok {
		return topic{}, fmt.Errorf("there is no channel %s", path)
	}
	t := topic{query: query.Query{Kind: "drift_series"}}
	if len(body) > 0 && string(body) != "null" {
		if err := json.Unmarshal(body, &t.query); err != nil {
			return t, fmt.Errorf("query of channel %s: %w", path, err)
		}
	}
	if t.query.Kind != "drift_series" {
		return t, fmt.Errorf("channel %s: only drift_series is streamed, not %s", path, t.query.Kind)
	}
	if len(hash) < 8 || len(hash) > 64 {
		return t, fmt.Errorf("channel %s has no hash", path)
	}
	return t, nil
}

// takes tells whether a series belongs to the topic.
func (t *topic) takes(l data.Labels) bool {
	in := func(wanted []string, value string) bool { return len(wanted) == 0 || slices.Contains(wanted, value) }
	q := &t.query
	return in(q.Models, l["model"]) && in(q.Versions, l["version"]) && in(q.Features, l["feature"]) && in(q.Detectors, l["detector"]) && (q.Tenant == "" || q.Tenant == l["tenant"])
}

const (
	// every is how often ClickHouse is asked for what is new, once for all
	// listeners.
	every = 2 * time.Second
	// reach is how far back of now windows may end that are news.
	reach = 2 * time.Hour
	// room is how many frames may wait for one listener; the oldest are dropped,
	// for the next ones say more.
	room = 64
)

// hub asks once what is new and tells all who listen. It asks only while
// somebody does.
type hub struct {
	asker *query.Asker

	mu     sync.Mutex
	heard  map[chan *data.Frame]topic
	stop   context.CancelFunc // nil: nobody listens
	closed bool
	sent   map[string]time.Time // newest window of each series that was told
	told   map[string]string    // incidents as they were told, by id
}

func newHub(a *query.Asker) *hub {
	return &hub{asker: a, heard: map[chan *data.Frame]topic{}}
}

// listen from now on.
func (h *hub) listen(t topic) (news <-chan *data.Frame, leave func()) {
	c := make(chan *data.Frame, room)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(c)
		return c, func() {}
	}
	h.heard[c] = t
	if h.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.stop, h.sent, h.told = stop, nil, nil
		go h.run(ctx)
	}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, there := h.heard[c]; there {
			delete(h.heard, c)
			close(c)
		}
		if len(h.heard) == 0 && h.stop != nil {
			h.stop()
			h.stop = nil
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
	for c := range h.heard {
		delete(h.heard, c)
		close(c)
	}
}

func (h *hub) run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := h.look(ctx); err != nil && ctx.Err() == nil {
			log.DefaultLogger.Warn("stream", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look for what is new. The first look sends all of the reach, so that a stream
// begins with what is known.
func (h *hub) look(ctx context.Context) error {
	now := time.Now()
	of := query.Range{From: now.Add(-reach), To: now.Add(time.Hour), MaxPoints: 11_000, Interval: time.Second}
	signals, err := h.asker.Ask(ctx, query.Query{Kind: "drift_series", Limit: 1000}, of)
	if err != nil {
		return err
	}
	incidents, err := h.asker.Ask(ctx, query.Query{Kind: "incidents", Limit: 1000}, of)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	if h.sent == nil {
		h.sent, h.told = map[string]time.Time{}, map[string]string{}
	}
	fresh := h.freshSignals(signals)
	changed := h.freshIncidents(incidents)
	for c, t := range h.heard {
		if t.incidents {
			push(c, changed)
		} else {
			push(c, streamed(fresh, t))
		}
	}
	return nil
}

// point of a series.
type point struct {
	at     time.Time
	labels data.Labels
	score  float64
}

func (h *hub) freshSignals(frames data.Frames) (out []point) {
	for _, f := range frames {
		if len(f.Fields) < 2 {
			continue
		}
		l := f.Fields[1].Labels
		key := l.String()
		last := h.sent[key]
		for i := range f.Rows() {
			at, _ := f.Fields[0].At(i).(time.Time)
			if !at.After(last) {
				continue
			}
			score, _ := f.Fields[1].FloatAt(i)
			out = append(out, point{at, l, score})
			h.sent[key] = at
		}
	}
	slices.SortStableFunc(out, func(a, b point) int { return a.at.Compare(b.at) })
	return out
}

// streamed are the points of a topic as Grafana splits them into series: by a
// first field of labels.
func streamed(points []point, t topic) *data.Frame {
	var labels []string
	var times []time.Time
	var scores []float64
	for _, p := range points {
		if t.takes(p.labels) {
			labels, times, scores = append(labels, p.labels.String()), append(times, p.at), append(scores, p.score)
		}
	}
	if len(times) == 0 {
		return nil
	}
	return data.NewFrame("signals", data.NewField("labels", nil, labels), data.NewField("time", nil, times), data.NewField("score", nil, scores))
}

// freshIncidents are the rows that changed since they were last told.
func (h *hub) freshIncidents(frames data.Frames) *data.Frame {
	if len(frames) == 0 || len(frames[0].Fields) == 0 {
		return nil
	}
	all := frames[0]
	out := all.EmptyCopy()
	for i := range all.Rows() {
		row := all.RowCopy(i)
		id, _ := row[0].(string)
		text, _ := json.Marshal(row)
		if h.told[id] == string(text) {
			continue
		}
		h.told[id] = string(text)
		out.AppendRow(row...)
	}
	if out.Rows() == 0 {
		return nil
	}
	return out
}

func push(c chan *data.Frame, f *data.Frame) {
	if f == nil {
		return
	}
	for {
		select {
		case c <- f:
			return
		default:
			select {
			case <-c:
			default:
			}
		}
	}
}
