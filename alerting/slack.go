package alerting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/driftline/driftline/schemas"
)

// Limits of Block Kit, in characters and elements.
const (
	maxSlackBlocks  = 50
	maxSlackHeader  = 150
	maxSlackSection = 3000
	maxSlackFields  = 10
	maxSlackField   = 2000
	maxSlackButtons = 5
	maxSlackURL     = 3000
	maxSlackText    = 4000 // of the fallback
)

// slack speaks to an incoming webhook. It knows no key: a message whose answer
// was lost is there twice, with the same incident and revision in its footer.
type slack struct {
	*caller
	cfg  Slack
	link link
}

type slackMessage struct {
	Text   string       `json:"text"` // shown in notifications
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Fields   []slackText `json:"fields,omitempty"`
	Elements []any       `json:"elements,omitempty"` // slackText in a context, slackButton in actions
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackButton struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
	URL  string    `json:"url"`
}

func (s *slack) kind() string                        { return "slack" }
func (s *slack) action(inc *schemas.Incident) string { return action(inc) }
func (s *slack) key(inc *schemas.Incident) string    { return incidentKey(inc) }
func (s *slack) digests() bool                       { return true }
func (s *slack) secrets() []string                   { return addressSecrets(s.cfg.URL.Value()) }

func (s *slack) post(ctx context.Context, told []Told, _ time.Time) (answer, error) {
	return s.call(ctx, func() (*http.Request, error) {
		body, err := json.Marshal(s.message(told))
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL.Value(), bytes.NewReader(body))
		if err != nil {
			return nil, withoutURL(err)
		}
		return req, nil
	}, func(text string) error {
		if text != "ok" && text != "" {
			return errors.New(`the answer is not "ok", so it is not Slack's`)
		}
		return nil
	})
}

// message shows one incident in full, and of several the first ones in short.
func (s *slack) message(told []Told) slackMessage {
	m := slackMessage{Text: cut(escaped(headline(told)), maxSlackText), Blocks: []slackBlock{
		{Type: "header", Text: &slackText{"plain_text", shorten(headline(told), maxSlackHeader)}},
	}}
	if len(told) == 1 {
		m.Blocks = append(m.Blocks, s.full(&told[0])...)
		return m
	}
	const each = 2 // blocks of an incident
	for i := range told {
		if len(m.Blocks)+each > maxSlackBlocks-1 {
			m.Blocks = append(m.Blocks, contextBlock(fmt.Sprintf("… and %d more incidents", len(told)-i)))
			break
		}
		m.Blocks = append(m.Blocks, s.short(&told[i])...)
	}
	return m
}

func (s *slack) full(t *Told) []slackBlock {
	var out []slackBlock
	var fields []slackText
	for _, f := range facts(t)[:min(len(facts(t)), maxSlackFields)] {
		fields = append(fields, slackText{"mrkdwn", shorten("*"+f[0]+"*\n"+escaped(f[1]), maxSlackField)})
	}
	out = append(out, slackBlock{Type: "section", Fields: fields})
	for _, p := range parts(t) {
		out = append(out, sectionBlock("*"+p.title+"*\n"+escaped(strings.Join(p.lines, "\n"))))
	}
	if buttons := s.buttons(t); len(buttons) > 0 {
		out = append(out, slackBlock{Type: "actions", Elements: buttons})
	}
	return append(out, contextBlock(footer(t)))
}

func (s *slack) short(t *Told) []slackBlock {
	text := "*" + escaped(stateWord(&t.Incident)+" "+t.Title) + "*"
	if c := likeliest(&t.Incident); c != nil {
		text += fmt.Sprintf("\nLikely cause: %s (confidence %.0f %%)", escaped(c.Title), 100*c.Confidence)
	}
	if t.Diagnosis != nil && t.Diagnosis.Advice != "" {
		text += "\n" + escaped(t.Diagnosis.Advice)
	}
	if link := s.link.to(t.ID); link != "" {
		text += "\n<" + escaped(link) + "|Incident in Driftline>"
	}
	return []slackBlock{sectionBlock(text), contextBlock(footer(t))}
}

func (s *slack) buttons(t *Told) []any {
	var out []any
	for _, b := range [][2]string{{"Incident", s.link.to(t.ID)}, {"Runbook", t.Runbook}} {
		if b[1] != "" && len(b[1]) <= maxSlackURL && len(out) < maxSlackButtons {
			out = append(out, slackButton{"button", slackText{"plain_text", b[0]}, b[1]})
		}
	}
	return out
}

// footer identifies what is told, so that a repeated message is known as one.
func footer(t *Told) string {
	return fmt.Sprintf("%s revision %d, Driftline", escaped(t.ID), t.Revision)
}

func sectionBlock(text string) slackBlock {
	return slackBlock{Type: "section", Text: &slackText{"mrkdwn", shorten(text, maxSlackSection)}}
}

func contextBlock(text string) slackBlock {
	return slackBlock{Type: "context", Elements: []any{slackText{"mrkdwn", shorten(text, maxSlackField)}}}
}

// escaped keeps a text from being read as a mention or a link.
func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// shorten a text to at most n characters, without cutting an escape in two.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	short := string([]rune(s)[:n-1])
	if i := strings.LastIndexByte(short, '&'); i >= 0 && !strings.Contains(short[i:], ";") {
		short = short[:i]
	}
	return short + "…"
}
