package alerting

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

type silence struct {
	schemas.Silence
	matchers matchers
}

// NewSilence makes a silence with a new id, and checks it.
func NewSilence(s schemas.Silence, now time.Time) (schemas.Silence, error) {
	s.ID, s.UpdatedAt = "sil-"+strings.ToLower(rand.Text()[:12]), now
	if s.StartsAt.IsZero() {
		s.StartsAt = now
	}
	return s, CheckSilence(s)
}

// CheckSilence reports every mistake in a silence.
func CheckSilence(s schemas.Silence) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	ms, err := parseMatchers(s.Matchers)
	check(err == nil, "%w", err)
	check(len(s.Matchers) > 0, `no matcher is given; write such as severity="warning"`)
	if err == nil && len(ms) > 0 {
		errs = append(errs, checkMatchers("matchers", s.Matchers, labelNames))
		narrow := false
		for _, m := range ms {
			narrow = narrow || !m.Matches("")
		}
		check(narrow, "the matchers match incidents without any label, and so everything; name at least one label that must have a value")
	}
	check(s.EndsAt.After(s.StartsAt), "ends at %s, which is not after its start, %s", s.EndsAt.Format(time.RFC3339), s.StartsAt.Format(time.RFC3339))
	check(s.Author != "", "author is missing; say who is answerable for it")
	check(s.Comment != "", "comment is missing; say why")
	return errors.Join(errs...)
}

// Expire ends a silence at now; one that has not begun never does.
func Expire(s schemas.Silence, now time.Time) schemas.Silence {
	if s.StartsAt.After(now) {
		s.StartsAt = now
	}
	s.EndsAt, s.UpdatedAt = now, now
	return s
}

func compileSilences(all []schemas.Silence) ([]silence, error) {
	var out []silence
	var errs []error
	for _, s := range all {
		ms, err := parseMatchers(s.Matchers)
		if err != nil || len(ms) == 0 {
			errs = append(errs, fmt.Errorf("pass over silence %s: its matchers cannot be read: %w", s.ID, errors.Join(err)))
			continue
		}
		out = append(out, silence{s, ms})
	}
	return out, errors.Join(errs...)
}

// silencedBy names the silence that keeps an incident back; empty for none.
func silencedBy(all []silence, k *known, now time.Time) string {
	for i := range all {
		s := &all[i]
		if s.Active(now) && (s.Tenant == "" || s.Tenant == k.Tenant) && s.matchers.match(k.labels) {
			return fmt.Sprintf("silence %s by %s until %s: %s", s.ID, s.Author, s.EndsAt.UTC().Format(time.RFC3339), s.Comment)
		}
	}
	return ""
}
