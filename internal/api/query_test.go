package api_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/query"
)

// everything that can be asked, of the last day.
func everything() map[string]any {
	var parts []map[string]any
	for _, k := range query.Kinds() {
		parts = append(parts, map[string]any{"refId": k.Name, "kind": k.Name, "models": []string{"credit"}, "features": []string{"f"}, "id": "inc-credit-0"})
	}
	return map[string]any{"from": ms(time.Now().Add(-24 * time.Hour)), "to": ms(time.Now().Add(time.Hour)), "queries": parts}
}

func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

type results struct {
	Results map[string]struct {
		Status int
		Error  string
		Frames []struct {
			Schema struct{ Fields []struct{ Name string } }
			Data   struct{ Values [][]any }
		}
	}
}

func (s *service) query(token string, body any) (out results) {
	s.Helper()
	code, text, _ := s.ask(http.MethodPost, "/api/v1/query", token, body)
	if code != http.StatusOK {
		s.Fatalf("%d %s", code, text)
	}
	check(s, json.Unmarshal(text, &out))
	return out
}

// What people see is asked in one request, and each question is answered on its own.
func TestQueries(t *testing.T) {
	s := start(t, nil)
	all := s.query(tokens["viewer"], everything())
	for name, a := range all.Results {
		if a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.Status, a.Error)
		}
	}
	if v := all.Results["incidents"].Frames[0].Data.Values; len(v) == 0 || len(v[0]) != 3 {
		t.Errorf("incidents %v", v)
	}
	if got := get[[]string](s, "/api/v1/query/options/models?from=0&to=1", tokens["viewer"]); len(got) != 0 {
		t.Errorf("models of 1970: %v", got)
	}
	if got := get[[]string](s, "/api/v1/query/options/features?model=credit", tokens["viewer"]); len(got) != 5 {
		t.Errorf("features %v", got)
	}
	one := s.query(tokens["viewer"], map[string]any{"from": "0", "to": "1000", "queries": []map[string]any{{"refId": "A", "kind": "fleet"}, {"refId": "B", "kind": "nosuch"}}})
	if one.Results["A"].Status != http.StatusOK || one.Results["B"].Status != http.StatusBadRequest || !strings.Contains(one.Results["B"].Error, "the kinds are") {
		t.Errorf("%+v", one)
	}
	for _, body := range []any{map[string]any{"from": "yesterday", "to": "1", "queries": []map[string]any{{"refId": "A", "kind": "fleet"}}}, map[string]any{"from": "0", "to": "1", "queries": []any{}}} {
		if code, text, _ := s.ask(http.MethodPost, "/api/v1/query", tokens["viewer"], body); code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d %s", body, code, text)
		}
	}
	mine := s.query(tokens["acme"], map[string]any{"from": ms(time.Now().Add(-24 * time.Hour)), "to": ms(time.Now()), "queries": []map[string]any{{"refId": "A", "kind": "incidents"}, {"refId": "B", "kind": "incidents", "tenant": "default"}}})
	if v := mine.Results["A"].Frames[0].Data.Values; len(v) == 0 || len(v[0]) != 3 || v[0][0] != "inc-secretmodel-0" && v[0][0] != "inc-secretmodel-2" {
		t.Errorf("a tenant's incidents %v", v)
	}
	if mine.Results["B"].Status != http.StatusBadRequest {
		t.Errorf("another tenant's: %+v", mine.Results["B"])
	}
}

// Values of a question are never part of its text.
func TestQueriesAreNotInjected(t *testing.T) {
	s := start(t, nil)
	for _, evil := range []string{"' OR 1=1 --", "x'; DROP TABLE incidents; --", `\' UNION SELECT * FROM incidents --`, "{p0:String}", "credit\x00"} {
		var parts []map[string]any
		for _, k := range query.Kinds() {
			parts = append(parts, map[string]any{
				"refId": k.Name, "kind": k.Name, "models": []string{evil}, "versions": []string{evil}, "segments": []string{evil}, "features": []string{evil}, "detectors": []string{evil}, "states": []string{evil}, "metrics": []string{evil}, "id": evil,
				"filters": []map[string]any{{"key": "model", "operator": "=", "value": evil}, {"key": evil, "operator": "=", "value": evil}, {"key": "tenant", "operator": "=|", "values": []string{evil}}},
			})
		}
		for name, a := range s.query(tokens["admin"], map[string]any{"from": "0", "to": "1000000", "queries": parts}).Results {
			if a.Status != http.StatusOK && (name != "incident_causes" || a.Status != http.StatusBadRequest) {
				t.Errorf("%s with %q: %d %s", name, evil, a.Status, a.Error)
			}
		}
	}
	if got := len(s.query(tokens["admin"], everything()).Results["incidents"].Frames); got != 1 {
		t.Errorf("%d frames afterwards", got)
	}
}
