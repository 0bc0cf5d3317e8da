package kafka_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/testkit/apachekafka"
)

func TestMain(m *testing.M) { os.Exit(apachekafka.Run(m)) }

// Under a name, a member that comes back has its partition at once, long before
// its session runs out.
func TestNamedInstanceTakesItsPartitionsBack(t *testing.T) {
	overKafkas(t, testNamedInstanceTakesItsPartitionsBack)
}

func testNamedInstanceTakesItsPartitionsBack(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 1)
	cfg.Instance = "pod-0"
	for n := 1; n <= 3; n++ {
		produce(t, cfg, "in", 1)
		all := &seen{}
		stop := member(t, cfg, "in", metrics.NewSet(), recording(all, nil))
		until(t, "the record of this round", func() bool { return all.count() == 1 }) // in less time than a session
		check(t, stop())
	}
}

// Over TLS and with a password everything is as without: producing, taking
// partitions over, and the metadata of commits.
func TestSecuredKafka(t *testing.T) {
	c := apachekafka.Start(t, apachekafka.Config{SASL: apachekafka.SCRAM, TLS: true})
	testTakeoverStartsAtTheCommitAndSeesItsMetadata(t, func(testing.TB) kafka.Config { return c.Kafka() })
	other := c.Kafka()
	other.SASL.Mechanism = "scram-sha-256"
	with(t, other, "other", 1)
	for name, tc := range map[string]struct {
		edit func(cfg *kafka.Config)
		want string
	}{
		"wrong password":    {func(cfg *kafka.Config) { cfg.SASL.Password = "wrong" }, "SASL_AUTHENTICATION_FAILED"},
		"no authentication": {func(cfg *kafka.Config) { cfg.SASL = kafka.SASL{} }, "is SASL missing?"},
		"no TLS":            {func(cfg *kafka.Config) { cfg.TLS = kafka.TLS{} }, "tls endpoint"},
		"other authority":   {func(cfg *kafka.Config) { cfg.TLS.CAFile = "" }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := c.Kafka()
			tc.edit(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := kafka.NewGroup(ctx, kafka.GroupConfig{
				Kafka: cfg, Role: "test", Topics: []string{"in"}, Tick: time.Second,
				Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(),
			})
			if err == nil || !strings.Contains(err.Error(), tc.want) || ctx.Err() != nil {
				t.Errorf("joining ends with %v, want %q in it", err, tc.want)
			}
		})
	}
}
