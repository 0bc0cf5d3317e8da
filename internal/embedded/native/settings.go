package native

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/sqltext"
)

// applySettings makes the engine session's settings those of the query: one
// SET for what differs from the previous query, none when nothing does. In
// the engine settings are session state, so what this query lacks must go
// back to its default, or a deduplication token would stick.
func (x *session) applySettings(settings []proto.Setting) error {
	want, optional, err := x.wanted(settings)
	if err != nil {
		return err
	}
	set := changes(x.applied, want)
	if len(set) == 0 {
		return nil
	}
	if _, err := x.eng.Exec("SET " + strings.Join(set, ", ")); err == nil {
		x.applied = want
		return nil
	}
	return x.applyOneByOne(set, want, optional)
}

// wanted is the settings that must hold for a query, and which of them the
// client lets us ignore when the engine does not know them.
func (x *session) wanted(settings []proto.Setting) (want map[string]string, optional map[string]bool, err error) {
	want, optional = maps.Clone(x.cfg.Settings), map[string]bool{}
	if want == nil {
		want = map[string]string{}
	}
	for _, s := range settings {
		if x.unknown[s.Key] && !s.Important {
			continue
		}
		if !sqltext.PlainName(s.Key) {
			return nil, nil, libchdb.NewError(libchdb.CodeUnknownSetting, "Unknown setting "+sqltext.Quote(s.Key))
		}
		want[s.Key], optional[s.Key] = s.Value, !s.Important
		if s.Custom {
			want[s.Key] = sqltext.Undump(s.Value)
		}
	}
	want["log_comment"] = x.mark // a client's own would hide the statement from kill
	return want, optional, nil
}

// changes lists the assignments that lead from one set of settings to another.
func changes(from, to map[string]string) (set []string) {
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			set = append(set, k+" = DEFAULT")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if v, ok := from[k]; !ok || v != to[k] {
			set = append(set, k+" = "+sqltext.Quote(to[k]))
		}
	}
	return set
}

// applyOneByOne finds the bad ones among the assignments, so that what is
// applied stays known.
func (x *session) applyOneByOne(set []string, want map[string]string, optional map[string]bool) (first error) {
	for _, one := range set {
		name, value, _ := strings.Cut(one, " = ")
		_, err := x.eng.Exec("SET " + one)
		var e *libchdb.Error
		switch {
		case err == nil && value == "DEFAULT":
			delete(x.applied, name)
		case err == nil:
			x.applied[name] = want[name]
		case errors.As(err, &e) && e.Code == libchdb.CodeUnknownSetting && optional[name]:
			x.unknown[name] = true
		case first == nil:
			first = err
		}
	}
	return first
}
