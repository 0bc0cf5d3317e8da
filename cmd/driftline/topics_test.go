package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

func TestTopicsApply(t *testing.T) {
	config := writeFile(t, "driftline.yaml", fmt.Sprintf(
		"kafka: {brokers: [%q]}\nclickhouse: {addr: [\"127.0.0.1:1\"]}\ningest: {topics: [{topic: in, kind: events}]}\n", embeddedtest.Kafka(t).Addrs()[0]))
	out, errs, code := driftline(t, "topics", "apply", "-config", config, "--dry-run", "--principal", "User:driftline")
	if code != exitOK {
		t.Fatal(code, errs)
	}
	for _, want := range []string{"driftline.schemas    create  1 partitions cleanup.policy=compact retention.ms=-1", "in.dlq", "driftline*                group             read, describe"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, want := range []string{"create", "none"} { // the dry run made nothing, and applying makes all
		out, errs, code := driftline(t, "topics", "apply", "-config", config, "-o", "json")
		var plan topicsPlan
		if err := json.Unmarshal([]byte(out), &plan); err != nil || code != exitOK || !plan.Applied {
			t.Fatal(err, code, errs)
		}
		for _, s := range plan.Topics {
			if s.Action != want {
				t.Errorf("%s: %s, want %s", s.Topic, s.Action, want)
			}
		}
	}
}
