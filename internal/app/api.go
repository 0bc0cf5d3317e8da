package app

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/api"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/selfmetrics"
	"github.com/driftline/driftline/schemas"
)

// startAPI: questions and deeds over HTTP.
func (a *App) startAPI(_, run context.Context) error {
	if a.cfg.API.Listen == "" {
		a.log.Info("the API is off: api.listen is empty")
		return nil
	}
	topics := a.cfg.Kafka.Topics
	client, err := a.cfg.Kafka.Dial(kgo.ConsumeTopics(topics.Signals, topics.Incidents), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		return err
	}
	a.onStop("live stream", client.Close)
	live := api.NewLive(client, topics.Signals, a.set)
	a.background(run, "live stream", live.Run)
	var models []schemas.ModelKey
	for i := range a.cfg.Models {
		models = append(models, a.cfg.Models[i].Key())
	}
	s, err := api.Listen(a.cfg.API, api.Options{
		DB: a.db, Audit: a.audit, Live: live, Models: models, Graph: a.Graph, Add: alerting.NewSilence, Expire: alerting.Expire, Reload: a.reload, Version: selfmetrics.Build().Version,
		Config: func() (string, error) { return configText(a.cfg) }, Log: a.log.With("role", API), Metrics: a.set,
	})
	if err != nil {
		return err
	}
	a.api = s
	a.onStop("API", s.Close)
	a.log.Info("API", "address", s.Addr())
	return nil
}

// APIAddr is where the API answers, empty when it is off.
func (a *App) APIAddr() string {
	if a.api == nil {
		return ""
	}
	return a.api.Addr()
}

// configText is a configuration as YAML, without secrets.
func configText(cfg Config) (string, error) {
	var b strings.Builder
	err := config.Dump(&b, cfg)
	return b.String(), err
}
