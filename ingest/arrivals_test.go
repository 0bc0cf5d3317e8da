package ingest

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// touching is the arrival of one event in each of the minutes.
func touching(minutes ...int64) *arrival {
	var a arrivals
	for _, m := range minutes {
		a.event(schemas.ModelKey{Model: "m"}, time.Unix(m*60+m%60, 0))
	}
	return a.models[schemas.ModelKey{Model: "m"}]
}

func TestSpansMergeNeighbours(t *testing.T) {
	tests := []struct {
		minutes []int64
		want    []schemas.Span
	}{
		{[]int64{5}, []schemas.Span{spanOf(5, 6)}},
		{[]int64{5, 5, 5}, []schemas.Span{spanOf(5, 6)}},
		{[]int64{7, 5, 6}, []schemas.Span{spanOf(5, 8)}},
		{[]int64{5, 7}, []schemas.Span{spanOf(5, 6), spanOf(7, 8)}},
		{[]int64{0, 1, 100, 3}, []schemas.Span{spanOf(0, 2), spanOf(3, 4), spanOf(100, 101)}},
	}
	for _, c := range tests {
		if got := touching(c.minutes...).spans(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.minutes, got, c.want)
		}
	}
}

// At most 512, ascending, apart from each other, over every minute touched,
// and over nothing else while that many suffice.
func TestSpansAreBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var minutes []int64
		reach := 1 + rng.Int64N(100_000)
		for range 1 + rng.IntN(3000) {
			minutes = append(minutes, 1_000_000+rng.Int64N(reach))
		}
		checkSpans(t, minutes)
	}
	var sparse []int64
	for i := range int64(maxSpans + 1) {
		sparse = append(sparse, i*2)
	}
	if n := len(touching(sparse[:maxSpans]...).spans()); n != maxSpans {
		t.Errorf("%d spans of %d", n, maxSpans)
	}
	if n := len(touching(sparse...).spans()); n != 1 {
		t.Errorf("evenly spread minutes beyond the bound: %d spans", n)
	}
}

func checkSpans(t *testing.T, minutes []int64) {
	t.Helper()
	spans, touched := touching(minutes...).spans(), map[int64]bool{}
	for _, m := range minutes {
		touched[m] = true
	}
	runs := 0
	for m := range touched {
		if !touched[m-1] {
			runs++
		}
	}
	if len(spans) > maxSpans || runs <= maxSpans && len(spans) != runs {
		t.Fatalf("%d spans of %d runs", len(spans), runs)
	}
	covered := 0
	for i, s := range spans {
		if i > 0 && !s.Start.After(spans[i-1].End) {
			t.Fatalf("%v after %v", s, spans[i-1])
		}
		if !touched[minuteOf(s.Start)] || !touched[minuteOf(s.End)-1] {
			t.Fatalf("%v begins or ends with a minute that was not touched", s)
		}
		for m := minuteOf(s.Start); m < minuteOf(s.End); m++ {
			if touched[m] {
				covered++
			}
		}
	}
	if covered != len(touched) {
		t.Fatalf("%d of %d minutes are covered", covered, len(touched))
	}
}

func TestArrivalsCountByModelAndDay(t *testing.T) {
	var a arrivals
	rng, rows, days := rand.New(rand.NewPCG(3, 3)), map[schemas.ModelKey]uint64{}, map[int64]bool{}
	newest := map[schemas.ModelKey]time.Time{}
	for range 1000 {
		key := schemas.ModelKey{Tenant: string(rune('a' + rng.IntN(2))), Model: string(rune('a' + rng.IntN(3)))}
		at := time.Unix(rng.Int64N(20*86400), 0)
		a.event(key, at)
		rows[key]++
		days[at.Unix()/86400] = true
		if at.After(newest[key]) {
			newest[key] = at
		}
	}
	if a.rows != 1000 || len(a.days) != len(days) || len(a.models) != len(rows) {
		t.Errorf("%d rows, %d days, %d models", a.rows, len(a.days), len(a.models))
	}
	for key, n := range rows {
		if m := a.models[key]; m.rows != n || !m.newest.Equal(newest[key]) {
			t.Errorf("%v: %d rows to %v, want %d to %v", key, m.rows, m.newest, n, newest[key])
		}
	}
	if out := a.announce("windows"); len(out) != len(rows) || string(out[0].Key) != "a/a" {
		t.Errorf("%d announcements", len(out))
	}
	if a.reset(); a.rows != 0 || len(a.announce("windows")) != 0 {
		t.Error("reset leaves something")
	}
}

func TestParseIntent(t *testing.T) {
	tests := []struct {
		metadata string
		want     int64
		ok       bool
	}{
		{"", 0, true},
		{"v1|pend=7|dec=1", 7, true},
		{"v1|pend=7", 7, true},
		{"v1|pend=7|dec=2|later=x", 7, true},
		{"v1|pend=9223372036854775807|dec=1", 1<<63 - 1, true},
		{"v1|pend=9223372036854775808|dec=1", 0, false},
		{"v1|pend=0|dec=1", 0, false},
		{"v1|pend=-1|dec=1", 0, false},
		{"v1|pend=|dec=1", 0, false},
		{"v1|pend=x", 0, false},
		{"v2|pend=7|dec=1", 0, false},
		{"somebody else's", 0, false},
	}
	for _, c := range tests {
		if got, err := parseIntent(c.metadata); (err == nil) != c.ok || c.ok && got.end != c.want {
			t.Errorf("%q: got %v, %v", c.metadata, got, err)
		}
	}
}

// What is read names an offset; what is written is read back.
func FuzzParseIntent(f *testing.F) {
	f.Add(intent{end: 42, clock: time.UnixMilli(1e12), rules: "0a", parts: true}.String())
	f.Add("")
	f.Add("v1|pend=-3|at=1")
	f.Fuzz(func(t *testing.T, metadata string) {
		i, err := parseIntent(metadata)
		switch {
		case err != nil:
		case metadata == "" && i.end != 0, metadata != "" && i.end <= 0:
			t.Fatalf("%q gives %v", metadata, i)
		case i.end > 0:
			if again, err := parseIntent(i.String()); again.String() != i.String() || err != nil {
				t.Fatalf("%v comes back as %v, %v", i, again, err)
			}
		}
	})
}
