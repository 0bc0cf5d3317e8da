package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/driftline/driftline/internal/selfmetrics"
)

// client asks the API of a running service.
type client struct {
	addr, token string
	http        http.Client
}

// clientFlags say which service is asked, and as whom.
func clientFlags(own ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "addr", Usage: "`URL` of the API", Value: "http://127.0.0.1:9470", Sources: cli.EnvVars("DRIFTLINE_API")},
		&cli.StringFlag{Name: "token-file", Usage: "`FILE` with the token (default: the environment variable DRIFTLINE_TOKEN)", TakesFile: true},
		outputFlag(),
	}, own...)
}

func newClient(c *cli.Command) (*client, error) {
	if format := c.String("output"); format != "table" && format != "json" {
		return nil, fmt.Errorf("unsupported output %q; supported: table, json", format)
	}
	addr := c.String("addr")
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	if u, err := url.Parse(addr); err != nil || u.Host == "" {
		return nil, fmt.Errorf("--addr %q is no address; give such as http://127.0.0.1:9470", c.String("addr"))
	}
	token := os.Getenv("DRIFTLINE_TOKEN")
	if file := c.String("token-file"); file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		token = string(b)
	}
	return &client{strings.TrimSuffix(addr, "/") + "/api/v1", strings.TrimSpace(token), http.Client{Timeout: time.Minute}}, nil
}

// do asks, and returns the body of a good answer.
func (k *client) do(ctx context.Context, method, path string, query url.Values, body any) ([]byte, error) {
	at := k.addr + path
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, at, reader)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "driftline/"+selfmetrics.Build().Version)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if k.token != "" {
		r.Header.Set("Authorization", "Bearer "+k.token)
	}
	resp, err := k.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the service: %w; is it running with the role api, and is --addr right?", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var problem struct {
			Title, Detail string
			Errors        []struct{ Message, Location string }
		}
		if json.Unmarshal(text, &problem) != nil || problem.Title == "" {
			return nil, fmt.Errorf("the service answers %s", resp.Status)
		}
		parts := []string{problem.Detail}
		for _, e := range problem.Errors {
			parts = append(parts, strings.TrimSpace(e.Message+" "+e.Location))
		}
		return nil, fmt.Errorf("the service answers %s: %s", resp.Status, strings.Join(parts, "; "))
	}
	return text, nil
}

// fetch asks for a value.
func fetch[T any](ctx context.Context, k *client, method, path string, query url.Values, body any) (v T, err error) {
	text, err := k.do(ctx, method, path, query, body)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return v, nil
}

// listOf is a page of a list.
type listOf[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// fetchAll asks for pages until there are n items, or no more.
func fetchAll[T any](ctx context.Context, k *client, path string, query url.Values, n int) ([]T, error) {
	out := []T{}
	for {
		p, err := fetch[listOf[T]](ctx, k, http.MethodGet, path, query, nil)
		if err != nil {
			return nil, err
		}
		if out = append(out, p.Items...); p.Next == "" || len(out) >= n {
			return out[:min(n, len(out))], nil
		}
		query.Set("cursor", p.Next)
	}
}

// queryOf makes a query of the flags that are set, by their names.
func queryOf(c *cli.Command, names ...string) (url.Values, error) {
	q, now := url.Values{}, time.Now().UTC()
	for _, name := range names {
		text := c.String(name)
		if text == "" {
			continue
		}
		if name == "from" || name == "to" || name == "since" {
			at, err := moment(name, text, now)
			if err != nil {
				return nil, err
			}
			text = at.UTC().Format(time.RFC3339Nano)
		}
		q.Set(name, text)
	}
	return q, nil
}

func timeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "from", Usage: "`TIME` from which on: RFC 3339, a date or an age such as 2h"},
		&cli.StringFlag{Name: "to", Usage: "`TIME` up to which"},
	}
}
