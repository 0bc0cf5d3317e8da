package alerting

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of alerting. The routes are explained in docs/alerting.md.
type Config struct {
	ExternalURL   string          `yaml:"external_url"`   // where people look at incidents, such as a Grafana dashboard; linked in what is told. {id} in it stands for the incident's id. Default empty, no link
	Receivers     []Receiver      `yaml:"receivers"`      // who is told. One that no route names is told of everything from its min_severity on, at once
	Route         *Route          `yaml:"route"`          // root of the routes; without it every receiver is told of everything from its min_severity on
	TimeIntervals []TimeIntervals `yaml:"time_intervals"` // named times that routes are quiet in, or active in
	Owners        []Owner         `yaml:"owners"`         // who answers for what; the first that matches
	Inhibition    Inhibition      `yaml:"inhibition"`     // of incidents that another one explains
	BurnRates     []BurnRate      `yaml:"burn_rates"`     // rules over the share of bad windows. Default empty, none
	GiveUpAfter   time.Duration   `yaml:"give_up_after"`  // how long a receiver that does not take a notification is tried again, in rounds of max_elapsed with growing pauses, always with the incident's newest revision. Default 24h
}

// Receiver is one addressee: give exactly one of pagerduty, webhook, slack,
// alertmanager and email.
type Receiver struct {
	Name         string           `yaml:"name"`          // in the journal, logs and metrics; letters, digits, - and _
	PagerDuty    *PagerDuty       `yaml:"pagerduty"`     // PagerDuty, Events API version 2
	Webhook      *Webhook         `yaml:"webhook"`       // any HTTP receiver, signed by Standard Webhooks
	Slack        *Slack           `yaml:"slack"`         // an incoming webhook of Slack, or of what speaks its form
	Alertmanager *Alertmanager    `yaml:"alertmanager"`  // an Alertmanager, by its API version 2
	Email        *Email           `yaml:"email"`         // a mail server, by SMTP
	AllowPrivate bool             `yaml:"allow_private"` // allow addresses inside one's own network (private, link-local, loopback), plain http and unencrypted mail. Default false
	Timeout      time.Duration    `yaml:"timeout"`       // of one attempt, connection included. Default 15s
	MaxElapsed   time.Duration    `yaml:"max_elapsed"`   // how long one round of attempts lasts; give_up_after bounds the rounds. Default 10m
	MinSeverity  schemas.Severity `yaml:"min_severity"`  // the least that is told, whatever routes say: info, warning, error or critical. Default warning
}

// SetDefaults fills what the user leaves out.
func (r *Receiver) SetDefaults() {
	r.Timeout, r.MaxElapsed, r.MinSeverity = 15*time.Second, 10*time.Minute, schemas.SeverityWarning
}

// PagerDuty is a service integrated by the Events API, version 2.
type PagerDuty struct {
	RoutingKey   config.Secret `yaml:"routing_key"`   // integration key of the service, 32 characters; routing_key_file reads it from a file
	BaseURL      string        `yaml:"base_url"`      // of the API; the EU service region has its own. Default https://events.pagerduty.com
	ChangeEvents bool          `yaml:"change_events"` // also send a change event for each change (deploy, configuration, driver) that is the likeliest cause of an incident; integration keys of event rules (R…) do not take them. Default true
}

// SetDefaults fills what the user leaves out.
func (p *PagerDuty) SetDefaults() { p.BaseURL, p.ChangeEvents = "https://events.pagerduty.com", true }

// Webhook is an HTTP receiver.
type Webhook struct {
	URL     config.Secret   `yaml:"url"`     // where to POST; a secret because such addresses often carry a token
	Secrets []config.Secret `yaml:"secrets"` // to sign with, "whsec_" and 24 to 64 bytes in base64; during a rotation give both, the new one first
	Format  string          `yaml:"format"`  // standard (type, timestamp and data, as Standard Webhooks has it) or cloudevents (CloudEvents 1.0, structured mode); both are signed. Default standard
}

// SetDefaults fills what the user leaves out.
func (w *Webhook) SetDefaults() { w.Format = FormatStandard }

// The formats of a webhook.
const (
	FormatStandard    = "standard"
	FormatCloudEvents = "cloudevents"
)

// Slack is an incoming webhook.
type Slack struct {
	URL config.Secret `yaml:"url"` // of the incoming webhook
}

// Alertmanager is an instance of it, which then does the telling.
type Alertmanager struct {
	URL      config.Secret `yaml:"url"`      // base address; /api/v2/alerts is added
	Username string        `yaml:"username"` // for HTTP basic authentication
	Password config.Secret `yaml:"password"` // for HTTP basic authentication
	Token    config.Secret `yaml:"token"`    // bearer token, instead of username and password
	Resend   time.Duration `yaml:"resend"`   // how often open incidents are sent again, since an Alertmanager forgets them when it restarts; an incident not sent for four times as long counts as over there. Default 1m
}

// SetDefaults fills what the user leaves out.
func (a *Alertmanager) SetDefaults() { a.Resend = time.Minute }

// Email is a way to send mail.
type Email struct {
	Server   string        `yaml:"server"`   // host:port of the mail server; 587 is usual for STARTTLS, 465 for TLS from the start
	From     string        `yaml:"from"`     // sender, such as driftline@example.com
	To       []string      `yaml:"to"`       // recipients, all in one message
	Username string        `yaml:"username"` // for authentication; empty: none
	Password config.Secret `yaml:"password"` // for authentication
	TLS      string        `yaml:"tls"`      // starttls (required, never skipped), implicit (from the start) or none (only with allow_private). Default starttls
	CA       string        `yaml:"ca"`       // PEM file of the certificate authority; empty means the system's
}

// SetDefaults fills what the user leaves out.
func (e *Email) SetDefaults() { e.TLS = tlsStart }

// How mail is encrypted.
const (
	tlsStart    = "starttls"
	tlsImplicit = "implicit"
	tlsNone     = "none"
)

// DefaultConfig is the configuration before the user's: nobody is told.
func DefaultConfig() Config {
	return Config{Inhibition: Inhibition{Enabled: true, MinConfidence: 0.6}, GiveUpAfter: 24 * time.Hour}
}

// severities, rising.
var severities = []schemas.Severity{schemas.SeverityInfo, schemas.SeverityWarning, schemas.SeverityError, schemas.SeverityCritical}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	if c.ExternalURL != "" {
		errs = append(errs, checkURL("external_url", strings.ReplaceAll(c.ExternalURL, idMark, "id"), true))
	}
	if c.GiveUpAfter < 0 {
		errs = append(errs, config.Faultf("give_up_after", "is negative; give 0 to give up after one round"))
	}
	if c.Inhibition.MinConfidence < 0 || c.Inhibition.MinConfidence > 1 {
		errs = append(errs, config.Faultf("inhibition.min_confidence", "is %g; give a probability from 0 to 1", c.Inhibition.MinConfidence))
	}
	names, times := []string{}, []string{}
	unique := func(all *[]string, section, key, name, why string) {
		if i := slices.Index(*all, name); i >= 0 {
			errs = append(errs, config.Faultf(key+".name", "%q is taken by %s[%d]; %s", name, section, i, why))
		}
		*all = append(*all, name)
	}
	for i := range c.Receivers {
		key := fmt.Sprintf("receivers[%d]", i)
		errs = append(errs, c.Receivers[i].validate(key))
		unique(&names, "receivers", key, c.Receivers[i].Name, "the journal needs different names")
	}
	for i := range c.TimeIntervals {
		key := fmt.Sprintf("time_intervals[%d]", i)
		errs = append(errs, c.TimeIntervals[i].validate(key))
		unique(&times, "time_intervals", key, c.TimeIntervals[i].Name, "routes need different names")
	}
	if c.Route != nil {
		errs = append(errs, c.Route.validate("route", true, names, times))
	}
	ownerless := slices.DeleteFunc(slices.Clone(labelNames), func(l string) bool { return l == labelOwner })
	for i, o := range c.Owners {
		key := fmt.Sprintf("owners[%d]", i)
		errs = append(errs, checkMatchers(key+".matchers", o.Matchers, ownerless))
		if o.Runbook != "" {
			errs = append(errs, checkURL(key+".runbook", o.Runbook, true))
		}
	}
	var rules []string
	for i := range c.BurnRates {
		key := fmt.Sprintf("burn_rates[%d]", i)
		errs = append(errs, c.BurnRates[i].validate(key))
		unique(&rules, "burn_rates", key, c.BurnRates[i].Name, "their incidents need different names")
	}
	return errors.Join(errs...)
}

// oneKind of receiver is allowed for each.
func (r *Receiver) oneKind() bool {
	n := 0
	for _, given := range []bool{r.PagerDuty != nil, r.Webhook != nil, r.Slack != nil, r.Alertmanager != nil, r.Email != nil} {
		if given {
			n++
		}
	}
	return n == 1
}

func (r *Receiver) validate(key string) error {
	var errs []error
	check := func(ok bool, sub, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key+sub, format, args...))
		}
	}
	check(validName(r.Name), ".name", "is %q; give 1 to 64 letters, digits, - or _", r.Name)
	check(r.oneKind(), "", "give exactly one of pagerduty, webhook, slack, alertmanager and email")
	check(r.Timeout > 0, ".timeout", "is %s; give a time above 0, such as 15s", r.Timeout)
	check(r.MaxElapsed >= r.Timeout, ".max_elapsed", "is %s; give at least the timeout, %s", r.MaxElapsed, r.Timeout)
	check(slices.Contains(severities, r.MinSeverity), ".min_severity", "unsupported severity %q; supported: info, warning, error, critical", r.MinSeverity)
	if p := r.PagerDuty; p != nil {
		check(len(p.RoutingKey) == 32, ".pagerduty.routing_key", "has %d characters; an integration key of the Events API v2 has 32", len(p.RoutingKey))
		errs = append(errs, checkURL(key+".pagerduty.base_url", p.BaseURL, r.AllowPrivate))
	}
	if w := r.Webhook; w != nil {
		errs = append(errs, checkURL(key+".webhook.url", w.URL.Value(), r.AllowPrivate))
		check(w.Format == FormatStandard || w.Format == FormatCloudEvents || w.Format == "", ".webhook.format", "unsupported format %q; supported: standard, cloudevents", w.Format)
		check(len(w.Secrets) > 0, ".webhook.secrets", "is empty; give at least one secret: receivers cannot trust an unsigned webhook")
		for i, s := range w.Secrets {
			_, err := decodeSecret(s)
			check(err == nil, fmt.Sprintf(".webhook.secrets[%d]", i), "%v", err)
		}
	}
	if s := r.Slack; s != nil {
		errs = append(errs, checkURL(key+".slack.url", s.URL.Value(), r.AllowPrivate))
	}
	if a := r.Alertmanager; a != nil {
		errs = append(errs, checkURL(key+".alertmanager.url", a.URL.Value(), r.AllowPrivate))
		check(a.Token == "" || a.Username == "" && a.Password == "", ".alertmanager.token", "stands beside username or password; give one way of authentication")
		check(a.Resend >= time.Second, ".alertmanager.resend", "is %s; give at least 1s", a.Resend)
	}
	if e := r.Email; e != nil {
		errs = append(errs, e.validate(key+".email", r.AllowPrivate))
	}
	return errors.Join(errs...)
}

func (e *Email) validate(key string, plain bool) error {
	var errs []error
	check := func(ok bool, sub, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key+sub, format, args...))
		}
	}
	host, port, err := net.SplitHostPort(e.Server)
	_, portErr := strconv.ParseUint(port, 10, 16)
	check(err == nil && host != "" && portErr == nil, ".server", "is %q; give host:port, such as mail.example.com:587", e.Server)
	check(isAddress(e.From), ".from", "is %q; give an address such as driftline@example.com", e.From)
	check(len(e.To) > 0, ".to", "is empty; give at least one address")
	for i, to := range e.To {
		check(isAddress(to), fmt.Sprintf(".to[%d]", i), "is %q; give an address such as oncall@example.com", to)
	}
	check(slices.Contains([]string{tlsStart, tlsImplicit, tlsNone}, e.TLS), ".tls", "unsupported way %q; supported: starttls, implicit, none", e.TLS)
	check(e.TLS != tlsNone || plain, ".tls", "none sends incidents in the clear; give starttls, or allow_private: true inside your own network")
	check(e.TLS != tlsNone || e.Password == "", ".tls", "none would send the password in the clear; give starttls")
	_, caErr := e.authorities()
	check(caErr == nil, ".ca", "%v", caErr)
	return errors.Join(errs...)
}

func isAddress(s string) bool {
	_, err := mail.ParseAddress(s)
	return err == nil
}

func validName(s string) bool { return s != "" && len(s) <= 64 && strings.Trim(s, nameRunes) == "" }

const nameRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
