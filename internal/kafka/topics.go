package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// DLQ is the dead-letter topic of a topic.
func DLQ(topic string) string { return topic + ".dlq" }

// EnsureTopics creates the topics of Driftline that do not exist: its own and
// the dead-letter topics of the inputs. Existing topics are left as they are;
// inputs belong to their producers and are never created here.
func EnsureTopics(ctx context.Context, cl *kgo.Client, t Topics, inputs ...string) error {
	forever, compact := "-1", "compact"
	create := func(topic string, partitions int32, conf map[string]*string) error {
		return createTopic(ctx, cl, topic, partitions, t.Replication, conf)
	}
	errs := []error{
		create(t.Schemas, 1, map[string]*string{"cleanup.policy": &compact, "retention.ms": &forever}),
		create(t.Windows, t.Partitions, nil),
		create(t.Signals, t.Partitions, nil),
		create(t.Incidents, t.Partitions, nil),
	}
	for _, in := range inputs {
		errs = append(errs, create(DLQ(in), 1, nil))
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

// topicIDs tells the ids of the cluster and of topics. They make tokens unique beyond names: a topic that is
// deleted and made anew starts again at offset 0 but is not the same topic.
func topicIDs(ctx context.Context, cl *kgo.Client, topics ...string) (cluster string, ids map[string]string, err error) {
	md, err := kadm.NewClient(cl).Metadata(ctx, topics...)
	if err != nil {
		return "", nil, fmt.Errorf("ask kafka for topic ids: %w", err)
	}
	ids = map[string]string{}
	for name, t := range md.Topics {
		ids[name] = t.ID.String()
	}
	return md.Cluster, ids, nil
}
