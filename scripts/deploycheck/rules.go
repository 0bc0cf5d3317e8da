package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// rules parses the alert rules, and holds the names of metrics in them against
// those that Driftline documents. What they say when is tested by promtool, where
// there is one: scripts/deploy-check.sh.
func (c checker) rules() error {
	groups, errs := rulefmt.ParseFile(c.path("prometheus", "driftline.rules.yaml"), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	page, err := os.ReadFile(filepath.Join("docs", "metrics.md"))
	if err != nil {
		return err
	}
	documented := map[string]bool{"up": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllSubmatch(page, -1) {
		documented[string(m[1])] = true
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
			if err != nil {
				return fmt.Errorf("%s: %w", r.Alert, err)
			}
			var unknown error
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				if v, ok := n.(*parser.VectorSelector); ok && !documented[v.Name] {
					unknown = fmt.Errorf("%s asks for the metric %s, which docs/metrics.md does not have", r.Alert, v.Name)
				}
				return nil
			})
			if unknown != nil {
				return unknown
			}
		}
	}
	return nil
}
