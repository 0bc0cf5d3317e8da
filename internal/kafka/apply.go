package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topic is a topic as Driftline wants it.
type Topic struct {
	Name       string
	Partitions int32              // at least so many, unless exact
	exact      bool               // of the number of partitions
	Config     map[string]*string // settings of the topic; others are the broker's
}

// Own are the topics that Driftline writes: its own, and the dead-letter topics
// of the inputs.
func (t Topics) Own(inputs ...string) []Topic {
	forever, compact := "-1", "compact"
	all := []Topic{
		{Name: t.Schemas, Partitions: 1, exact: true, Config: map[string]*string{"cleanup.policy": &compact, "retention.ms": &forever}},
		{Name: t.Windows, Partitions: t.Partitions},
		{Name: t.Signals, Partitions: t.Partitions},
		{Name: t.Incidents, Partitions: 1, exact: true}, // groups and inhibition need one owner of all incidents, of which there are few
	}
	for _, in := range inputs {
		all = append(all, Topic{Name: DLQ(in), Partitions: 1})
	}
	return all
}

// TopicStep is one difference between a topic as it is and as it should be, or
// that there is none.
type TopicStep struct {
	Topic  string `json:"topic"`
	Action string `json:"action"` // none, create, add_partitions, alter, or refuse: nothing that apply may do mends it
	Detail string `json:"detail"`

	topic Topic
}

// PlanTopics holds topics against the cluster, in their order. Nothing is
// changed.
func PlanTopics(ctx context.Context, cl *kgo.Client, topics []Topic) ([]TopicStep, error) {
	adm := kadm.NewClient(cl)
	var names []string
	for _, t := range topics {
		names = append(names, t.Name)
	}
	found, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var steps []TopicStep
	for _, t := range topics {
		at, err := found[t.Name], found[t.Name].Err
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition) || err == nil && len(at.Partitions) == 0:
			steps = append(steps, TopicStep{t.Name, "create", fmt.Sprintf("%d partitions%s", t.Partitions, settings(t.Config)), t})
			continue
		case err != nil:
			return nil, fmt.Errorf("look at topic %s: %w", t.Name, err)
		}
		differ, err := differences(ctx, adm, t, int32(len(at.Partitions)))
		if err != nil {
			return nil, err
		}
		if len(differ) == 0 {
			differ = []TopicStep{{t.Name, "none", fmt.Sprintf("%d partitions", len(at.Partitions)), t}}
		}
		steps = append(steps, differ...)
	}
	return steps, nil
}

func differences(ctx context.Context, adm *kadm.Client, t Topic, partitions int32) (steps []TopicStep, _ error) {
	switch {
	case t.exact && partitions != t.Partitions:
		steps = append(steps, TopicStep{t.Name, "refuse", fmt.Sprintf("it has %d partitions and must have %d, which cannot be mended: name another topic", partitions, t.Partitions), t})
	case partitions < t.Partitions:
		steps = append(steps, TopicStep{t.Name, "add_partitions", fmt.Sprintf("%d become %d", partitions, t.Partitions), t})
	}
	if len(t.Config) == 0 {
		return steps, nil
	}
	all, err := adm.DescribeTopicConfigs(ctx, t.Name)
	if err != nil {
		return nil, fmt.Errorf("look at the settings of topic %s: %w", t.Name, err)
	}
	is := map[string]string{}
	for _, c := range all {
		for _, kv := range c.Configs {
			is[kv.Key] = kv.MaybeValue()
		}
	}
	wrong := map[string]*string{}
	for k, v := range t.Config {
		if is[k] != *v {
			wrong[k] = v
		}
	}
	if len(wrong) > 0 {
		steps = append(steps, TopicStep{t.Name, "alter", "set" + settings(wrong), Topic{Name: t.Name, Config: wrong}})
	}
	return steps, nil
}

func settings(conf map[string]*string) (text string) {
	for _, k := range slices.Sorted(maps.Keys(conf)) {
		text += fmt.Sprintf(" %s=%s", k, *conf[k])
	}
	return text
}

// ApplyTopics takes the steps of a plan. It stops at the first that fails;
// planning again shows what is left.
func ApplyTopics(ctx context.Context, cl *kgo.Client, steps []TopicStep, replication int16) error {
	adm := kadm.NewClient(cl)
	for _, s := range steps {
		var err error
		switch s.Action {
		case "create":
			err = createTopic(ctx, cl, s.Topic, s.topic.Partitions, replication, s.topic.Config)
		case "add_partitions":
			_, err = adm.UpdatePartitions(ctx, int(s.topic.Partitions), s.Topic)
		case "alter":
			var set []kadm.AlterConfig
			for _, k := range slices.Sorted(maps.Keys(s.topic.Config)) {
				set = append(set, kadm.AlterConfig{Op: kadm.SetConfig, Name: k, Value: s.topic.Config[k]})
			}
			var all kadm.AlterConfigsResponses
			if all, err = adm.AlterTopicConfigs(ctx, set, s.Topic); err == nil {
				for _, r := range all {
					err = errors.Join(err, r.Err)
				}
			}
		case "refuse":
			err = errors.New(s.Detail)
		}
		if err != nil {
			return fmt.Errorf("%s topic %s: %w", s.Action, s.Topic, err)
		}
	}
	return nil
}

// Grant is a right that Driftline needs.
type Grant struct {
	Resource   string   `json:"resource"` // topic, group or transactional_id
	Name       string   `json:"name"`
	Prefix     bool     `json:"prefix"` // Name is the beginning of names
	Operations []string `json:"operations"`

	kind kmsg.ACLResourceType
	ops  []kmsg.ACLOperation
}

// Grants are the rights that all roles together need, and no more: to read the
// inputs, to write dead letters, to use its own topics and groups.
func (c Config) Grants(inputs ...string) []Grant {
	const read, write, create, describe = kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationCreate, kmsg.ACLOperationDescribe
	var all []Grant
	add := func(kind kmsg.ACLResourceType, what, name string, prefix bool, ops ...kmsg.ACLOperation) {
		g := Grant{Resource: what, Name: name, Prefix: prefix, kind: kind, ops: ops}
		for _, op := range ops {
			g.Operations = append(g.Operations, map[kmsg.ACLOperation]string{read: "read", write: "write", create: "create", describe: "describe"}[op])
		}
		all = append(all, g)
	}
	for _, in := range inputs {
		add(kmsg.ACLResourceTypeTopic, "topic", in, false, read, describe)
	}
	for _, t := range c.Topics.Own(inputs...) {
		add(kmsg.ACLResourceTypeTopic, "topic", t.Name, false, read, write, create, describe)
	}
	add(kmsg.ACLResourceTypeGroup, "group", c.Group, true, read, describe)
	add(kmsg.ACLResourceTypeTransactionalId, "transactional_id", c.Group, true, write, describe)
	return all
}

// ApplyGrants allows a principal, such as User:driftline, what is in grants.
// What it is allowed already stays so.
func ApplyGrants(ctx context.Context, cl *kgo.Client, principal string, grants []Grant) error {
	var req kmsg.CreateACLsRequest
	for _, g := range grants {
		for _, op := range g.ops {
			c := kmsg.NewCreateACLsRequestCreation()
			c.ResourceType, c.ResourceName, c.Principal, c.Host = g.kind, g.Name, principal, "*"
			c.Operation, c.PermissionType, c.ResourcePatternType = op, kmsg.ACLPermissionTypeAllow, kmsg.ACLResourcePatternTypeLiteral
			if g.Prefix {
				c.ResourcePatternType = kmsg.ACLResourcePatternTypePrefixed
			}
			req.Creations = append(req.Creations, c)
		}
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("grant rights to %s: %w", principal, err)
	}
	for i, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("grant %s of %s to %s: %w", req.Creations[i].Operation, req.Creations[i].ResourceName, principal, err)
		}
	}
	return nil
}
