package app

import (
	"path/filepath"

	"github.com/driftline/driftline/internal/embedded"
)

// startEngines starts the embedded engines that are configured and points the
// connections at them.
func (a *App) startEngines() error {
	if e := a.cfg.Embedded.Kafka; e.Enabled {
		k, err := embedded.OpenKafka(embedded.KafkaConfig{DataDir: e.DataDir, Listen: e.Listen, DefaultPartitions: int(e.Partitions), Log: a.log.With("engine", "kafka")})
		if err != nil {
			return err
		}
		a.onStop("embedded kafka", func() { _ = k.Close() })
		a.cfg.Kafka.Brokers = k.Addrs()
	}
	if e := a.cfg.Embedded.ClickHouse; e.Enabled {
		dir, err := filepath.Abs(e.DataDir)
		if err != nil {
			return err
		}
		c, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{
			Library: e.Library, DataDir: dir, Listen: e.Listen, MaxMemory: int64(e.MaxMemory), Log: a.log.With("engine", "clickhouse"),
		})
		if err != nil {
			return err
		}
		a.onStop("embedded clickhouse", func() { _ = c.Close() })
		a.cfg.ClickHouse.Addr = []string{c.Addr()}
	}
	return nil
}
