package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

//go:embed backtest.html
var backtestPage string

var backtestTemplate = template.Must(template.New("backtest").Funcs(template.FuncMap{
	"stamp": stamp, "figure": figure, "withError": withError, "signed": signed, "band": band, "feature": featureName,
	"alarm": func(s schemas.Signal) bool { return s.State == schemas.StateAlarm },
}).Parse(backtestPage))

// writeHTML writes a page that needs nothing from the network.
func writeHTML(file string, r *backtest.Report) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("create page: %w", err)
	}
	if err := backtestTemplate.Execute(f, r); err != nil {
		_ = f.Close()
		return fmt.Errorf("write page %s: %w", file, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write page %s: %w", file, err)
	}
	return nil
}
