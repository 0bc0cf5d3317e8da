package app

import (
	"errors"

	"github.com/driftline/driftline/internal/selfmetrics"
)

// startAdmin serves metrics and health from the first moment: a start that
// takes long shows as not ready, with the reason.
func (a *App) startAdmin() error {
	admin, err := selfmetrics.Serve(a.cfg.Admin, a.set, a.log)
	if err != nil {
		return err
	}
	a.admin = admin
	a.onStop("admin listener", func() { _ = admin.Close() })
	admin.Ready.Register("start", func() error { return errors.New("starting") })
	return nil
}
