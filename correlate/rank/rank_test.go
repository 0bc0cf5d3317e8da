package rank_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/schemas"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func minute(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }

// world of services: front calls a and b, a calls store. From minute 100 on
// store takes longer, and so does whoever waits for it.
type world struct {
	edges  [][2]graph.Entity
	series map[[2]string]*anomaly.Series
	rng    *rand.Rand
	in     rank.Input
}

func services() *world {
	w := &world{
		edges: [][2]graph.Entity{{"front", "a"}, {"front", "b"}, {"a", "store"}}, series: map[[2]string]*anomaly.Series{}, rng: rand.New(rand.NewPCG(3, 3)),
		in: rank.Input{Registry: metric.Builtin(), Symptom: rank.Symptom{Entity: "front", Metric: "latency", At: minute(101)}},
	}
	for m := range 120 {
		slow := 0.0
		if m >= 100 {
			slow = 0.2
		}
		for i, e := range []graph.Entity{"front", "a", "store", "b"} {
			v := []float64{0.1, 0.05, 0.02, 0.03}[i] * (1 + 0.02*w.rng.NormFloat64())
			requests := 60.0
			if e == "front" {
				requests, v = 120, v+slow/2
			} else if e != "b" {
				v += slow
			}
			w.put(e, "latency", m, v)
			w.put(e, "requests", m, requests)
		}
	}
	return w
}

func (w *world) put(e graph.Entity, name string, m int, v float64) {
	k := [2]string{string(e), name}
	if w.series[k] == nil {
		w.series[k] = &anomaly.Series{Entity: e, Metric: name}
	}
	w.series[k].Add(minute(m), v)
}

func (w *world) rank() rank.Result {
	g := graph.New()
	for _, e := range w.edges {
		g.See(e[0], e[1], noon)
	}
	w.in.Graph, w.in.Series = g.Whole(), nil
	for _, s := range w.series {
		w.in.Series = append(w.in.Series, s)
	}
	return rank.Rank(w.in)
}

// first is the entity of the first cause, or its kind when it has none.
func first(r rank.Result) string {
	if len(r.Causes) == 0 {
		return ""
	}
	if r.Causes[0].Entity == "" {
		return string(r.Causes[0].Kind)
	}
	return r.Causes[0].Entity
}

func dump(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}

func TestTheLastInTheChainIsTheCause(t *testing.T) {
	r := services().rank()
	if first(r) != "store" {
		t.Fatal(dump(r))
	}
	c := r.Causes[0]
	if !slices.Equal(c.Path, []string{"store", "a", "front"}) || c.Metric != "latency" || c.Confidence < 0.8 || len(c.Evidence) != 1 || c.Evidence[0].Z < 5 || !c.Onset.Equal(minute(100)) {
		t.Error(dump(c))
	}
	if !slices.ContainsFunc(r.RuledOut, func(o schemas.RuledOut) bool {
		return o.Entity == "a" && strings.Contains(o.Reason, "explained by store")
	}) {
		t.Errorf("a is not ruled out: %s", dump(r.RuledOut))
	}
}

// With every edge reversed nothing is reachable, and nobody is to blame.
func TestReversedEdgesBlameNobody(t *testing.T) {
	w := services()
	for i, e := range w.edges {
		w.edges[i] = [2]graph.Entity{e[1], e[0]}
	}
	if r := w.rank(); len(r.Causes) > 0 || r.Abstained == "" {
		t.Error(dump(r))
	}
}

// A noisy entity that the symptom does not depend on changes nothing, and one
// that it depends on but that does not explain it does not come first.
func TestNoiseElsewhere(t *testing.T) {
	want := dump(services().rank())
	w := services()
	for m := range 120 {
		w.put("elsewhere", "latency", m, math.Exp(3*w.rng.NormFloat64()))
		w.put("elsewhere", "requests", m, 1000)
	}
	if got := dump(w.rank()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	w.edges = append(w.edges, [2]graph.Entity{"front", "elsewhere"})
	for m := range 120 {
		w.put("b", "queue_length", m, float64(w.rng.IntN(5)))
	}
	if got := first(w.rank()); got != "store" {
		t.Errorf("the cause is %s now", got)
	}
}

// Neither the order of series and events nor duplicates change anything.
func TestOrderDoesNotMatter(t *testing.T) {
	want := dump(services().rank())
	rng := rand.New(rand.NewPCG(4, 4))
	for range 10 {
		w := services()
		for _, s := range w.series {
			s.T, s.V = append(s.T, s.T[:40]...), append(s.V, s.V[:40]...)
			s.Sort()
		}
		w.edges = append(w.edges, w.edges...)
		rng.Shuffle(len(w.edges), func(i, k int) { w.edges[i], w.edges[k] = w.edges[k], w.edges[i] })
		if got := dump(w.rank()); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
}

// Another unit, told by the name, gives the same ranking.
func TestUnitDoesNotMatter(t *testing.T) {
	w, milli := services(), services()
	for k, s := range milli.series {
		if s.Metric == "latency" {
			other := &anomaly.Series{Entity: s.Entity, Metric: "latency_ms", T: s.T}
			for _, v := range s.V {
				other.V = append(other.V, v*1000)
			}
			milli.series[k] = other
		}
	}
	milli.in.Symptom.Metric = "latency_ms"
	a, b := w.rank(), milli.rank()
	if len(a.Causes) != len(b.Causes) {
		t.Fatalf("%s\n%s", dump(a.Causes), dump(b.Causes))
	}
	for i := range a.Causes {
		if a.Causes[i].Entity != b.Causes[i].Entity || math.Abs(a.Causes[i].Score-b.Causes[i].Score) > 1e-6 {
			t.Errorf("%s\n%s", dump(a.Causes[i]), dump(b.Causes[i]))
		}
	}
}

// A cycle of calls is no cause of endless blame.
func TestCycle(t *testing.T) {
	w := services()
	w.edges = append(w.edges, [2]graph.Entity{"store", "a"})
	if got := first(w.rank()); got != "store" && got != "a" {
		t.Errorf("the cause is %q", got)
	}
}

func TestCalmSymptom(t *testing.T) {
	w := services()
	w.in.Symptom.At = minute(60)
	w.in.Until = minute(80)
	if r := w.rank(); len(r.Causes) > 0 || !strings.Contains(r.Abstained, "usual") || r.Retrain {
		t.Error(dump(r))
	}
}

// serving is a model on four pods with a GPU each.
func serving(slow func(pod, m int) float64) *world {
	w := &world{series: map[[2]string]*anomaly.Series{}, rng: rand.New(rand.NewPCG(5, 5))}
	w.in = rank.Input{Registry: metric.Builtin(), Symptom: rank.Symptom{
		Entity: "model/m", Metric: "request_latency_seconds", Effects: []rank.Effect{rank.Latency}, At: minute(100), Within: 5 * time.Minute,
		Signals: []schemas.Signal{{Version: "1", Feature: schemas.FeatureLatency, Detector: "ks", Score: 0.3, Threshold: 0.1}},
	}}
	for p := range 4 {
		pod, gpu, node := graph.Entity(fmt.Sprintf("pod/p%d", p)), graph.Entity(fmt.Sprintf("gpu/n%d/%d", p/2, p%2)), graph.Entity(fmt.Sprintf("node/n%d", p/2))
		w.edges = append(w.edges, [2]graph.Entity{"model/m", "deployment/d"}, [2]graph.Entity{"deployment/d", pod}, [2]graph.Entity{pod, gpu}, [2]graph.Entity{pod, node}, [2]graph.Entity{gpu, node})
	}
	for m := range 115 {
		total := 0.0
		for p := range 4 {
			v := 0.02*(1+0.03*w.rng.NormFloat64()) + slow(p, m)
			total += v
			w.put(graph.Entity(fmt.Sprintf("pod/p%d", p)), "request_latency_seconds", m, v)
			w.put(graph.Entity(fmt.Sprintf("pod/p%d", p)), "request_rate", m, 25)
			w.put(graph.Entity(fmt.Sprintf("gpu/n%d/%d", p/2, p%2)), "gpu_temperature_celsius", m, 60+w.rng.NormFloat64())
		}
		for _, e := range []graph.Entity{"model/m", "deployment/d"} {
			w.put(e, "request_latency_seconds", m, total/4)
			w.put(e, "request_rate", m, 100)
		}
	}
	return w
}

func only(pod int) func(p, m int) float64 {
	return func(p, m int) float64 {
		if p == pod && m >= 100 {
			return 0.06
		}
		return 0
	}
}

func all(_, m int) float64 {
	if m >= 100 {
		return 0.06
	}
	return 0
}

// heat a GPU by degrees from minute 98 on.
func (w *world) heat(gpu string, by float64) {
	s := w.series[[2]string{gpu, "gpu_temperature_celsius"}]
	for i := 98; i < len(s.V); i++ {
		s.V[i] += by
	}
}

func TestHotGPU(t *testing.T) {
	w := serving(only(2))
	w.heat("gpu/n1/0", 25)
	r := w.rank()
	if first(r) != "gpu/n1/0" || r.Retrain || r.Causes[0].Mechanism != "thermal_throttle" || !strings.HasPrefix(r.Advice, "Do not retrain: GPU n1/0 is throttling for heat") {
		t.Fatal(dump(r))
	}
	if r.Causes[0].Confidence < 0.8 || !slices.Equal(r.Causes[0].Path, []string{"gpu/n1/0", "pod/p2", "deployment/d", "model/m"}) {
		t.Error(dump(r.Causes[0]))
	}
}

// A hot GPU whose pod is no slower than the others is not the cause.
func TestHotGPUWhoseUsersDoNotSuffer(t *testing.T) {
	w := serving(only(0))
	w.heat("gpu/n1/0", 25)
	r := w.rank()
	if first(r) == "gpu/n1/0" {
		t.Fatal(dump(r))
	}
	if !slices.ContainsFunc(r.RuledOut, func(o schemas.RuledOut) bool {
		return o.Entity == "gpu/n1/0" && strings.Contains(o.Reason, "suffer no more")
	}) {
		t.Error(dump(r.RuledOut))
	}
}

// Heat never explains missing features.
func TestMechanism(t *testing.T) {
	w := serving(func(int, int) float64 { return 0 })
	w.heat("gpu/n1/0", 25)
	w.in.Symptom.Signals = []schemas.Signal{{Version: "1", Feature: "age", Detector: "missing", Score: 0.2, Threshold: 0.05}}
	w.in.Symptom.Effects, w.in.Symptom.Metric = rank.EffectsOf(w.in.Symptom.Signals), ""
	r := w.rank()
	if first(r) != "feature/age" || r.Causes[0].Kind != schemas.CauseInput || r.Retrain {
		t.Fatal(dump(r))
	}
	if !slices.ContainsFunc(r.RuledOut, func(o schemas.RuledOut) bool {
		return o.Entity == "gpu/n1/0" && strings.Contains(o.Reason, "does not explain inputs")
	}) {
		t.Error(dump(r.RuledOut))
	}
}

func TestXIDIsProof(t *testing.T) {
	w := serving(only(2))
	for m := range 115 {
		w.put("gpu/n1/0", "gpu_xid_last", m, 79*float64(m/99))
	}
	r := w.rank()
	if first(r) != "gpu/n1/0" || r.Causes[0].Mechanism != "gpu_lost" || !strings.Contains(dump(r.Causes[0].Evidence), "fell off the bus") {
		t.Error(dump(r))
	}
}

func TestDeploy(t *testing.T) {
	deploy := anomaly.OfChange(&schemas.Change{ID: "1", Kind: schemas.ChangeDeploy, Entity: "deployment/d", To: "2", Time: minute(95)})
	w := serving(all)
	w.in.Events = []anomaly.Event{deploy}
	if r := w.rank(); first(r) != "deployment/d" || r.Causes[0].Kind != schemas.CauseChange || r.Retrain {
		t.Error("a deploy before all became slow:", dump(r))
	}
	old := deploy
	old.Time = minute(-200)
	w.in.Events = []anomaly.Event{old}
	if r := w.rank(); len(r.Causes) > 0 && r.Causes[0].Kind == schemas.CauseChange {
		t.Error("a deploy five hours before:", dump(r))
	}
	w = serving(only(2))
	w.heat("gpu/n1/0", 25)
	w.in.Events = []anomaly.Event{deploy}
	if r := w.rank(); first(r) != "gpu/n1/0" {
		t.Error("a deploy of four pods of which one is slow:", dump(r))
	}
}

// All is slow and nothing shows why: nobody is named, and nothing retrained.
func TestUnobserved(t *testing.T) {
	r := serving(all).rank()
	if len(r.Causes) != 1 || r.Causes[0].Kind != schemas.CauseUnobserved || r.Retrain || r.Abstained == "" || !slices.Contains(r.Unobserved, "node/n0") {
		t.Error(dump(r))
	}
}

func TestTraffic(t *testing.T) {
	w := serving(all)
	for _, s := range w.series {
		for i := range s.V {
			if s.Metric == "request_rate" && i >= 99 {
				s.V[i] *= 2.5
			} else if s.Metric == "request_rate" {
				s.V[i] *= 1 + 0.01*w.rng.NormFloat64()
			}
		}
	}
	if r := w.rank(); first(r) != string(schemas.CauseTraffic) || r.Retrain {
		t.Error(dump(r))
	}
}

// Only data and concept are mended by training, and not while something else
// may be to blame.
func TestRetrain(t *testing.T) {
	signal := func(feature, detector string, strength float64) schemas.Signal {
		return schemas.Signal{Version: "1", Feature: feature, Detector: detector, Score: 0.1 * strength, Threshold: 0.1, NWindow: 1000, WindowStart: minute(100), WindowEnd: minute(105)}
	}
	for name, c := range map[string]struct {
		signals []schemas.Signal
		kind    schemas.CauseKind
		retrain bool
	}{
		"population":         {[]schemas.Signal{signal("income", "psi", 5), signal("_score", "wasserstein", 9)}, schemas.CauseData, true},
		"concept":            {[]schemas.Signal{signal("", "realised_performance", 3)}, schemas.CauseConcept, true},
		"broken input":       {[]schemas.Signal{signal("income", "psi", 5), signal("income", "missing", 4)}, schemas.CauseInput, false},
		"both":               {[]schemas.Signal{signal("income", "psi", 30), signal("age", "frozen", 4)}, schemas.CauseData, false},
		"frozen, of many":    {[]schemas.Signal{signal("device", "new_category", 35), signal("age", "constant", 1)}, schemas.CauseData, false},
		"outputs alone":      {[]schemas.Signal{signal("_score", "psi", 5)}, schemas.CauseUnobserved, false},
		"a job that stopped": {[]schemas.Signal{signal("job/features", "silent_dead_man", 3)}, schemas.CauseInput, false},
	} {
		w := serving(func(int, int) float64 { return 0 })
		w.in.Symptom.Signals, w.in.Symptom.Metric, w.in.Symptom.Effects = c.signals, "", rank.EffectsOf(c.signals)
		if r := w.rank(); len(r.Causes) == 0 || r.Causes[0].Kind != c.kind || r.Retrain != c.retrain || c.retrain != strings.HasPrefix(r.Advice, "Retrain") {
			t.Errorf("%s: %s", name, dump(r))
		}
	}
}

// Labels part from the estimate where inputs arrive broken, too: that is no
// reason to train again. Where inputs are well, it is, and a population that moved
// is not to blame: the estimate allows for it.
func TestConceptBesideBrokenInputs(t *testing.T) {
	gap := schemas.Signal{Version: "1", Detector: "concept_gap_roc_auc", Score: 0.3, Threshold: 0.05, NWindow: 1000, WindowStart: minute(100), WindowEnd: minute(105)}
	broken := schemas.Signal{Version: "1", Feature: "amount", Detector: "unit_change", Score: 2, Threshold: 1, NWindow: 1000, WindowStart: minute(100), WindowEnd: minute(105)}
	moved := schemas.Signal{Version: "1", Feature: "device", Detector: "new_category", Score: 0.4, Threshold: 0.01, NWindow: 1000, WindowStart: minute(75), WindowEnd: minute(80)}
	for _, c := range []struct {
		signals []schemas.Signal
		broken  []string // what another incident of the model is put down to
		retrain bool
	}{{[]schemas.Signal{gap}, nil, true}, {[]schemas.Signal{gap, broken}, nil, false}, {[]schemas.Signal{gap, moved}, nil, true}, {[]schemas.Signal{gap, moved}, []string{"device"}, false}} {
		w := serving(func(int, int) float64 { return 0 })
		w.in.Symptom.Signals, w.in.Symptom.Metric, w.in.Symptom.Effects = c.signals, "", []rank.Effect{rank.Performance}
		w.in.Symptom.Broken = c.broken
		if r := w.rank(); len(r.Causes) == 0 || r.Retrain != c.retrain || c.retrain && r.Causes[0].Kind != schemas.CauseConcept {
			t.Errorf("%d signals: %s", len(c.signals), dump(r))
		}
	}
}

// A stale pipeline explains the drift that it makes.
func TestStalePipeline(t *testing.T) {
	w := serving(func(int, int) float64 { return 0 })
	w.edges = append(w.edges, [2]graph.Entity{"model/m", "pipeline/features"})
	for m := range 115 {
		w.put("pipeline/features", "pipeline_freshness_seconds", m, 60+w.rng.NormFloat64()+60*float64(max(0, m-95)))
	}
	w.in.Symptom.Signals = []schemas.Signal{{Version: "1", Feature: "age", Detector: "psi", Score: 0.5, Threshold: 0.2, WindowStart: minute(100), WindowEnd: minute(105)}}
	w.in.Symptom.Metric, w.in.Symptom.Effects = "", rank.EffectsOf(w.in.Symptom.Signals)
	if r := w.rank(); first(r) != "pipeline/features" || r.Causes[0].Kind != schemas.CauseInput || r.Retrain {
		t.Error(dump(r))
	}
}

// A deploy of one version is not to blame for what other versions show too.
func TestDeployOfAnotherVersion(t *testing.T) {
	w := serving(func(int, int) float64 { return 0 })
	w.in.Events = []anomaly.Event{anomaly.OfChange(&schemas.Change{ID: "1", Kind: schemas.ChangeDeploy, Entity: "deployment/d", To: "2", Time: minute(95)})}
	for _, v := range []string{"1", "2"} {
		w.in.Symptom.Signals = append(w.in.Symptom.Signals, schemas.Signal{Version: v, Feature: "income", Detector: "psi", Score: 0.5, Threshold: 0.2})
	}
	w.in.Symptom.Signals = w.in.Symptom.Signals[1:]
	w.in.Symptom.Metric, w.in.Symptom.Effects = "", rank.EffectsOf(w.in.Symptom.Signals)
	if r := w.rank(); first(r) != string(schemas.CauseData) || !r.Retrain {
		t.Error(dump(r))
	}
}

// Whatever the telemetry, a diagnosis is well formed: finite, ordered, and the
// same again.
func TestRandomWorlds(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	names := []string{"latency", "requests", "availability", "gpu_temperature_celsius", "gpu_xid_last", "kafka_consumergroup_lag", "x_total", "x_sum", "x_count"}
	kinds := []string{"", "pod/", "gpu/", "node/", "pipeline/"}
	for range 300 {
		w := &world{series: map[[2]string]*anomaly.Series{}, rng: rng}
		var entities []graph.Entity
		for i := range 8 {
			entities = append(entities, graph.Entity(fmt.Sprintf("%se%d", kinds[rng.IntN(len(kinds))], i)))
		}
		for range 14 {
			w.edges = append(w.edges, [2]graph.Entity{entities[rng.IntN(8)], entities[rng.IntN(8)]})
		}
		for range 20 {
			e, name, jump := entities[rng.IntN(8)], names[rng.IntN(len(names))], math.Exp(5*rng.NormFloat64())
			for m := range rng.IntN(150) {
				w.put(e, name, m, rng.NormFloat64()+jump*float64(m/90))
			}
		}
		for _, s := range w.series {
			s.Sort()
		}
		w.in = rank.Input{Registry: metric.Builtin(), Symptom: rank.Symptom{Entity: entities[0], Metric: "latency", At: minute(95)}}
		if rng.IntN(2) == 0 {
			w.in.Events = []anomaly.Event{anomaly.OfChange(&schemas.Change{Kind: schemas.ChangeDeploy, Entity: string(entities[rng.IntN(8)]), Time: minute(80)})}
		}
		r := w.rank()
		text := dump(r)
		if text == "" || text != dump(w.rank()) {
			t.Fatalf("not the same again, or not finite: %+v", r)
		}
		for i, c := range r.Causes {
			if c.Score <= 0 || c.Confidence < 0 || c.Confidence > 1 || len(c.Path) == 0 || c.Title == "" || i > 0 && c.Score > r.Causes[i-1].Score || i > 0 && c.Confidence > r.Causes[0].Confidence {
				t.Fatal(text)
			}
		}
	}
}
