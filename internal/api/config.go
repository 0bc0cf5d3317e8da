package api

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of the section, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of the API.
type Config struct {
	Listen  string        `yaml:"listen"`  // host:port; port 0 picks a free one, empty turns the API off. Any address but loopback needs tokens. Default 127.0.0.1:9470
	Cert    string        `yaml:"cert"`    // PEM file of the certificate; with key, the API speaks TLS
	Key     string        `yaml:"key"`     // PEM file of its key
	Tokens  []Token       `yaml:"tokens"`  // who may ask. Without any, everybody on this machine may do everything
	Rate    float64       `yaml:"rate"`    // requests a second of one token, in bursts of twice as many. Default 50
	Timeout time.Duration `yaml:"timeout"` // of one request. Default 10s
}

// Token lets somebody in.
type Token struct {
	Name   string        `yaml:"name"`   // of its bearer, as audit and actions show it. Required
	Token  config.Secret `yaml:"token"`  // at least 20 characters, sent as Authorization: Bearer TOKEN. Required
	Role   Role          `yaml:"role"`   // viewer reads; operator also acts on incidents, silences and retrainings; admin also reads the audit and the configuration, and reloads it. Default viewer
	Tenant string        `yaml:"tenant"` // the only one that is seen and acted on. Default empty, which means all
}

// Role is what a token may do; each may what the one before may.
type Role string

// The roles, rising.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Roles are all of them, rising.
var Roles = []Role{Viewer, Operator, Admin}

func (r Role) may(needs Role) bool {
	if r == "" {
		r = Viewer
	}
	return slices.Index(Roles, r) >= slices.Index(Roles, needs)
}

// leastToken is how long a token must be: 20 characters of base 32 are 100 bits.
const leastToken = 20

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:9470", Rate: 50, Timeout: 10 * time.Second}
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(c.Listen == "" || len(c.Tokens) > 0 || isLoopback(c.Listen), "tokens", "is empty, and listen is %s, which others reach: give tokens, or a loopback address", c.Listen)
	check((c.Cert == "") == (c.Key == ""), "cert", "cert and key go together")
	check(c.Rate > 0, "rate", "is %v; give requests a second above 0", c.Rate)
	check(c.Timeout > 0, "timeout", "is %s; give a duration such as 10s", c.Timeout)
	names, secrets := map[string]bool{}, map[string]bool{}
	for i, t := range c.Tokens {
		key := fmt.Sprintf("tokens[%d]", i)
		check(t.Name != "", key+".name", "is missing; give the name of who bears it")
		check(len(t.Token.Value()) >= leastToken, key+".token", "has fewer than %d characters; make one with: openssl rand -hex 20", leastToken)
		check(t.Role == "" || slices.Contains(Roles, t.Role), key+".role", "unsupported role %q; supported: viewer, operator, admin", t.Role)
		check(!names[t.Name], key+".name", "name %q is given twice", t.Name)
		check(!secrets[t.Token.Value()], key+".token", "is that of another entry")
		names[t.Name], secrets[t.Token.Value()] = true, true
	}
	return errors.Join(errs...)
}

// isLoopback tells whether only this machine reaches an address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
