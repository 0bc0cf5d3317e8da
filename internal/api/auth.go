package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"
)

// caller is who asks.
type caller struct {
	name   string
	role   Role
	tenant string // empty: all
}

// local is everybody on this machine, where no tokens are configured.
var local = caller{name: "local", role: Admin}

type callerKey struct{}

// from is the caller of a request.
func from(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// tenant that a request is about: the caller's own, or the one that is asked
// for.
func (c caller) of(asked string) (string, error) {
	if c.tenant == "" || asked == "" || asked == c.tenant {
		if c.tenant != "" {
			return c.tenant, nil
		}
		return asked, nil
	}
	return "", huma.Error403Forbidden(fmt.Sprintf("this token is for tenant %q", c.tenant))
}

// sees tells whether what belongs to a tenant may be seen.
func (c caller) sees(tenant string) bool { return c.tenant == "" || c.tenant == tenant }

// guard knows the tokens.
type guard struct {
	callers []caller
	sums    [][sha256.Size]byte
	limit   rate.Limit

	mu    sync.Mutex
	pace  map[string]*rate.Limiter
	local bool // without tokens
}

func newGuard(cfg Config) *guard {
	g := &guard{limit: rate.Limit(cfg.Rate), pace: map[string]*rate.Limiter{}, local: len(cfg.Tokens) == 0}
	for _, t := range cfg.Tokens {
		role := t.Role
		if role == "" {
			role = Viewer
		}
		g.callers = append(g.callers, caller{t.Name, role, t.Tenant})
		g.sums = append(g.sums, sha256.Sum256([]byte(t.Token.Value())))
	}
	return g
}

// recognise the caller of a request: the time it takes does not depend on how
// much of a token is right.
func (g *guard) recognise(r *http.Request) (caller, error) {
	if g.local {
		return local, fromThisMachine(r)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum, found := sha256.Sum256([]byte(strings.TrimSpace(token))), -1
	for i := range g.sums {
		if subtle.ConstantTimeCompare(sum[:], g.sums[i][:]) == 1 {
			found = i
		}
	}
	if found < 0 || !strings.EqualFold(scheme, "Bearer") {
		return caller{}, fmt.Errorf("send a configured token as Authorization: Bearer TOKEN")
	}
	return g.callers[found], nil
}

// fromThisMachine refuses what a web page makes a browser send: requests by
// another name than loopback's, and those of another origin.
func fromThisMachine(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("without tokens the API answers to loopback names only, not to %q; configure api.tokens", host)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return fmt.Errorf("a page of %s may not ask", origin)
		}
	}
	return nil
}

// within tells whether a caller keeps to the pace.
func (g *guard) within(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.pace[name]
	if l == nil {
		l = rate.NewLimiter(g.limit, max(1, int(2*float64(g.limit))))
		g.pace[name] = l
	}
	return l.Allow()
}
