package alerting

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// A configuration as a user writes it: secrets from files, the rest by default.
func TestLoadFromYAML(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(routingKey.Value()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	err := config.Parse(filepath.Join(dir, "driftline.yaml"), []byte(`
receivers:
  - name: pager-a
    pagerduty: {routing_key_file: key}
  - name: webhook-a
    min_severity: error
    timeout: 20s
    webhook:
      url: https://host.example/hook?token=t
      secrets: [`+webhookSecret.Value()+`]
`), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	pager, hook := cfg.Receivers[0], cfg.Receivers[1]
	equal(t, "routing key", pager.PagerDuty.RoutingKey.Value(), routingKey.Value())
	equal(t, "base_url", pager.PagerDuty.BaseURL, "https://events.pagerduty.com")
	equal(t, "min_severity by default", pager.MinSeverity, schemas.SeverityWarning)
	equal(t, "max_elapsed by default", pager.MaxElapsed, 10*time.Minute)
	equal(t, "min_severity", hook.MinSeverity, schemas.SeverityError)
	equal(t, "timeout", hook.Timeout, 20*time.Second)
	equal(t, "url", hook.Webhook.URL.Value(), "https://host.example/hook?token=t")
}
