package alerting

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// postOffice is a mail server that asks for encryption and authentication and
// refuses what its script says, one line an attempt.
type postOffice struct {
	sync.Mutex
	script   []string // answers to MAIL FROM, first to last; "" hangs up
	plain    bool     // offers no STARTTLS
	implicit bool     // TLS from the start
	mails    []string
	seen     []string // commands, after decryption
	tls      *tls.Config
	addr     string
	ca       string
}

func open(t *testing.T, p *postOffice) *postOffice {
	t.Helper()
	certs := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(certs.Close)
	p.tls = &tls.Config{Certificates: certs.TLS.Certificates, MinVersion: tls.VersionTLS12}
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certs.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return p
}

func (p *postOffice) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	secure := p.implicit
	if p.implicit {
		c = tls.Server(c, p.tls)
	}
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", args...) }
	say("220 post.test ESMTP")
	authorised := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		p.Lock()
		p.seen = append(p.seen, line)
		p.Unlock()
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "EHLO":
			say("250-post.test")
			if !secure && !p.plain {
				say("250-STARTTLS")
			}
			if secure {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, p.tls)
			r, secure = bufio.NewReader(c), true
		case "AUTH":
			want := base64.StdEncoding.EncodeToString([]byte("\x00user\x00" + mailPassword))
			if !strings.HasSuffix(line, want) {
				say("535 5.7.8 no: %s", line) // echoes what it was sent
				continue
			}
			authorised = true
			say("235 ok")
		case "MAIL":
			if answer, ok := p.next(); ok {
				if answer == "" {
					return
				}
				say("%s", answer)
				continue
			}
			if !authorised && !p.plain {
				say("530 5.7.0 authentication required")
				continue
			}
			say("250 ok")
		case "RCPT", "NOOP", "RSET":
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			p.Lock()
			p.mails = append(p.mails, text.String())
			p.Unlock()
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 unknown")
		}
	}
}

func (p *postOffice) next() (string, bool) {
	p.Lock()
	defer p.Unlock()
	if len(p.script) == 0 {
		return "", false
	}
	s := p.script[0]
	p.script = p.script[1:]
	return s, true
}

func (p *postOffice) got() []string {
	p.Lock()
	defer p.Unlock()
	return slices.Clone(p.mails)
}

const mailPassword = "mail-pass-8f7e6d"

func mailTo(p *postOffice) Receiver {
	var r Receiver
	r.SetDefaults()
	r.Name, r.AllowPrivate = "mail-a", true
	r.Email = &Email{}
	r.Email.SetDefaults()
	e := r.Email
	e.Server, e.From, e.To, e.CA = p.addr, "Driftline <driftline@example.com>", []string{"oncall@example.com", "owner@example.com"}, p.ca
	e.Username, e.Password = "user", mailPassword
	return r
}

func TestMail(t *testing.T) {
	for name, p := range map[string]*postOffice{"starttls": {}, "implicit": {implicit: true}} {
		p = open(t, p)
		to := mailTo(p)
		to.Email.TLS = name
		r := newRig(t, nil, to)
		r.notify(t, diagnosed())
		equal(t, name+": journal", r.journal.of("mail-a"), "pending delivered")
		if len(p.got()) != 1 {
			t.Fatalf("%s: %d mails; %v", name, len(p.got()), p.seen)
		}
		m, err := mail.ReadMessage(strings.NewReader(p.got()[0]))
		if err != nil {
			t.Fatal(err)
		}
		for header, want := range map[string]string{
			"Subject": "[ERROR] credit: drift in income since 2026-03-01T14:05:00Z (ks 0.41)", "To": "<oncall@example.com>, <owner@example.com>",
			"Auto-Submitted": "auto-generated",
		} {
			equal(t, name+": "+header, m.Header.Get(header), want)
		}
		if id := m.Header.Get("Message-Id"); !strings.HasSuffix(id, "@driftline.invalid>") {
			t.Errorf("message id %q", id)
		}
		var text strings.Builder
		if _, err := bufio.NewReader(quotedprintable.NewReader(m.Body)).WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		goldenText(t, "email.txt", strings.ReplaceAll(text.String(), "\r\n", "\n"))
	}
}

// A mail whose answer was lost comes again with the same message id.
func TestMailIsTriedAgainWithTheSameID(t *testing.T) {
	p := open(t, &postOffice{script: []string{"451 4.3.0 try later", "", "421 4.3.2 closing"}})
	r := newRig(t, nil, mailTo(p))
	r.notify(t, incident())
	equal(t, "journal", r.journal.of("mail-a"), "pending failed pending failed pending failed pending delivered")
	r.again(t, mailTo(p)).notify(t, incident())
	equal(t, "mails", len(p.got()), 1)
	other := newRig(t, nil, mailTo(p)) // a journal that was lost
	other.notify(t, incident())
	ids := map[string]bool{}
	for _, text := range p.got() {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids[m.Header.Get("Message-Id")] = true
	}
	equal(t, "message ids of two mails", len(ids), 1)
}

func TestMailRefusedForGoodIsDropped(t *testing.T) {
	p := open(t, &postOffice{script: []string{"550 5.7.1 no such sender"}})
	r := newRig(t, nil, mailTo(p))
	r.notify(t, incident())
	equal(t, "journal", r.journal.of("mail-a"), "pending dropped")
	if n := r.journal.last(); n.HTTPStatus != 550 || !strings.Contains(n.Error, "no such sender") {
		t.Errorf("journal row %+v", n)
	}
}

// A server that offers no encryption, perhaps since somebody stands between,
// gets neither the password nor the mail.
func TestMailIsNeverSentInTheClearUnasked(t *testing.T) {
	p := open(t, &postOffice{plain: true})
	to := mailTo(p)
	to.MaxElapsed, to.Timeout = 500*time.Millisecond, 500*time.Millisecond
	r := newRig(t, nil, to)
	r.notify(t, incident())
	equal(t, "mails", len(p.got()), 0)
	for _, line := range p.seen {
		if strings.HasPrefix(line, "AUTH") || strings.HasPrefix(line, "MAIL") {
			t.Errorf("sent %q in the clear", line)
		}
	}
	to.Email.TLS, to.Email.Username, to.Email.Password = tlsNone, "", ""
	to.MaxElapsed, to.Timeout = time.Minute, 10*time.Second
	newRig(t, nil, to).notify(t, incident())
	equal(t, "mails when asked for", len(p.got()), 1)
}

// The server's certificate is verified.
func TestMailServerMustProveItself(t *testing.T) {
	p := open(t, &postOffice{})
	to := mailTo(p)
	to.Email.CA, to.MaxElapsed, to.Timeout = "", 500*time.Millisecond, 500*time.Millisecond
	r := newRig(t, nil, to)
	r.notify(t, incident())
	equal(t, "mails", len(p.got()), 0)
	if e := r.journal.last().Error; !strings.Contains(e, "certificate") {
		t.Errorf("reason %q", e)
	}
}

func TestMailPasswordDoesNotShow(t *testing.T) {
	p := open(t, &postOffice{})
	to := mailTo(p)
	to.Email.Password = mailPassword + "-wrong"
	to.MaxElapsed, to.Timeout = 500*time.Millisecond, 500*time.Millisecond
	r := newRig(t, nil, to)
	r.notify(t, incident())
	shown := r.log.String()
	for _, n := range r.journal.rows {
		shown += n.Error
	}
	basic := base64.StdEncoding.EncodeToString([]byte("\x00user\x00" + mailPassword + "-wrong"))
	if strings.Contains(shown, mailPassword) || strings.Contains(shown, basic) {
		t.Errorf("the password shows in\n%s", shown)
	}
	equal(t, "status", r.journal.last().Status, schemas.NotificationDropped)
}

func TestMailGuardsItsAddress(t *testing.T) {
	p := open(t, &postOffice{})
	to := mailTo(p)
	to.AllowPrivate = false
	r := newRig(t, nil, to)
	r.notify(t, incident())
	equal(t, "commands", len(p.seen), 0)
	equal(t, "journal", r.journal.of("mail-a"), "pending dropped")
	if e := r.journal.last().Error; !strings.Contains(e, "127.0.0.1 is not public") {
		t.Errorf("reason %q", e)
	}
}
