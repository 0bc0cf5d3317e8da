package api

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// News is something that has just happened: an incident's revision or a signal.
type News struct {
	Incident *schemas.Incident
	Signal   *schemas.Signal
}

func (n *News) model() schemas.ModelKey {
	if n.Incident != nil {
		return n.Incident.ModelKey()
	}
	return n.Signal.ModelKey()
}

// room is how many news may wait for one reader. One that is slower is cut off:
// it reads the lists and listens again.
const room = 1024

// Live hands what Driftline's own topics say on to whoever listens.
type Live struct {
	client  *kgo.Client
	signals string
	missed  *metrics.Counter

	mu    sync.Mutex
	heard map[chan News]struct{}
}

// NewLive makes a Live. The client consumes the topics of signals and incidents
// from their ends, in no group.
func NewLive(client *kgo.Client, signals string, set *metrics.Set) *Live {
	l := &Live{client: client, signals: signals, missed: set.GetOrCreateCounter("driftline_api_listeners_cut_total"), heard: map[chan News]struct{}{}}
	set.GetOrCreateGauge("driftline_api_listeners", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(len(l.heard))
	})
	return l
}

// Run hands on until ctx ends.
func (l *Live) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if r.Topic == l.signals {
				var ev schemas.Evaluation
				if json.Unmarshal(r.Value, &ev) == nil {
					for i := range ev.Signals {
						l.tell(News{Signal: &ev.Signals[i]})
					}
				}
				return
			}
			var inc schemas.Incident
			if json.Unmarshal(r.Value, &inc) == nil {
				l.tell(News{Incident: &inc})
			}
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.heard {
		delete(l.heard, c)
		close(c)
	}
	return nil
}

func (l *Live) tell(n News) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.heard {
		select {
		case c <- n:
		default:
			delete(l.heard, c)
			close(c)
			l.missed.Inc()
		}
	}
}

// Listen from now on. The channel is closed when the listener is too slow or
// the service ends; leave ends it.
func (l *Live) Listen() (news <-chan News, leave func()) {
	c := make(chan News, room)
	l.mu.Lock()
	l.heard[c] = struct{}{}
	l.mu.Unlock()
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if _, there := l.heard[c]; there {
			delete(l.heard, c)
			close(c)
		}
	}
}
