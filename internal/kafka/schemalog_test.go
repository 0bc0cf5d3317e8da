package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// All instances derive the same positions from the same log, whoever proposed
// a name first, and a new instance finds them again.
func TestSchemaLogAgrees(t *testing.T) { overKafkas(t, testSchemaLogAgrees) }

func testSchemaLogAgrees(t *testing.T, start starter) {
	cfg := start(t)
	cl, err := cfg.Dial()
	check(t, err)
	defer cl.Close()
	check(t, kafka.EnsureTopics(t.Context(), cl, cfg.Topics, "in"))
	check(t, kafka.EnsureTopics(t.Context(), cl, cfg.Topics, "in")) // again
	key := schemas.SchemaKey{Tenant: "default", Model: "credit", Version: "v1"}
	stored := map[string]bool{}
	var mu sync.Mutex
	open := func() *kafka.SchemaLog {
		l, err := kafka.OpenSchemaLog(t.Context(), cfg, func(_ context.Context, entries []schemas.SchemaEntry) error {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range entries {
				stored[fmt.Sprint(e.Kind, e.Position, e.Name)] = true
			}
			return nil
		})
		check(t, err)
		return l
	}
	var logs []*kafka.SchemaLog
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 4 {
		l := open()
		logs = append(logs, l)
		wg.Go(func() { check(t, l.Run(ctx)) })
	}
	var writers sync.WaitGroup
	for i, l := range logs {
		writers.Go(func() {
			for j := range 20 {
				name := fmt.Sprintf("f%02d", (i*7+j)%25) // all propose mostly the same names
				s, err := l.Extend(t.Context(), key, []schemas.SchemaEntry{{Kind: schemas.Numeric, Name: name}, {Kind: schemas.Categorical, Name: name}})
				if err != nil {
					t.Error(err)
					return
				}
				if _, ok := s.Position(schemas.Numeric, name); !ok {
					t.Errorf("%s is not in the schema that Extend returned", name)
				}
			}
		})
	}
	writers.Wait()
	late := open()
	want := late.Schema(key)
	if len(want.Numeric) != 2+25 || len(want.Categorical) != 1+25 {
		t.Fatalf("%d numeric and %d categorical positions, want 27 and 26", len(want.Numeric), len(want.Categorical))
	}
	for _, l := range logs {
		until(t, "same schema", func() bool { return slices.Equal(l.Schema(key).Numeric, want.Numeric) })
	}
	for _, e := range want.Entries() {
		if !stored[fmt.Sprint(e.Kind, e.Position, e.Name)] {
			t.Errorf("entry %+v was not stored", e)
		}
	}
	late.Close()
	cancel()
	wg.Wait()
	for _, l := range logs {
		l.Close()
	}
}

// The log's order ranks the model versions of a tenant, alike for all
// instances, and a version that nobody has named has the rank it would get.
func TestModelVersionsAreRanked(t *testing.T) {
	cfg, _ := fake(t)
	cl, err := cfg.Dial()
	check(t, err)
	defer cl.Close()
	check(t, kafka.EnsureTopics(t.Context(), cl, cfg.Topics, "in"))
	open := func() (*kafka.SchemaLog, func()) {
		l, err := kafka.OpenSchemaLog(t.Context(), cfg, func(context.Context, []schemas.SchemaEntry) error { return nil })
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { check(t, l.Run(ctx)) })
		return l, func() { cancel(); wg.Wait(); l.Close() }
	}
	key := func(tenant string, i int) schemas.SchemaKey {
		return schemas.SchemaKey{Tenant: tenant, Model: "m", Version: fmt.Sprint(i)}
	}
	l, end := open()
	for i := range 5 {
		for _, tenant := range []string{"a", "b"} {
			if got := l.Schema(key(tenant, i)).Rank; got != i {
				t.Errorf("unnamed %s/%d would be %d", tenant, i, got)
			}
			for _, name := range []string{"x", "y"} {
				s, err := l.Extend(t.Context(), key(tenant, i), []schemas.SchemaEntry{{Kind: schemas.Numeric, Name: name}})
				check(t, err)
				if s.Rank != i {
					t.Errorf("%s/%d is %d", tenant, i, s.Rank)
				}
			}
		}
	}
	end()
	l, end = open()
	defer end()
	for i := range 5 {
		if got := l.Schema(key("a", i)).Rank; got != i {
			t.Errorf("replayed, a/%d is %d", i, got)
		}
	}
}
