package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/internal/testkit"
)

func bench(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Benchmark(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) at(t *testing.T, stream, detector string) Result {
	t.Helper()
	for _, s := range r.Streams {
		for _, x := range s.Results {
			if s.Name == stream && x.Detector == detector {
				return x
			}
		}
	}
	t.Fatalf("no result of %s on %s", detector, stream)
	return Result{}
}

// Delays and false alarms are near those of an independent simulation of the
// same methods: a step of the error rate from 0.05 by 0.2 is found by ADWIN
// after 95 values, by Page–Hinkley after 268, HDDM-A 106, EDDM 61.
func TestSyntheticStreams(t *testing.T) {
	r := bench(t, Options{Seed: DefaultSeed, Runs: 10})
	for _, c := range []struct {
		stream, detector string
		least, most      float64 // rows of delay
		false            int     // alarms in 10 runs
	}{
		{"abrupt_large", "adwin", 60, 130, 0},
		{"abrupt_large", "page_hinkley", 200, 320, 1},
		{"abrupt_large", "hddm_a", 70, 160, 1},
		{"abrupt_large", "eddm", 30, 120, 400},
		{"mean_rise", "page_hinkley_scaled", 25, 45, 2},
		{"mean_fall", "adwin", 60, 140, 1},
	} {
		got := r.at(t, c.stream, c.detector)
		if got.Found != 10 || value(got.MTD) < c.least || value(got.MTD) > c.most || got.False > c.false {
			t.Errorf("%s on %s: found %d, MTD %v, %d false", c.detector, c.stream, got.Found, value(got.MTD), got.False)
		}
	}
	for _, s := range []string{"abrupt_small", "abrupt_large", "mean_rise"} {
		dummy := r.at(t, s, "periodic")
		if v := value(dummy.MTR); v < 1.5 || v > 2.5 || dummy.Found != 10 {
			t.Errorf("the dummy on %s: %+v, MTR %v, want about 2", s, dummy.Score, v)
		}
		if best := value(r.at(t, s, "adwin").MTR); best < 10*value(dummy.MTR) {
			t.Errorf("ADWIN on %s has MTR %v, the dummy %v", s, best, value(dummy.MTR))
		}
	}
	if got := r.at(t, "mean_rise", "ddm"); got.NotApplicable == "" || got.Alarms != 0 {
		t.Errorf("DDM on normal values: %+v", got)
	}
}

func TestLevels(t *testing.T) {
	for i := range synthetics {
		s := &synthetics[i]
		values := s.draw(3, 1)
		for _, part := range [][2]int{{0, changeAt}, {changeAt + s.over, syntheticRows}} {
			var sum float64
			for _, v := range values[part[0]:part[1]] {
				sum += v
			}
			want := s.from
			if part[0] > 0 {
				want = s.to
			}
			if got := sum / float64(part[1]-part[0]); math.Abs(got-want) > 0.05 {
				t.Errorf("%s: rows %v have mean %v, want %v", s.name, part, got, want)
			}
		}
		if s.over > 0 && math.Abs(s.level(changeAt+s.over/2)-(s.from+s.to)/2) > 1e-12 {
			t.Errorf("%s: halfway the level is %v", s.name, s.level(changeAt+s.over/2))
		}
	}
}

func TestTwoRunsAgreeAndSeedsDiffer(t *testing.T) {
	text := func(seed uint64, detectors ...string) string {
		b, err := json.Marshal(bench(t, Options{Seed: seed, Runs: 2, Detectors: detectors}).Streams)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := text(1, "ddm", "kswin")
	if again := text(1, "ddm", "kswin"); again != first {
		t.Error("two runs differ")
	}
	if text(1, "kswin") == text(2, "kswin") {
		t.Error("another seed gives the same")
	}
	alone := bench(t, Options{Seed: 1, Runs: 2, Detectors: []string{"ddm"}}).at(t, "gradual", "ddm")
	beside := bench(t, Options{Seed: 1, Runs: 2, Detectors: []string{"eddm", "ddm"}}).at(t, "gradual", "ddm")
	if alone.Alarms != beside.Alarms || value(alone.MTD) != value(beside.MTD) {
		t.Error("a detector's result depends on which others run")
	}
}

func TestRealStreams(t *testing.T) {
	names := []string{"adwin", "hddm_w", "ddm", "periodic"}
	if testkit.Race {
		names = names[:1]
	}
	folder := filepath.Dir(filepath.Dir(testkit.TestData(t, "sine1", "sine1_w_50_n_0.1_101.arff.gz")))
	r := bench(t, Options{Seed: DefaultSeed, Runs: 1, Data: folder, Detectors: names})
	if len(r.Absent) > 0 {
		t.Errorf("absent: %v", r.Absent)
	}
	rows := map[string]int{"sine1": 100_000, "circle": 2000, "rainfall": 18_159, "electricity": 45_312}
	for _, s := range r.Streams {
		if want, real := rows[s.Name]; real && (s.Rows != want || s.Accuracy == nil) {
			t.Errorf("%s: %d rows, want %d", s.Name, s.Rows, want)
		}
	}
	for _, name := range names {
		if name == "periodic" {
			continue
		}
		got := r.at(t, "sine1", name)
		if got.Found != 4 || got.False != 0 || value(got.MTD) > 150 || value(got.Accuracy) < 0.85 {
			t.Errorf("%s on sine1: %+v, MTD %v, accuracy %v", name, got.Score, value(got.MTD), value(got.Accuracy))
		}
	}
	if got := r.at(t, "rainfall", "adwin"); got.Found != 1 {
		t.Errorf("ADWIN on rainfall: %+v", got)
	}
	if got := r.at(t, "electricity", "adwin"); got.Alarms == 0 || got.MTFA != nil || value(got.Accuracy) < 0.75 {
		t.Errorf("ADWIN on electricity: %+v, accuracy %v", got, value(got.Accuracy))
	}
}

func TestAbsentDataAreNamed(t *testing.T) {
	r := bench(t, Options{Seed: 1, Runs: 1, Data: t.TempDir(), Detectors: []string{"periodic"}})
	if len(r.Absent) != len(datasets) {
		t.Errorf("absent: %v", r.Absent)
	}
	for _, folder := range []string{"none", filepath.Join("testdata", "..", "eval_test.go")} {
		if _, err := Benchmark(context.Background(), Options{Runs: 1, Data: folder}); err == nil || !strings.Contains(err.Error(), "open data") {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

func TestOptionMistakes(t *testing.T) {
	for want, o := range map[string]Options{
		`did you mean "adwin"?`:   {Runs: 1, Detectors: []string{"adwim"}},
		"want at least 1":         {},
		"not among the detectors": {Runs: 1, Detectors: []string{"ddm"}, Set: map[string]sequential.Params{"adwin": {"delta": 1}}},
	} {
		if _, err := Benchmark(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestBayesLearns(t *testing.T) {
	b := newBayes(2, 3)
	if b.predict([]float64{1, 2}) != 0 {
		t.Error("without rows the first class is wanted")
	}
	for i := range 300 {
		c := i % 3
		b.learn([]float64{float64(10*c) + float64(i%7)/7, float64(i % 5)}, c)
	}
	for c := range 3 {
		if got := b.predict([]float64{float64(10*c) + 0.4, 2}); got != c {
			t.Errorf("class %d is taken for %d", c, got)
		}
	}
	b.reset()
	if b.rows != 0 || b.predict([]float64{20, 2}) != 0 {
		t.Error("reset keeps what was learnt")
	}
}

// csvFile writes columns of equal length.
func csvFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stream.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The oracles' streams through a file, at the defaults.
func TestPositionsOfPublishedStreams(t *testing.T) {
	data, err := os.ReadFile(testkit.Oracle(t, "streams.json"))
	if err != nil {
		t.Fatal(err)
	}
	var streams map[string][]float64
	if err := json.Unmarshal(data, &streams); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("s1,s2,py42\n")
	for i := range streams["s1"] {
		fmt.Fprintf(&text, "%v,%v,%v\n", streams["s1"][i], streams["s2"][i], streams["py42"][i])
	}
	file := csvFile(t, text.String())
	for column, want := range map[string]map[string][]int{
		"s1":   {"adwin": {1023}, "page_hinkley": {1020, 1991}},
		"s2":   {"ddm": {1049}, "hddm_a": {1047}, "hddm_w": {1018}},
		"py42": {"ddm": {1334}, "hddm_a": {1206}, "hddm_w": {1077}},
	} {
		got, err := Positions(context.Background(), file+":"+column, "", Options{Seed: DefaultSeed})
		if err != nil {
			t.Fatal(err)
		}
		if got.Column != column || got.Rows != 2000 || len(got.Detectors) != len(sequential.All()) {
			t.Errorf("%+v", got)
		}
		for _, d := range got.Detectors {
			if w, ok := want[d.Name]; ok && !slices.Equal(d.Positions, w) {
				t.Errorf("%s on %s: %v, want %v", d.Name, column, d.Positions, w)
			}
			if column == "s1" && d.Name == "ddm" && !strings.Contains(d.NotApplicable, "takes 0 to 1; row 1000 is 3") {
				t.Errorf("ddm on s1: %q", d.NotApplicable)
			}
		}
	}
}

func TestStreamMistakesNameTheRow(t *testing.T) {
	two := csvFile(t, "a,b\n0,x\n1,y\n")
	for want, c := range map[string][2]string{
		"no such file": {"none.csv", "a"},
		`the column is "none.csv" in x:none.csv and "a" beside it`:  {"x:none.csv", "a"},
		`has no column "c"; columns: a, b`:                          {two, "c"},
		"has 2 columns; name one of them with --column: a, b":       {two, ""},
		`row 0 (counted from 0), column "b": "x" is not a number`:   {two + ":b", ""},
		`row 2 (counted from 0), column "v": "two" is not a number`: {csvFile(t, "v\n0\n1\ntwo\n"), ""},
		`row 1 (counted from 0), column "v": the value is missing`:  {csvFile(t, "v,w\n0,1\n,1\n"), "v"},
		`row 1 (counted from 0), column "v": +Inf is no value`:      {csvFile(t, "v\n0\ninf\n"), "v"},
		`has no column "v"; columns: `:                              {csvFile(t, "\"\"\n1\n"), "v"},
		"names no column":                                           {csvFile(t, "\"\"\n1\n"), ""},
		"no rows":                                                   {csvFile(t, "v\n"), "v"},
		"the first row must name the columns":                       {csvFile(t, "0\n1\n0\n"), ""},
	} {
		_, err := Positions(context.Background(), c[0], c[1], Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want %q", c, err, want)
		}
	}
}

func TestColumnMayBeLeftOutOrFollowTheFile(t *testing.T) {
	one := csvFile(t, "v\n0\n1\n")
	odd := filepath.Join(t.TempDir(), "a:b.csv")
	if err := os.WriteFile(odd, []byte("v\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{one, ""}, {one, "v"}, {one + ":v", ""}, {one + ":v", "v"}, {odd, ""}, {odd + ":v", ""}} {
		if got, err := Positions(context.Background(), c[0], c[1], Options{Detectors: []string{"ddm"}}); err != nil || got.Column != "v" {
			t.Errorf("%v: %v", c, err)
		}
	}
}
