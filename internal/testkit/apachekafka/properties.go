package apachekafka

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// mechanisms of SASL that a cluster with SCRAM takes.
var mechanisms = []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}

// properties is a broker's configuration file. Brokers and controllers talk in
// the clear, over listeners of their own: the clients' is the one under test.
func (c *Cluster) properties(b *broker) []byte {
	p := map[string]string{
		"node.id":                        fmt.Sprint(b.id),
		"process.roles":                  "broker,controller",
		"log.dirs":                       b.path("-data"),
		"listeners":                      fmt.Sprintf("CLIENT://127.0.0.1:%d,INTERNAL://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", b.ports.client, b.ports.internal, b.ports.controller),
		"listener.security.protocol.map": fmt.Sprintf("CLIENT:%s,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT", c.protocol()),
		"inter.broker.listener.name":     "INTERNAL",
		"controller.listener.names":      "CONTROLLER",
		"controller.quorum.voters":       c.voters(),
	}
	maps.Copy(p, c.replication())
	maps.Copy(p, small)
	maps.Copy(p, prompt)
	maps.Copy(p, c.security())
	var out bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&out, "%s=%s\n", key, p[key])
	}
	return out.Bytes()
}

// small keeps what a broker allocates ahead in proportion to a test.
var small = map[string]string{
	"num.network.threads":                  "2",
	"num.io.threads":                       "4",
	"offsets.topic.num.partitions":         "4",
	"transaction.state.log.num.partitions": "4",
	"log.cleaner.dedupe.buffer.size":       "4194304",
	"log.cleaner.io.buffer.size":           "65536",
	"auto.create.topics.enable":            "false", // as in production: a typing error stays an error
}

// prompt makes the cluster notice within seconds what takes it longer in
// production.
var prompt = map[string]string{
	"group.initial.rebalance.delay.ms": "0",
	"group.min.session.timeout.ms":     "1000",
	"broker.heartbeat.interval.ms":     "500",
	"broker.session.timeout.ms":        "3000", // until a killed broker loses its leaderships
}

// replication on all brokers, such that one of three may be down.
func (c *Cluster) replication() map[string]string {
	n := fmt.Sprint(c.cfg.Brokers)
	insync := fmt.Sprint(c.cfg.Brokers/2 + 1)
	return map[string]string{
		"default.replication.factor":                       n,
		"offsets.topic.replication.factor":                 n,
		"transaction.state.log.replication.factor":         n,
		"share.coordinator.state.topic.replication.factor": n,
		"min.insync.replicas":                              insync,
		"transaction.state.log.min.isr":                    insync,
		"share.coordinator.state.topic.min.isr":            insync,
	}
}

func (c *Cluster) voters() string {
	var out []string
	for _, b := range c.brokers {
		out = append(out, fmt.Sprintf("%d@127.0.0.1:%d", b.id, b.ports.controller))
	}
	return strings.Join(out, ",")
}

// protocol of the clients' listener.
func (c *Cluster) protocol() string {
	switch {
	case c.cfg.SASL == SCRAM && c.cfg.TLS:
		return "SASL_SSL"
	case c.cfg.SASL == SCRAM:
		return "SASL_PLAINTEXT"
	case c.cfg.TLS:
		return "SSL"
	default:
		return "PLAINTEXT"
	}
}

func (c *Cluster) security() map[string]string {
	p := map[string]string{}
	if c.cfg.TLS {
		p["ssl.keystore.type"], p["ssl.keystore.location"] = "PEM", filepath.Join(c.dir, serverFile)
		p["ssl.truststore.type"], p["ssl.truststore.location"] = "PEM", filepath.Join(c.dir, caFile)
	}
	if c.cfg.SASL == SCRAM {
		p["sasl.enabled.mechanisms"] = strings.Join(mechanisms, ",")
		for _, m := range mechanisms {
			p["listener.name.client."+strings.ToLower(m)+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	return p
}
