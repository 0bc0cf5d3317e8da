package alerting

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/wneessen/go-mail"

	"github.com/driftline/driftline/schemas"
)

// Limits of a mail.
const (
	maxSubject  = 200 // bytes
	maxMailText = 200_000
)

// mailer sends mail by SMTP. The message id is made of what is told, so that a
// mail whose answer was lost is known as the same one.
type mailer struct {
	cfg     Email
	link    link
	timeout time.Duration
	dial    func(context.Context, string, string) (net.Conn, error)
	roots   *x509.CertPool // nil: the system's
}

func newMailer(cfg Receiver, link link, dial func(context.Context, string, string) (net.Conn, error)) *mailer {
	m := &mailer{cfg: *cfg.Email, link: link, timeout: cfg.Timeout, dial: dial}
	if m.dial == nil {
		m.dial = newDialer(cfg).DialContext
	}
	m.roots, _ = m.cfg.authorities() // checked by Validate
	return m
}

// authorities that the server's certificate may be signed by; nil for the
// system's.
func (e *Email) authorities() (*x509.CertPool, error) {
	if e.CA == "" {
		return nil, nil //nolint:nilnil // the library's way to say: the system's
	}
	pem, err := os.ReadFile(e.CA)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", e.CA)
	}
	return pool, nil
}

func (m *mailer) kind() string                        { return "email" }
func (m *mailer) action(inc *schemas.Incident) string { return action(inc) }
func (m *mailer) key(inc *schemas.Incident) string    { return incidentKey(inc) }
func (m *mailer) digests() bool                       { return true }

// secrets are the password, and what authentication makes of it.
func (m *mailer) secrets() []string {
	user, password := m.cfg.Username, m.cfg.Password.Value()
	return []string{
		password, base64.StdEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)),
	}
}

func (m *mailer) post(ctx context.Context, told []Told, now time.Time) (answer, error) {
	msg, err := m.message(told, now)
	if err != nil {
		return answer{}, backoff.Permanent(fmt.Errorf("encode notification: %w", err))
	}
	var conn net.Conn
	client, err := m.client(func(ctx context.Context, network, addr string) (net.Conn, error) {
		var err error
		conn, err = m.dial(ctx, network, addr)
		return conn, err
	})
	if err != nil {
		return answer{}, backoff.Permanent(fmt.Errorf("set up mail: %w", err))
	}
	defer func() {
		if conn != nil {
			_ = conn.Close() // the library leaves it open where it fails half-way
		}
	}()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return judgeMail(ctx, err)
	}
	return answer{status: 250, text: "accepted by " + m.cfg.Server}, nil
}

// judgeMail tells refusals for good (5xx) from what may pass.
func judgeMail(ctx context.Context, err error) (answer, error) {
	var got answer
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return got, backoff.Permanent(refused)
	}
	if send := (*mail.SendError)(nil); errors.As(err, &send) {
		got.status = send.ErrorCode()
	}
	if reply := (*textproto.Error)(nil); got.status == 0 && errors.As(err, &reply) {
		got.status = reply.Code
	}
	err = fmt.Errorf("mail server: %w", err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return got, errStopped
	case got.status >= 500:
		return got, backoff.Permanent(err)
	}
	return got, err
}

func (m *mailer) client(dial mail.DialContextFunc) (*mail.Client, error) {
	host, port, _ := net.SplitHostPort(m.cfg.Server) // checked by Validate
	n, _ := strconv.Atoi(port)
	opts := []mail.Option{
		mail.WithPort(n), mail.WithTimeout(m.timeout), mail.WithHELO("driftline.invalid"), mail.WithoutNoop(),
		mail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}),
	}
	auth, plain := mail.SMTPAuthAutoDiscover, dial
	switch m.cfg.TLS {
	case tlsImplicit:
		auth = mail.SMTPAuthPlain // the library does not see the encryption that it did not make, and so discovers nothing
		config := &tls.Config{ServerName: host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
		opts = append(opts, mail.WithSSL())
		dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := plain(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, config), nil
		}
	case tlsNone:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.cfg.Username != "" {
		opts = append(opts, mail.WithUsername(m.cfg.Username), mail.WithPassword(m.cfg.Password.Value()), mail.WithSMTPAuth(auth))
	}
	return mail.NewClient(host, append(opts, mail.WithDialContextFunc(dial))...)
}

func (m *mailer) message(told []Told, now time.Time) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.cfg.From), msg.To(m.cfg.To...)); err != nil {
		return nil, err
	}
	keys := make([]string, len(told))
	for i := range told {
		keys[i] = incidentKey(&told[i].Incident)
	}
	sum := sha256.Sum256([]byte(strings.Join(keys, " ")))
	msg.SetMessageIDWithValue(fmt.Sprintf("%x@driftline.invalid", sum[:16]))
	msg.SetDateWithValue(now)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.Subject(cut(strings.Join(strings.Fields(headline(told)), " "), maxSubject))
	var text strings.Builder
	for i := range told {
		m.write(&text, &told[i])
	}
	msg.SetBodyString(mail.TypeTextPlain, cut(text.String(), maxMailText))
	return msg, nil
}

// write one incident as plain text.
func (m *mailer) write(w *strings.Builder, t *Told) {
	fmt.Fprintf(w, "%s %s\n\n", stateWord(&t.Incident), t.Title)
	for _, f := range facts(t) {
		fmt.Fprintf(w, "%-9s %s\n", f[0]+":", f[1])
	}
	for _, p := range parts(t) {
		fmt.Fprintf(w, "\n%s\n", p.title)
		for _, line := range p.lines {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	w.WriteString("\n")
	for _, l := range [][2]string{{"Incident", m.link.to(t.ID)}, {"Runbook", t.Runbook}} {
		if l[1] != "" {
			fmt.Fprintf(w, "%s: %s\n", l[0], l[1])
		}
	}
	fmt.Fprintf(w, "%s revision %d\n\n", t.ID, t.Revision)
}
