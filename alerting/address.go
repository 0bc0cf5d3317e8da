package alerting

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"github.com/driftline/driftline/internal/config"
)

// checkURL tells what is wrong with the address of a receiver, never what it
// is: addresses carry tokens.
func checkURL(key, raw string, plain bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return config.Faultf(key, "is not an address; give one such as https://host/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return config.Faultf(key, "unsupported scheme %q; give https", u.Scheme)
	case u.Scheme == "http" && !plain:
		return config.Faultf(key, "is not encrypted; give https, or allow_private: true inside your own network")
	}
	return nil
}

// private are ranges that lead into one's own network, beyond those that
// netip knows: shared and reserved space, and IPv6 forms that carry an IPv4
// address inside. IANA special-purpose registries, RFC 6890.
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("fec0::/10"),
}

func isPrivate(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return true // unspecified, loopback, link-local, multicast, broadcast; RFC 1918 and fc00::/7
	}
	for _, p := range private {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// refusedError is an address that a receiver may not lead to.
type refusedError struct{ addr netip.Addr }

func (e *refusedError) Error() string {
	return fmt.Sprintf("address %s is not public; set allow_private: true if the receiver is inside your own network", e.addr)
}

// publicOnly is a net.Dialer.Control that refuses addresses inside one's own
// network. It sees the resolved address at the moment of dialling, so a name
// that changes its answer after a check does not get past it.
func publicOnly(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("refuse %s connection to %s", network, address)
	}
	if isPrivate(ap.Addr()) {
		return &refusedError{ap.Addr()}
	}
	return nil
}

// minToken is the shortest part of a path that is taken for a token; shorter
// ones are ordinary words.
const minToken = 12

// addressSecrets are the parts of an address that may be tokens.
func addressSecrets(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil {
		return []string{raw}
	}
	out := []string{u.RawQuery, u.User.String(), u.User.Username()}
	if password, ok := u.User.Password(); ok {
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)) // as the header has it
		out = append(out, password, basic)
	}
	for _, values := range u.Query() {
		out = append(out, values...)
	}
	for part := range strings.SplitSeq(u.EscapedPath(), "/") {
		if len(part) >= minToken {
			out = append(out, part)
		}
	}
	return out
}
