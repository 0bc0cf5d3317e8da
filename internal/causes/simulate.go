package causes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/schemas"
)

// The simulated fleets: a model on two deployments of two pods, a GPU each, two
// GPUs a node, and a feature pipeline. They exist to fit and to check
// confidences, not accuracy: who draws the world knows what it looks like.

// simulated is an incident of a drawn world.
type simulated struct {
	in    rank.Input
	truth string // entity of the cause; empty: traffic, or nothing
	kind  schemas.CauseKind
}

// faults that a world may have. The strengths are drawn, so that some are too
// weak to be told from noise.
var simulatedFaults = []string{"thermal", "clock", "memory", "cpu", "xid", "deploy", "decoy", "traffic", "pipeline", "link", "pod"}

const simulatedMinutes = 150 // of which the last 30 are in trouble

// simulate draws a world: its fault, how strong it is, and what of it is not
// observed.
func simulate(seed uint64) simulated {
	d := drawer{rand.New(rand.NewPCG(seed, 77)), graph.New(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), map[[2]string]*anomaly.Series{}}
	fault := simulatedFaults[d.IntN(len(simulatedFaults))]
	hidden := d.Float64() < 1./6 // the series that show the cause are missing
	size := math.Exp(d.NormFloat64()*0.7 + 0.3)
	out := d.world(fault, size)
	series := make([]*anomaly.Series, 0, len(d.series))
	for _, s := range d.all() {
		if hidden && out.truth != "" && string(s.Entity) == out.truth {
			continue
		}
		series = append(series, s)
	}
	if hidden {
		out.in.Events = nil
	}
	out.in.Graph, out.in.Registry, out.in.Series = d.graph.Whole(), metric.Builtin(), series
	return out
}

// drawer draws series.
type drawer struct {
	*rand.Rand
	graph  *graph.Graph
	start  time.Time
	series map[[2]string]*anomaly.Series
}

// all series in the order of their names.
func (d *drawer) all() (out []*anomaly.Series) {
	c := collection{}
	for _, s := range d.series {
		c.order = append(c.order, s)
	}
	return sortedByName(c.sorted())
}

func (d *drawer) put(e graph.Entity, name string, m int, v float64) {
	k := [2]string{string(e), name}
	if d.series[k] == nil {
		d.series[k] = &anomaly.Series{Entity: e, Metric: name}
	}
	d.series[k].Add(d.start.Add(time.Duration(m)*time.Minute), v)
}

// world draws two and a half hours.
func (d *drawer) world(fault string, size float64) (out simulated) {
	const begins = simulatedMinutes - 30
	victim := d.IntN(4)
	model := graph.Of(graph.Model, "m")
	at := d.start.Add(begins * time.Minute)
	out.kind = schemas.CauseInfrastructure
	gpuOf := func(p int) graph.Entity { return graph.Of(graph.GPU, fmt.Sprintf("n%d/%d", p/2, p%2)) }
	podOf := func(p int) graph.Entity { return graph.Of(graph.Pod, fmt.Sprintf("p%d", p)) }
	nodeOf := func(p int) graph.Entity { return graph.Of(graph.Node, fmt.Sprintf("n%d", p/2)) }
	deploymentOf := func(p int) graph.Entity { return graph.Of(graph.Deployment, fmt.Sprintf("d%d", p%2)) }
	for p := range 4 {
		d.graph.SeePlace(graph.Place{Model: "m", Version: "v1", Deployment: deploymentOf(p).Name(), Pod: podOf(p).Name(), Node: nodeOf(p).Name(), GPU: gpuOf(p).Name()}, at)
	}
	pipeline := graph.Of(graph.Pipeline, "features")
	d.graph.See(model, pipeline, at)
	d.graph.See(gpuOf(victim), graph.Of(graph.Link, "l0"), at)
	switch fault {
	case "thermal", "clock", "xid":
		out.truth = string(gpuOf(victim))
	case "memory", "cpu":
		out.truth = string(nodeOf(victim))
	case "deploy":
		out.truth, out.kind = string(deploymentOf(victim)), schemas.CauseChange
	case "link":
		out.truth = "link/l0"
	case "decoy":
		out.truth = string(gpuOf(victim))
	case "pod":
		out.truth = string(podOf(victim))
	case "traffic":
		out.kind = schemas.CauseTraffic
	case "pipeline":
		out.truth, out.kind = string(pipeline), schemas.CauseInput
	}
	suffers := func(p int) bool {
		switch fault {
		case "thermal", "clock", "xid", "link", "decoy", "pod":
			return p == victim
		case "memory", "cpu":
			return p/2 == victim/2
		case "deploy":
			return p%2 == victim%2
		default:
			return fault == "traffic"
		}
	}
	lead := d.IntN(6)
	leaps := 2 + d.IntN(3)
	for m := range simulatedMinutes {
		on := 0.
		if m >= begins {
			on = size
		}
		root := 0.
		if m >= begins-lead {
			root = size
		}
		rate := 50 * (1 + 0.1*math.Sin(float64(m)/40)) * math.Exp(0.05*d.NormFloat64())
		if fault == "traffic" {
			rate *= 1 + root
		}
		total, slow := 0., 0.
		byDeployment := [2][2]float64{}
		for p := range 4 {
			requests := rate / 4 * math.Exp(0.05*d.NormFloat64())
			latency := 0.02 * math.Exp(0.08*d.NormFloat64())
			if d.IntN(60) == 0 {
				latency *= float64(leaps)
			}
			if suffers(p) {
				latency *= 1 + 0.6*on
			}
			total, slow = total+requests, slow+requests*latency
			byDeployment[p%2][0] += requests
			byDeployment[p%2][1] += requests * latency
			d.put(podOf(p), "request_rate", m, requests)
			d.put(podOf(p), "request_latency_seconds", m, latency)
			g := gpuOf(p)
			util := 0.9 + 0.05*d.NormFloat64()
			if d.IntN(4) == 0 {
				util = 0
			}
			hit := p == victim
			d.put(g, "gpu_utilization_ratio", m, util)
			d.put(g, "gpu_temperature_celsius", m, 62+1.5*d.NormFloat64()+pick(hit && (fault == "thermal" || fault == "decoy"), 14*root))
			d.put(g, "gpu_sm_clock_hertz", m, 1.41e9-math.Abs(1e7*d.NormFloat64())-pick(hit && (fault == "clock" || fault == "thermal"), 2e8*root))
			xid := 0.
			if hit && fault == "xid" && m >= begins-lead {
				xid = 79
			}
			d.put(g, "gpu_xid_last", m, xid)
		}
		for n := range 2 {
			node := nodeOf(2 * n)
			hit := n == victim/2
			d.put(node, "host_memory_utilization_ratio", m, 0.5+0.01*d.NormFloat64()+pick(hit && fault == "memory", 0.12*root))
			d.put(node, "host_cpu_utilization_ratio", m, 0.4+0.04*d.NormFloat64()+pick(hit && fault == "cpu", 0.25*root))
			e := graph.Of(graph.Deployment, fmt.Sprintf("d%d", n))
			d.put(e, "request_rate", m, byDeployment[n][0])
			d.put(e, "request_latency_seconds", m, byDeployment[n][1]/byDeployment[n][0])
		}
		d.put(graph.Of(graph.Link, "l0"), "link_errors_per_second", m, math.Abs(0.1*d.NormFloat64())+pick(fault == "link", 2*root))
		d.put(pipeline, "pipeline_freshness_seconds", m, 60+5*d.NormFloat64()+pick(fault == "pipeline", 600*root*float64(m-begins+lead+1)/30))
		d.put(model, "request_rate", m, total)
		d.put(model, "request_latency_seconds", m, slow/total)
	}
	out.in.Symptom = rank.Symptom{Entity: model, At: at, Within: 5 * time.Minute}
	feature := schemas.FeatureLatency
	if fault == "pipeline" {
		feature = "age"
	}
	out.in.Symptom.Signals = []schemas.Signal{{
		Version: "v1", Feature: feature, Detector: "psi", Score: 0.25 * size, Threshold: 0.2, NWindow: 3000, State: schemas.StateAlarm, WindowStart: at, WindowEnd: at.Add(5 * time.Minute),
	}}
	out.in.Symptom.Effects = rank.EffectsOf(out.in.Symptom.Signals)
	if feature == schemas.FeatureLatency {
		out.in.Symptom.Metric = "request_latency_seconds"
	}
	out.in.Until = at.Add(10 * time.Minute)
	if fault == "deploy" || fault == "decoy" || d.IntN(5) == 0 { // some changes are harmless
		e := deploymentOf(victim)
		if fault != "deploy" {
			e = deploymentOf(d.IntN(4))
		}
		out.in.Events = append(out.in.Events, anomaly.OfChange(&schemas.Change{ID: "1", Time: at.Add(-time.Duration(1+d.IntN(40)) * time.Minute), Kind: schemas.ChangeDeploy, Entity: string(e), To: "v1"}))
	}
	return out
}

func pick(is bool, v float64) float64 {
	if is {
		return v
	}
	return 0
}

// judgeSimulated runs a simulated incident. For an incident of traffic the
// right answer is the hypothesis.
func judgeSimulated(s simulated) judged {
	r := rank.Rank(s.in)
	j := judged{features: r.Features, named: r.Abstained == ""}
	if j.named && len(r.Causes) > 0 {
		top := &r.Causes[0]
		j.confidence, j.right = top.Confidence, top.Entity == s.truth && (s.truth != "" || top.Kind == s.kind)
	}
	return j
}
