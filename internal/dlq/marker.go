package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// marker is the value of a record in the topic of markers; its key is the id
// of the letter.
type marker struct {
	At time.Time `json:"at"` // when it was replayed
	To string    `json:"to"` // the topic
}

func (l *Letter) marker(topic string, m marker) (*kgo.Record, error) {
	value, err := json.Marshal(m)
	return &kgo.Record{Topic: topic, Partition: 0, Key: []byte(l.id()), Value: value}, err
}

// replayed reads which letters were replayed. A topic that does not exist yet
// says none.
func (b *Box) replayed(ctx context.Context) (map[string]marker, error) {
	out := map[string]marker{}
	for r, err := range scan(ctx, b.cfg, Markers(b.topic)) {
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read what was replayed: %w", err)
		}
		var m marker
		if r.Value == nil {
			delete(out, string(r.Key)) // an operator took the marker back
			continue
		}
		if err := json.Unmarshal(r.Value, &m); err != nil {
			return nil, fmt.Errorf("read marker %q at offset %d of %s: %w", r.Key, r.Offset, r.Topic, err)
		}
		out[string(r.Key)] = m
	}
	return out, nil
}

// createMarkers creates the topic of markers unless it exists: one partition,
// compacted and kept for ever, because a marker that is lost is a letter
// replayed twice.
func (b *Box) createMarkers(ctx context.Context, cl *kgo.Client) error {
	compact, forever := "compact", "-1"
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, b.cfg.Topics.Replication,
		map[string]*string{"cleanup.policy": &compact, "retention.ms": &forever}, Markers(b.topic))
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", Markers(b.topic), err)
	}
	return nil
}
