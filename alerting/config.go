package alerting

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of alerting.
type Config struct {
	ExternalURL string     `yaml:"external_url"` // where people look at incidents, such as a Grafana dashboard; linked in PagerDuty. Default empty, no link
	Receivers   []Receiver `yaml:"receivers"`    // who is told; each is told of everything from its min_severity on
}

// Receiver is one addressee: give exactly one of pagerduty and webhook.
type Receiver struct {
	Name         string           `yaml:"name"`          // in the journal, logs and metrics; letters, digits, - and _
	PagerDuty    *PagerDuty       `yaml:"pagerduty"`     // PagerDuty, Events API version 2
	Webhook      *Webhook         `yaml:"webhook"`       // any HTTP receiver, signed by Standard Webhooks
	AllowPrivate bool             `yaml:"allow_private"` // allow addresses inside one's own network (private, link-local, loopback) and plain http. Default false
	Timeout      time.Duration    `yaml:"timeout"`       // of one attempt, connection included. Default 15s
	MaxElapsed   time.Duration    `yaml:"max_elapsed"`   // how long attempts are repeated before the notification is dropped. Default 10m
	MinSeverity  schemas.Severity `yaml:"min_severity"`  // the least that is told: info, warning, error or critical. Default warning
}

// SetDefaults fills what the user leaves out.
func (r *Receiver) SetDefaults() {
	r.Timeout, r.MaxElapsed, r.MinSeverity = 15*time.Second, 10*time.Minute, schemas.SeverityWarning
}

// PagerDuty is a service integrated by the Events API, version 2.
type PagerDuty struct {
	RoutingKey config.Secret `yaml:"routing_key"` // integration key of the service, 32 characters; routing_key_file reads it from a file
	BaseURL    string        `yaml:"base_url"`    // of the API; the EU service region has its own. Default https://events.pagerduty.com
}

// SetDefaults fills what the user leaves out.
func (p *PagerDuty) SetDefaults() { p.BaseURL = "https://events.pagerduty.com" }

// Webhook is an HTTP receiver.
type Webhook struct {
	URL     config.Secret   `yaml:"url"`     // where to POST; a secret because such addresses often carry a token
	Secrets []config.Secret `yaml:"secrets"` // to sign with, "whsec_" and 24 to 64 bytes in base64; during a rotation give both, the new one first
}

// DefaultConfig is the configuration before the user's: nobody is told.
func DefaultConfig() Config { return Config{} }

// severities, rising.
var severities = []schemas.Severity{schemas.SeverityInfo, schemas.SeverityWarning, schemas.SeverityError, schemas.SeverityCritical}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	if c.ExternalURL != "" {
		errs = append(errs, checkURL("external_url", c.ExternalURL, true))
	}
	names := map[string]int{}
	for i := range c.Receivers {
		key := fmt.Sprintf("receivers[%d]", i)
		errs = append(errs, c.Receivers[i].validate(key))
		if first, twice := names[c.Receivers[i].Name]; twice {
			errs = append(errs, config.Faultf(key+".name", "%q is taken by receivers[%d]; the journal needs different names", c.Receivers[i].Name, first))
		} else {
			names[c.Receivers[i].Name] = i
		}
	}
	return errors.Join(errs...)
}

func (r *Receiver) validate(key string) error {
	var errs []error
	check := func(ok bool, sub, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key+sub, format, args...))
		}
	}
	check(r.Name != "" && len(r.Name) <= 64 && strings.Trim(r.Name, nameRunes) == "", ".name", "is %q; give 1 to 64 letters, digits, - or _", r.Name)
	check((r.PagerDuty == nil) != (r.Webhook == nil), "", "give exactly one of pagerduty and webhook")
	check(r.Timeout > 0, ".timeout", "is %s; give a time above 0, such as 15s", r.Timeout)
	check(r.MaxElapsed >= r.Timeout, ".max_elapsed", "is %s; give at least the timeout, %s", r.MaxElapsed, r.Timeout)
	check(slices.Contains(severities, r.MinSeverity), ".min_severity", "unsupported severity %q; supported: info, warning, error, critical", r.MinSeverity)
	if p := r.PagerDuty; p != nil {
		check(len(p.RoutingKey) == 32, ".pagerduty.routing_key", "has %d characters; an integration key of the Events API v2 has 32", len(p.RoutingKey))
		errs = append(errs, checkURL(key+".pagerduty.base_url", p.BaseURL, r.AllowPrivate))
	}
	if w := r.Webhook; w != nil {
		errs = append(errs, checkURL(key+".webhook.url", w.URL.Value(), r.AllowPrivate))
		check(len(w.Secrets) > 0, ".webhook.secrets", "is empty; give at least one secret: receivers cannot trust an unsigned webhook")
		for i, s := range w.Secrets {
			_, err := decodeSecret(s)
			check(err == nil, fmt.Sprintf(".webhook.secrets[%d]", i), "%v", err)
		}
	}
	return errors.Join(errs...)
}

const nameRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
