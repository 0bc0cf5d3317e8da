package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Defaults of a [KafkaConfig].
const (
	DefaultKafkaListen     = "127.0.0.1:0"
	DefaultKafkaBrokers    = 1
	DefaultKafkaPartitions = 4
)

// KafkaConfig says where and how the embedded Kafka runs. The zero value of
// every field takes its default.
type KafkaConfig struct {
	// DataDir keeps topics, consumer groups and their offsets. One process at
	// a time may use it. Empty keeps them in memory.
	DataDir string
	// Listen is 127.0.0.1:port; port 0 takes any free one. Further brokers
	// take the ports after it. Default 127.0.0.1:0.
	Listen string
	// Brokers is how many brokers clients see. They are one process: more
	// than one only tests clients. Default 1.
	Brokers int
	// AllowAutoTopic creates a topic when a client asks for it. Default
	// false: a typing error in a topic name stays an error.
	AllowAutoTopic bool
	// DefaultPartitions is for topics created without a number. Default 4.
	DefaultPartitions int
	// SyncWrites makes every batch survive a power cut, at a cost in
	// throughput. Without it, only the end of the process is survived.
	SyncWrites bool
	// Options come last, for tests: other listeners, old protocol versions.
	Options []kfake.Opt
	// Log gets the broker's warnings and errors; nil discards them.
	Log *slog.Logger
}

func (cfg KafkaConfig) withDefaults() KafkaConfig {
	cfg.Listen = cmp.Or(cfg.Listen, DefaultKafkaListen)
	cfg.Brokers = cmp.Or(cfg.Brokers, DefaultKafkaBrokers)
	cfg.DefaultPartitions = cmp.Or(cfg.DefaultPartitions, DefaultKafkaPartitions)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// ports checks the addresses and lists the port of each broker.
func (cfg KafkaConfig) ports() ([]int, error) {
	if err := checkLoopback(cfg.Listen); err != nil {
		return nil, err
	}
	host, portText, _ := net.SplitHostPort(cfg.Listen)
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: port: %w", cfg.Listen, err)
	}
	if host != "127.0.0.1" && host != "localhost" {
		return nil, fmt.Errorf("listen address %q: the embedded Kafka listens on 127.0.0.1 only", cfg.Listen)
	}
	if cfg.Brokers < 1 || cfg.DefaultPartitions < 1 {
		return nil, fmt.Errorf("%d brokers and %d partitions: want at least one of each", cfg.Brokers, cfg.DefaultPartitions)
	}
	ports := make([]int, cfg.Brokers)
	for i := range ports {
		if port > 0 {
			ports[i] = int(port) + i
		}
	}
	return ports, nil
}

// Kafka is a running embedded Kafka.
type Kafka struct {
	cluster *kfake.Cluster
	addrs   []string
	lock    *os.File // nil in memory
	close   sync.Once
}

// OpenKafka starts the brokers on what cfg.DataDir holds.
func OpenKafka(cfg KafkaConfig) (*Kafka, error) {
	cfg = cfg.withDefaults()
	ports, err := cfg.ports()
	if err != nil {
		return nil, fmt.Errorf("open Kafka: %w", err)
	}
	k, err := openKafka(cfg, ports)
	if err != nil {
		return nil, fmt.Errorf("open Kafka data in %s: %w", cmp.Or(cfg.DataDir, "memory"), err)
	}
	cfg.Log.Info("embedded Kafka is up", "addrs", k.addrs, "dir", cfg.DataDir)
	return k, nil
}

func openKafka(cfg KafkaConfig, ports []int) (*Kafka, error) {
	k := new(Kafka)
	opts := []kfake.Opt{
		kfake.Ports(ports...),
		kfake.ClusterID("driftline-embedded"),
		kfake.DefaultNumPartitions(cfg.DefaultPartitions),
		kfake.WithLogger(kafkaLog{cfg.Log}),
	}
	if cfg.AllowAutoTopic {
		opts = append(opts, kfake.AllowAutoTopicCreation())
	}
	if cfg.DataDir != "" {
		dir, err := filepath.Abs(cfg.DataDir)
		if err != nil {
			return nil, err
		}
		if k.lock, err = lockDir(dir); errors.Is(err, errLocked) {
			return nil, inUse("embedded.kafka.data_dir")
		} else if err != nil {
			return nil, err
		}
		// In a directory of its own: the broker reads everything in there.
		opts = append(opts, kfake.DataDir(filepath.Join(dir, "log")))
		if cfg.SyncWrites {
			opts = append(opts, kfake.SyncWrites())
		}
	}
	var err error
	if k.cluster, err = kfake.NewCluster(append(opts, cfg.Options...)...); err != nil {
		return nil, errors.Join(err, k.unlock())
	}
	k.addrs = k.cluster.ListenAddrs()
	return k, nil
}

// Addrs are the brokers' host:port, to seed clients with.
func (k *Kafka) Addrs() []string { return append([]string(nil), k.addrs...) }

// Cluster is the fake broker itself, for fault injection in tests. Product
// code must not need it: it connects to Addrs.
func (k *Kafka) Cluster() *kfake.Cluster { return k.cluster }

// Close stops the brokers, syncs their files and releases the data directory.
// Later calls do nothing.
func (k *Kafka) Close() error {
	var err error
	k.close.Do(func() {
		k.cluster.Close()
		err = k.unlock()
	})
	if err != nil {
		return fmt.Errorf("close Kafka: %w", err)
	}
	return nil
}

func (k *Kafka) unlock() error {
	if k.lock == nil {
		return nil
	}
	return k.lock.Close()
}

// kafkaLog passes the broker's warnings and errors on. Its information is one
// line per request and stays out.
type kafkaLog struct{ log *slog.Logger }

// Logf implements kfake.Logger.
func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelWarn
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
	default:
		return
	}
	if ctx := context.Background(); l.log.Enabled(ctx, to) {
		l.log.Log(ctx, to, "embedded Kafka", "message", fmt.Sprintf(format, args...))
	}
}
