package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/schemas"
)

// retrainPath is where the demo's training pipeline listens.
const retrainPath = "/retrain"

// retrainEvery is how often retrainings and their incidents are read.
const retrainEvery = time.Second

// receiverRetrain is its name in the configuration.
const receiverRetrain = "pipeline"

// mended are the faults that training again mends: other people ask, or want
// something else. The rest are inputs that arrive broken.
var mended = []string{mustTrain, "category", "concept"}

// mustTrain is the one that lasts, and whose model gets labels soon enough.
const mustTrain = "shift"

// Retraining is what was decided about training a model again because of an
// incident.
type Retraining struct {
	Incident string                  `json:"incident"`
	Model    string                  `json:"model"`
	State    schemas.RetrainingState `json:"state"`
	Reason   string                  `json:"reason"`
	Detail   string                  `json:"detail"`
	Cause    schemas.CauseKind       `json:"cause"`   // of the incident's diagnosis; empty without one
	Rows     uint64                  `json:"rows"`    // labelled rows of its data set
	Dataset  string                  `json:"dataset"` // URI
	Runs     int                     `json:"runs"`    // that the pipeline began
	Wrong    string                  `json:"wrong"`   // what should not be; empty when all is well
}

// retraining checks a trigger: its signature, and that its data set is there.
func (r *receivers) retraining(header http.Header, body []byte) (receipt, error) {
	if err := r.verifier.Verify(body, header); err != nil {
		return receipt{}, fmt.Errorf("verify signature: %w", err)
	}
	var e struct {
		Data struct {
			Incident string `json:"incident"`
			Dataset  string `json:"dataset_uri"`
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return receipt{}, fmt.Errorf("read body: %w", err)
	}
	path, local := strings.CutPrefix(e.Data.Dataset, "file://")
	if _, err := os.Stat(path); !local || err != nil {
		return receipt{}, errors.New("the data set is not there")
	}
	r.got.Lock()
	defer r.got.Unlock()
	r.got.runs[e.Data.Incident]++
	return receipt{incident: e.Data.Incident, action: "retrain"}, nil
}

// runs that the pipeline began because of an incident.
func (r *receivers) runs(incident string) int {
	r.got.Lock()
	defer r.got.Unlock()
	return r.got.runs[incident]
}

// retrainings hands on how retrainings stand until ctx ends.
func retrainings(ctx context.Context, a *app.App, out chan<- happening) error {
	every := time.NewTicker(retrainEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		rows, err := a.DB().Retrainings(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for i := range rows {
			select {
			case out <- happening{retraining: &rows[i]}:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// retraining enters how one stands; known tells whether that is nothing new.
func (l *ledger) retraining(r *schemas.Retraining) (known bool) {
	was, there := l.retrainings[r.IncidentID]
	l.retrainings[r.IncidentID] = *r
	return there && was.State == r.State && was.Reason == r.Reason
}

// undecided tells whether some retraining is still on its way to its pipeline,
// or may yet be decided for.
func (l *ledger) undecided() bool {
	for id, r := range l.retrainings {
		onItsWay := r.State == schemas.RetrainingExporting || r.State == schemas.RetrainingSending
		if onItsWay || r.DecidedAt == nil && l.incidents[id] != nil && l.explainedBy(id, mustTrain) {
			return true
		}
	}
	return false
}

// judged are all retrainings, in the order of their incidents, with what is
// wrong about them: a run for a fault that training does not mend, more than
// one run, or none for the fault that it would mend.
func (l *ledger) judged(runs func(incident string) int) []Retraining {
	out := []Retraining{}
	for _, id := range l.order {
		r, there := l.retrainings[id]
		if !there {
			continue
		}
		j := Retraining{Incident: id, Model: r.Model, State: r.State, Reason: r.Reason, Detail: r.Detail, Cause: r.Cause, Rows: r.Rows, Dataset: r.Dataset, Runs: runs(id)}
		switch {
		case j.Runs > 1:
			j.Wrong = fmt.Sprintf("%d runs", j.Runs)
		case j.Runs > 0 && !l.explainedBy(id, mended...):
			j.Wrong = "a run although inputs are broken"
		case j.Runs == 0 && l.explainedBy(id, mustTrain):
			j.Wrong = "no run although the population moved"
		}
		out = append(out, j)
	}
	return out
}

// explainedBy tells whether one of some faults explains an incident.
func (l *ledger) explainedBy(id string, faults ...string) bool {
	i := l.incidents[id]
	span := schemas.Span{Start: i.Onset, End: i.Onset.Add(window)}
	return slices.ContainsFunc(i.Features, func(f string) bool {
		in := l.fault(i.Model, f, span)
		return in != nil && slices.Contains(faults, in.Name)
	})
}

func (s *screen) retraining(wall time.Duration, r *schemas.Retraining) {
	c := dim
	if r.State.InFlight() {
		c = cyan
	}
	s.line(wall, time.Time{}, c, "retrain", r.Model, fmt.Sprintf("%s: %s", r.State, r.Detail))
}

// retrainings prints what was decided about training again.
func (s *screen) retrainings(r *Report) {
	for i := range r.Retrainings {
		j := &r.Retrainings[i]
		text := fmt.Sprintf("%s %s (%s), %d runs", j.Model, j.State, j.Reason, j.Runs)
		if j.Runs > 0 {
			text += fmt.Sprintf(", %d labelled rows", j.Rows)
		}
		if j.Wrong != "" {
			text += ": " + s.paint(red, j.Wrong)
		}
		fmt.Fprintf(s.out, "retraining  %s\n", text)
	}
}
