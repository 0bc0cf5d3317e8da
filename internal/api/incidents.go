package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/driftline/driftline/internal/audit"
	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
)

// incidentPlace in the list, as a cursor.
type incidentPlace struct {
	Onset int64
	ID    string
}

// IncidentPath names an incident.
type IncidentPath struct {
	ID string `path:"id" maxLength:"100" doc:"of the incident"`
}

// Moment is one line of what happened with an incident.
type Moment struct {
	Time time.Time `json:"timestamp"`
	What string    `json:"what"` // opened, cause, action, told, retraining, change or resolved
	Who  string    `json:"who"`  // empty: Driftline
	Text string    `json:"text"`
}

// Export of an incident: all that is known of it.
type Export struct {
	Incident    schemas.Incident `json:"incident"`
	Merged      []string         `json:"merged"`   // ids of the incidents of the same cause that this one stands for
	Timeline    []Moment         `json:"timeline"` // oldest first
	BlastRadius []string         `json:"blast_radius"`
}

// Deed is what a caller wants to do about an incident.
type Deed struct {
	Kind    schemas.ActionKind `json:"kind" enum:"acknowledge,unacknowledge,mute,unmute,comment,confirm,wrong_cause,false_positive"`
	Comment string             `json:"comment,omitempty" maxLength:"4000" doc:"required for comment, mute and the judgements"`
	Until   *time.Time         `json:"until,omitempty" doc:"of a mute: when it ends, at most 30 days ahead; four hours from now when left out"`
}

func (s *Server) incidents(api huma.API) {
	huma.Register(api, op(http.MethodGet, "/incidents", "list-incidents", "Incidents, newest onset first", Viewer, http.StatusUnprocessableEntity), s.listIncidents)
	huma.Register(api, op(http.MethodGet, "/incidents/{id}", "get-incident", "One incident with its causes and actions", Viewer, http.StatusNotFound),
		func(ctx context.Context, in *IncidentPath) (*Body[schemas.Incident], error) {
			inc, err := s.incident(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return answer(*inc), nil
		})
	huma.Register(api, op(http.MethodGet, "/incidents/{id}/export", "export-incident", "All that is known of an incident, with its timeline", Viewer, http.StatusNotFound),
		func(ctx context.Context, in *IncidentPath) (*Body[Export], error) {
			out, err := s.export(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return answer(*out), nil
		})
	markdown := op(http.MethodGet, "/incidents/{id}/export.md", "export-incident-markdown", "The same as Markdown, for a ticket or a review", Viewer, http.StatusNotFound)
	markdown.Responses = map[string]*huma.Response{"200": {Description: "Markdown", Content: map[string]*huma.MediaType{"text/markdown": {Schema: &huma.Schema{Type: "string"}}}}}
	huma.Register(api, markdown, func(ctx context.Context, in *IncidentPath) (*struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}, error,
	) {
		x, err := s.export(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &struct {
			ContentType string `header:"Content-Type"`
			Body        []byte
		}{"text/markdown; charset=utf-8", []byte(x.Markdown())}, nil
	})
	act := op(http.MethodPost, "/incidents/{id}/actions", "act-on-incident", "Acknowledge, mute, comment or judge an incident", Operator, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity)
	act.DefaultStatus = http.StatusCreated
	huma.Register(api, act, func(ctx context.Context, in *struct {
		IncidentPath
		Body Deed
	},
	) (*Body[schemas.Action], error) {
		inc, err := s.incident(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		a, err := in.Body.action(inc, from(ctx).name, time.Now().UTC().Truncate(time.Millisecond))
		if err != nil {
			return nil, err
		}
		if err := s.note(ctx, a.Tenant, "incident."+string(a.Kind), "incident/"+a.IncidentID, a); err != nil {
			return nil, err
		}
		if err := s.DB.PutAction(ctx, a); err != nil {
			return nil, s.failed("storing the action", err)
		}
		return answer(a), nil
	})
}

func (s *Server) listIncidents(ctx context.Context, in *struct {
	From   time.Time `query:"from" doc:"of the onset; any when left out"`
	To     time.Time `query:"to" doc:"of the onset, exclusive; any when left out"`
	Tenant string    `query:"tenant" maxLength:"200"`
	Model  string    `query:"model" maxLength:"200"`
	State  []string  `query:"state" enum:"open,acknowledged,resolved" maxItems:"3"`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor string    `query:"cursor" maxLength:"1000"`
},
) (*Body[Page[schemas.Incident]], error) {
	tenant, err := from(ctx).of(in.Tenant)
	if err != nil {
		return nil, err
	}
	after, err := decode[incidentPlace](in.Cursor)
	if err != nil {
		return nil, err
	}
	f := store.IncidentFilter{Tenant: tenant, Model: in.Model, From: in.From, To: in.To, Limit: in.Limit + 1}
	for _, state := range in.State {
		f.States = append(f.States, schemas.IncidentState(state))
	}
	if after != nil {
		f.After = &schemas.Incident{Onset: time.UnixMilli(after.Onset), ID: after.ID}
	}
	found, err := s.DB.FindIncidents(ctx, f)
	if err != nil {
		return nil, s.failed("reading incidents", err)
	}
	page := Page[schemas.Incident]{Items: list(found)}
	if len(found) > in.Limit {
		page.Items = found[:in.Limit]
		last := &page.Items[in.Limit-1]
		page.Next = encode(incidentPlace{last.Onset.UnixMilli(), last.ID})
	}
	return answer(page), nil
}

// incident that the caller may see. One of another tenant is not there.
func (s *Server) incident(ctx context.Context, id string) (*schemas.Incident, error) {
	inc, err := s.DB.FindIncident(ctx, from(ctx).tenant, id)
	switch {
	case err != nil:
		return nil, s.failed("reading the incident", err)
	case inc == nil || !from(ctx).sees(inc.Tenant):
		return nil, huma.Error404NotFound("there is no incident " + id)
	}
	return inc, nil
}

// Mutes without an end last defaultMute, and none longer than longestMute.
const (
	defaultMute = 4 * time.Hour
	longestMute = 30 * 24 * time.Hour
)

// action that a deed is, if it makes sense.
func (d *Deed) action(inc *schemas.Incident, author string, now time.Time) (schemas.Action, error) {
	a := schemas.Action{
		ID: "act-" + strings.ToLower(rand.Text()[:16]), Time: now, Tenant: inc.Tenant, Model: inc.Model, IncidentID: inc.ID,
		Kind: d.Kind, Author: author, Comment: strings.TrimSpace(d.Comment),
	}
	open := inc.State != schemas.IncidentResolved
	switch d.Kind {
	case schemas.ActionAcknowledge, schemas.ActionUnacknowledge:
		if !open {
			return a, huma.Error409Conflict("the incident is over; there is nothing to acknowledge")
		}
	case schemas.ActionMute:
		until := now.Add(defaultMute)
		if d.Until != nil {
			until = d.Until.UTC().Truncate(time.Millisecond)
		}
		if !open {
			return a, huma.Error409Conflict("the incident is over; there is nothing to mute")
		} else if !until.After(now) || until.Sub(now) > longestMute {
			return a, huma.Error422UnprocessableEntity("until is not within the next 30 days")
		}
		a.Until = &until
	default:
	}
	if a.Until == nil && d.Until != nil {
		return a, huma.Error422UnprocessableEntity("until belongs to mute alone")
	}
	if a.Comment == "" && !slices.Contains([]schemas.ActionKind{schemas.ActionAcknowledge, schemas.ActionUnacknowledge, schemas.ActionUnmute, schemas.ActionConfirm}, d.Kind) {
		return a, huma.Error422UnprocessableEntity("comment is missing; say why, for whoever reads it later")
	}
	return a, nil
}

// note writes to the audit, before what is done.
func (s *Server) note(ctx context.Context, tenant, action, object string, detail any) error {
	if err := s.Audit.Write(ctx, audit.Entry{Tenant: tenant, Actor: from(ctx).name, Action: action, Object: object, Detail: detail}); err != nil {
		return s.failed("writing to the audit", err)
	}
	return nil
}

// export all that is known of an incident.
func (s *Server) export(ctx context.Context, id string) (*Export, error) {
	inc, err := s.incident(ctx, id)
	if err != nil {
		return nil, err
	}
	told, err := s.DB.Notifications(ctx, id)
	if err != nil {
		return nil, s.failed("reading the journal", err)
	}
	trained, err := s.DB.RetrainingsOf(ctx, inc.ModelKey(), id)
	if err != nil {
		return nil, s.failed("reading retrainings", err)
	}
	end := inc.UpdatedAt
	if inc.ResolvedAt != nil {
		end = *inc.ResolvedAt
	}
	changes, err := s.DB.Changes(ctx, inc.Tenant, inc.Model, inc.Onset.Add(-6*time.Hour), end.Add(time.Millisecond), 100)
	if err != nil {
		return nil, s.failed("reading changes", err)
	}
	merged, err := s.DB.MergedInto(ctx, inc.Tenant, id)
	if err != nil {
		return nil, s.failed("reading merged incidents", err)
	}
	x := &Export{Incident: *inc, Merged: []string{}, Timeline: timeline(inc, told, trained, changes)}
	for i := range merged {
		x.Merged = append(x.Merged, merged[i].ID)
	}
	x.BlastRadius = blastRadius(append(merged, *inc)...)
	return x, nil
}

// blastRadius is what an incident and those merged into it touch: the models,
// their versions and features, and what lies between the cause and the models.
func blastRadius(all ...schemas.Incident) (out []string) {
	for i := range all {
		inc := &all[i]
		out = append(out, "model/"+inc.Model)
		for _, v := range inc.Versions {
			if v != "" {
				out = append(out, "version/"+inc.Model+"@"+v)
			}
		}
		for _, f := range inc.Features {
			if f != "" {
				out = append(out, "feature/"+f)
			}
		}
		if d := inc.Diagnosis; d != nil && len(d.Causes) > 0 {
			out = append(out, d.Causes[0].Path...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// timeline of an incident, oldest first.
func timeline(inc *schemas.Incident, told []schemas.Notification, trained []schemas.RetrainingEntry, changes []schemas.Change) []Moment {
	out := []Moment{{inc.Onset, "onset", "", "the first window that alarmed begins"}, {inc.OpenedAt, "opened", "", "that window ends, and alarms"}}
	if inc.ResolvedAt != nil {
		out = append(out, Moment{*inc.ResolvedAt, "resolved", "", "the last window that changed it ends"})
	}
	if d := inc.Diagnosis; d != nil {
		out = append(out, Moment{d.At, "cause", "", d.Advice})
	}
	for _, c := range changes {
		out = append(out, Moment{c.Time, "change", c.Author, fmt.Sprintf("%s of %s%s: %s", c.Kind, c.Entity, arrow(c.From, c.To), c.Description)})
	}
	for _, a := range inc.Actions {
		text := string(a.Kind)
		if a.Until != nil {
			text += " until " + a.Until.Format(time.RFC3339)
		}
		out = append(out, Moment{a.Time, "action", a.Author, strings.TrimSuffix(text+": "+a.Comment, ": ")})
	}
	for _, n := range told {
		if n.Status == schemas.NotificationQueued {
			continue
		}
		out = append(out, Moment{n.Time, "told", "", strings.TrimSuffix(fmt.Sprintf("%s %s of revision %d: %s: %s", n.Receiver, n.Action, n.Revision, n.Status, n.Error), ": ")})
	}
	for _, e := range trained {
		out = append(out, Moment{e.Time, "retraining", e.Actor, strings.TrimSuffix(e.State+": "+e.Detail, ": ")})
	}
	slices.SortStableFunc(out, func(a, b Moment) int { return cmp.Or(a.Time.Compare(b.Time)) })
	return out
}

func arrow(from, to string) string {
	switch {
	case from == "" && to == "":
		return ""
	case from == "":
		return " to " + to
	}
	return " from " + from + " to " + to
}
