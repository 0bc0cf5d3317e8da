package backtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// animals writes rows of a model of three classes: its probabilities, which are
// too sure of themselves, its prediction, and the label. From the row of the
// change on a third of the labels are those of the next class.
func animals(t *testing.T, file string, seed uint64, rows, change int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 31))
	classes := []string{"cat", "dog", "owl"}
	var b strings.Builder
	b.WriteString("time,weight,proba_owl,proba_cat,proba_dog,guess,animal\n")
	for i := range rows {
		weight := rng.NormFloat64()
		logits := []float64{1.2 * weight, 1.2 * rng.NormFloat64(), 1.2 * rng.NormFloat64()}
		soft := func(sharp float64) (p [3]float64) {
			sum := 0.
			for k, l := range logits {
				p[k] = math.Exp(sharp * l)
				sum += p[k]
			}
			for k := range p {
				p[k] /= sum
			}
			return p
		}
		y, u := 0, rng.Float64()
		for p := soft(1); y < 2 && u >= p[y]; y++ {
			u -= p[y]
		}
		if i >= change && rng.IntN(3) == 0 {
			y = (y + 1) % 3
		}
		p, guess := soft(1.5), 0
		for k := range p {
			if p[k] > p[guess] {
				guess = k
			}
		}
		at := time.Date(2026, 1, 1, 0, 0, i*6, 0, time.UTC).Format(time.RFC3339)
		fmt.Fprintf(&b, "%s,%.4f,%.5f,%.5f,%.5f,%s,%s\n", at, weight, p[2], p[0], p[1], classes[guess], classes[y])
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Several classes are estimated and measured; the windows after labels changed
// alarm, those before do not, for every metric.
func TestSeveralClasses(t *testing.T) {
	o := Options{
		Model: "animals", Reference: animals(t, "reference.csv", 1, 6000, 6000), Data: animals(t, "data.csv", 2, 6000, 4200),
		Timestamp: "time", Prediction: "guess", Label: "animal", ScoreColumns: []string{"proba_*"},
		Metrics: []string{"roc_auc", "accuracy", "f1", "f1_micro", "precision", "recall", "log_loss"},
	}
	r := run(t, o)
	if r.Summary.Task != Multiclass || len(r.Performance) != 10 {
		t.Fatalf("%+v", r.Summary)
	}
	for k, p := range r.Performance {
		for _, m := range p.Metrics {
			if m.Realised == nil || m.Estimated == nil || m.EstimatedSE == nil || m.Deficit == nil {
				t.Fatalf("window %d: %+v", k, m)
			}
			if got, want := m.State, map[bool]schemas.State{true: schemas.StateAlarm, false: schemas.StateOK}[k >= 7]; got != want {
				t.Errorf("window %d: %s is %s: %s", k, m.Metric, got, m.Reason)
			}
		}
	}
	data, err := tabular.Open(o.Data, tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := data.Slice(0, 600)
	rows := performance.MulticlassRows{}
	place := map[string]int{"cat": 0, "dog": 1, "owl": 2}
	for i := range first.Rows {
		rows.Probabilities = append(rows.Probabilities, []float64{first.Column("proba_cat").Numbers[i], first.Column("proba_dog").Numbers[i], first.Column("proba_owl").Numbers[i]})
		rows.Truth = append(rows.Truth, place[first.Column("animal").Strings[i]])
		rows.Predicted = append(rows.Predicted, place[first.Column("guess").Strings[i]])
	}
	for i, m := range r.Performance[0].Metrics {
		if want := performance.MeasureMulticlass(o.Metrics[i], rows, 3).Value; *m.Realised != want {
			t.Errorf("%s realised %v, want %v", m.Metric, *m.Realised, want)
		}
	}
	if f1, micro := *r.Performance[8].Metrics[2].Realised, *r.Performance[8].Metrics[3].Realised; f1 == micro {
		t.Errorf("macro and micro F1 are both %v", f1)
	}
	o.ScoreColumns = []string{"owl=proba_owl", "dog=proba_dog", "cat=proba_cat"}
	again := run(t, o)
	for k := range r.Performance {
		if *again.Performance[k].Metrics[0].Estimated != *r.Performance[k].Metrics[0].Estimated {
			t.Errorf("window %d: columns by name and by prefix differ", k)
		}
	}
}

// Without probabilities classes are measured, and the report says why nothing
// is estimated. What does not fit is refused with what would.
func TestSeveralClassesMistakes(t *testing.T) {
	reference, data := animals(t, "reference.csv", 1, 900, 900), animals(t, "data.csv", 2, 900, 900)
	base := Options{Model: "animals", Reference: reference, Data: data, Timestamp: "time", Prediction: "guess", Label: "animal"}
	m := run(t, base).Performance[0].Metrics[0]
	if m.Metric != "accuracy" || m.Realised == nil || m.Estimated != nil || !strings.Contains(m.Reason, "--score-columns") {
		t.Errorf("%+v", m)
	}
	for text, edit := range map[string]func(*Options){
		"none of the classes":      func(o *Options) { o.ScoreColumns = []string{"cat=proba_cat", "dog=proba_dog"} },
		"has two columns":          func(o *Options) { o.ScoreColumns = []string{"cat=proba_cat", "cat=proba_dog"} },
		`no numeric column "nope"`: func(o *Options) { o.ScoreColumns = []string{"cat=nope", "dog=proba_dog"} },
		"0 columns":                func(o *Options) { o.ScoreColumns = []string{"nope_*"} },
		"want class=column":        func(o *Options) { o.ScoreColumns = []string{"proba_cat"} },
		"give one of them":         func(o *Options) { o.ScoreColumns, o.Score = []string{"proba_*"}, "weight" },
		"is for --task multiclass": func(o *Options) { o.ScoreColumns, o.Task = []string{"proba_*"}, Binary },
	} {
		o := base
		edit(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v lacks %q", err, text)
		}
	}
}
