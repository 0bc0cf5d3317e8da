package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/schemas"
)

// happening is something that the pipeline said; one of its fields is set.
type happening struct {
	evaluation   *schemas.Evaluation
	incident     *schemas.Incident
	notification *schemas.Notification
	retraining   *schemas.Retraining
}

// watch reads the pipeline's own topics as any outsider may, and hands on what
// they say until ctx ends.
func watch(ctx context.Context, a *app.App, out chan<- happening) error {
	topics := a.Config().Kafka.Topics
	cl, err := a.Config().Kafka.Dial(
		kgo.ConsumeTopics(topics.Signals, topics.Incidents),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		for _, r := range fetches.Records() {
			h, err := read(r, topics.Signals)
			if err != nil {
				return err
			}
			select {
			case out <- h:
			case <-ctx.Done():
			}
		}
	}
	return nil
}

func read(r *kgo.Record, signals string) (h happening, err error) {
	if r.Topic == signals {
		h.evaluation = new(schemas.Evaluation)
		err = json.Unmarshal(r.Value, h.evaluation)
	} else {
		h.incident = new(schemas.Incident)
		err = json.Unmarshal(r.Value, h.incident)
	}
	if err != nil {
		return h, fmt.Errorf("read record of %s: %w", r.Topic, err)
	}
	return h, nil
}

// journalEvery is how often the journal of notifications is read.
const journalEvery = 400 * time.Millisecond

// journal hands on the outcomes of notifications until ctx ends. It tells each
// many times; the ledger knows which are new.
func journal(ctx context.Context, a *app.App, out chan<- happening) error {
	every := time.NewTicker(journalEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		found, err := outcomes(ctx, a)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for i := range found {
			select {
			case out <- happening{notification: &found[i]}:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func outcomes(ctx context.Context, a *app.App) (out []schemas.Notification, err error) {
	rows, err := a.DB().Conn().Query(ctx, `SELECT timestamp, incident_id, revision, receiver, kind, action, key, attempt, status, http_status, duration_ms, error
		FROM notifications WHERE status NOT IN ('pending', 'queued') ORDER BY timestamp, receiver`)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n schemas.Notification
		var status string
		var code int32
		if err := rows.Scan(&n.Time, &n.IncidentID, &n.Revision, &n.Receiver, &n.Kind, &n.Action, &n.Key, &n.Attempt, &status, &code, &n.DurationMS, &n.Error); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		n.Status, n.HTTPStatus = schemas.NotificationStatus(status), int(code)
		out = append(out, n)
	}
	return out, rows.Err()
}
