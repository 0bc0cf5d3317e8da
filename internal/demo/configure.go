package demo

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/loadtest"
)

//go:embed driftline.yaml.tmpl
var configText string

var configTemplate = template.Must(template.New("driftline.yaml").Funcs(template.FuncMap{"quote": quote}).Parse(configText))

// Where metrics and the API are by default; another port is taken when one is in use.
const (
	admin     = "127.0.0.1:9464"
	apiListen = "127.0.0.1:9470"
)

// configure writes the demo's configuration as a user would write it, and
// loads it as the service would.
func configure(dir string, r *receivers) (app.Config, error) {
	var text strings.Builder
	err := configTemplate.Execute(&text, map[string]any{
		"Dir": dir, "Admin": freeOr(admin, "127.0.0.1:0"), "API": freeOr(apiListen, "127.0.0.1:0"), "Models": loadtest.Models(), "Topics": topics,
		"Reference": func(model string) string { return filepath.Join(dir, model+".csv") },
		"PagerDuty": r.url(), "RoutingKey": r.routingKey, "Webhook": r.url() + webhookPath, "Secret": r.secret,
		"Retrain": r.url() + retrainPath, "Pipeline": receiverRetrain,
	})
	if err != nil {
		return app.Config{}, fmt.Errorf("write configuration: %w", err)
	}
	file := filepath.Join(dir, "driftline.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return app.Config{}, fmt.Errorf("write configuration: %w", err)
	}
	cfg := app.DefaultConfig()
	return cfg, config.Load(file, &cfg)
}

// topics of the fleet, by kind.
var topics = map[loadtest.Kind]string{
	loadtest.Events:    "driftline.demo.inference",
	loadtest.Labels:    "driftline.demo.labels",
	loadtest.Telemetry: "driftline.demo.telemetry",
	loadtest.Jobs:      "driftline.demo.jobs",
	loadtest.Changes:   "driftline.demo.changes",
}

// quote gives a string as YAML, of which JSON is a part.
func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// freeOr is addr if nobody listens there, else the other one.
func freeOr(addr, other string) string {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return other
	}
	_ = l.Close()
	return addr
}

// secret gives n random bytes as a signing secret of Standard Webhooks.
func secret(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}
