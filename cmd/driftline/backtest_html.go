package main

import (
	"fmt"
	"os"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/internal/backtest/page"
)

// writeHTML writes a page that needs nothing from the network.
func writeHTML(file string, r *backtest.Report) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("create page: %w", err)
	}
	if err := page.Write(f, r); err != nil {
		_ = f.Close()
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write page %s: %w", file, err)
	}
	return nil
}
