package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DLQ is the dead-letter topic of a topic.
func DLQ(topic string) string { return topic + ".dlq" }

// EnsureTopics creates the topics of Driftline that do not exist: its own and
// the dead-letter topics of the inputs. Existing topics are left as they are;
// inputs belong to their producers and are never created here.
func EnsureTopics(ctx context.Context, cl *kgo.Client, t Topics, inputs ...string) error {
	var errs []error
	for _, topic := range t.Own(inputs...) {
		errs = append(errs, createTopic(ctx, cl, topic.Name, topic.Partitions, t.Replication, topic.Config))
	}
	return errors.Join(errs...)
}

// CreateTopics creates topics where they do not exist, with the broker's
// defaults.
func CreateTopics(ctx context.Context, cl *kgo.Client, partitions int32, topics ...string) error {
	var errs []error
	for _, topic := range topics {
		errs = append(errs, createTopic(ctx, cl, topic, partitions, -1, nil))
	}
	return errors.Join(errs...)
}

func createTopic(ctx context.Context, cl *kgo.Client, topic string, partitions int32, replication int16, conf map[string]*string) error {
	_, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, replication, conf, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// clusterID tells the id of the cluster.
func clusterID(ctx context.Context, cl *kgo.Client) (string, error) {
	for try := 1; ; try++ {
		md, err := kadm.NewClient(cl).BrokerMetadata(ctx)
		switch {
		case err == nil:
			return md.Cluster, nil
		case try == 3 || ctx.Err() != nil: // what does not pass is a fault of the connection's settings
			return "", fmt.Errorf("ask kafka for its cluster id: %w", err)
		}
		select {
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// idsOf asks for the ids of the topics of an assignment, at every assignment:
// a topic may be made, or made anew, while the group runs.
func (g *Group) idsOf(ctx context.Context, resp *kmsg.OffsetFetchResponse) (map[string]string, error) {
	if len(resp.Topics) == 0 {
		return nil, nil
	}
	var topics []string
	for _, t := range resp.Topics {
		topics = append(topics, t.Topic)
	}
	ids, err := topicIDs(ctx, g.cl, topics...)
	if err != nil && ctx.Err() == nil { // refused, not cut off
		g.fail(err)
	}
	return ids, err
}

// topicIDs tells the ids of topics that exist. They make tokens unique beyond
// names: a topic that is deleted and made anew starts again at offset 0 but is
// not the same topic. A broker that is just starting, or lags behind, does not
// know every topic: it is asked again, since a token made without the id would
// not be the one that the next owner of the partition makes.
func topicIDs(ctx context.Context, cl *kgo.Client, topics ...string) (map[string]string, error) {
	ids, err := backoff.Retry(ctx, func() (map[string]string, error) {
		md, err := kadm.NewClient(cl).Metadata(ctx, topics...)
		if err == nil {
			err = md.Topics.Error()
		}
		if err != nil {
			return nil, classify(err)
		}
		ids := map[string]string{}
		for name, t := range md.Topics {
			ids[name] = t.ID.String()
		}
		return ids, nil
	}, backoff.WithMaxElapsedTime(0))
	if err != nil {
		return nil, fmt.Errorf("ask kafka for topic ids: %w", err)
	}
	return ids, nil
}
