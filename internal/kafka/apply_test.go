package kafka_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
)

// actions of a plan, by topic and action, "none" left out.
func actions(steps []kafka.TopicStep) (out []string) {
	for _, s := range steps {
		if s.Action != "none" {
			out = append(out, s.Topic+" "+s.Action)
		}
	}
	slices.Sort(out)
	return out
}

// Applying a plan leaves nothing to do, whatever was there, and takes nothing
// away: partitions that somebody added stay.
func TestTopicsApply(t *testing.T) {
	cfg, _ := fake(t)
	cfg.Topics.Partitions = 4
	cl, err := cfg.Dial()
	check(t, err)
	defer cl.Close()
	with(t, cfg, cfg.Topics.Windows, 2)
	with(t, cfg, cfg.Topics.Signals, 9)
	with(t, cfg, cfg.Topics.Schemas, 1) // and not compacted

	own := cfg.Topics.Own("in")
	steps, err := kafka.PlanTopics(t.Context(), cl, own)
	check(t, err)
	want := []string{"driftline.incidents create", "driftline.schemas alter", "driftline.windows add_partitions", "in.dlq create"}
	if got := actions(steps); !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	check(t, kafka.ApplyTopics(t.Context(), cl, steps, -1))
	steps, err = kafka.PlanTopics(t.Context(), cl, own)
	check(t, err)
	if got := actions(steps); len(got) > 0 {
		t.Errorf("after apply: %q", got)
	}
	if n := partitions(t, cl, cfg.Topics.Signals); n != 9 {
		t.Errorf("signals has %d partitions, had 9", n)
	}
}

// The schema topic is one log: with more partitions instances would disagree on
// features, so apply refuses instead of going on.
func TestTopicsApplyRefusesSeveralPartitionsOfSchemas(t *testing.T) {
	cfg, _ := fake(t)
	cl, err := cfg.Dial()
	check(t, err)
	defer cl.Close()
	with(t, cfg, cfg.Topics.Schemas, 3)
	steps, err := kafka.PlanTopics(t.Context(), cl, cfg.Topics.Own())
	check(t, err)
	if err := kafka.ApplyTopics(t.Context(), cl, steps, -1); err == nil || !strings.Contains(err.Error(), "3 partitions and must have 1") {
		t.Errorf("got %v", err)
	}
}

func partitions(t *testing.T, cl *kgo.Client, topic string) int {
	t.Helper()
	all, err := kadm.NewClient(cl).ListTopics(context.Background(), topic)
	check(t, err)
	return len(all[topic].Partitions)
}

// What is granted is what is used: no rights on other topics, none to delete or
// to alter, and only to read what producers own.
func TestGrantsAreLeast(t *testing.T) {
	cfg, _ := fake(t)
	for _, g := range cfg.Grants("in") {
		if g.Name == "" || g.Prefix != (g.Resource != "topic") {
			t.Errorf("grant on %+v", g)
		}
		if g.Name == "in" && !slices.Equal(g.Operations, []string{"read", "describe"}) {
			t.Errorf("on the producers' topic: %q", g.Operations)
		}
	}
}
