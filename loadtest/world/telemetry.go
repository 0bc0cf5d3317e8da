package world

import (
	"math"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// sample is one value, before it is written in some form.
type sample struct {
	source, metric, unit         string
	value                        float64
	model, deployment, pod, node string
	gpu                          string
	labels                       labels
}

type labels [][2]string

// samples of one scrape.
type samples struct {
	at     time.Time
	tenant string
	list   []schemas.Sample
}

func (s *samples) add(v sample) {
	out := schemas.Sample{
		Tenant: s.tenant, Time: s.at, Source: v.source, Metric: v.metric, Value: v.value, Unit: v.unit,
		Model: v.model, Deployment: v.deployment, Pod: v.pod, Node: v.node, GPU: v.gpu,
	}
	if len(v.labels) > 0 {
		out.Labels = make(map[string]string, len(v.labels))
		for _, l := range v.labels {
			out.Labels[l[0]] = l[1]
		}
	}
	s.list = append(s.list, out)
}

// scrape reads the telemetry of everything, the k-th time.
func (w *World) scrape(k uint64) samples {
	at := w.Start.Add(time.Duration(k) * w.Scrape)
	ms := at.UnixMilli()
	out := samples{at: at, tenant: w.Tenant, list: make([]schemas.Sample, 0, 20*len(w.gpus)+14*len(w.pods))}
	seed := func(part, i int) { w.scraped.Seed(w.Seed, streamTelemetry+uint64(part)<<24+uint64(i), k) }
	for i, g := range w.gpus {
		seed(0, i)
		w.watch(g, ms, &out)
	}
	for i, l := range w.links {
		seed(1, i)
		w.watchLink(l, ms, &out)
	}
	for i, n := range w.nodes {
		seed(2, i)
		w.watchNode(n, ms, &out)
	}
	for i, p := range w.pods {
		seed(3, i)
		w.watchPod(p, ms, &out)
	}
	for i, s := range w.stages {
		seed(4, i)
		w.watchStage(s, ms, &out)
	}
	for i, p := range w.providers {
		seed(5, i)
		w.watchProvider(p, &out)
	}
	return out
}

// watchNode draws a scrape of a host.
func (w *World) watchNode(n *node, ms int64, out *samples) {
	d := w.scraped
	cpu, steal := max(0.02, d.Normal(0.35, 0.03)), math.Abs(d.Normal(0, 0.002))
	if d.Float64() < 0.02 {
		n.errors.add(1)
	}
	n.retransmits.add(math.Round(5 + 5*d.Float64()))
	if s, _ := n.faults.of(NoisyNeighbour, ms); s > 0 {
		cpu, steal = min(0.99, cpu+0.5), 0.2+d.Normal(0, 0.02)
	}
	if s, _ := n.faults.of(NodeNetwork, ms); s > 0 {
		n.errors.add(math.Round(s * (60 + 40*d.Float64())))
		n.retransmits.add(math.Round(s * (800 + 400*d.Float64())))
	}
	add := func(name, unit string, v float64) {
		out.add(sample{source: "node", metric: name, unit: unit, value: v, node: n.name})
	}
	add("host_cpu_utilization_ratio", "ratio", draw.Digits(cpu, 4))
	add("host_cpu_steal_ratio", "ratio", draw.Digits(steal, 4))
	add("host_memory_available_bytes", "bytes", math.Round(400e9+d.Normal(0, 2e9)))
	add("node_network_receive_errs_total", "", float64(n.errors))
	add("node_netstat_Tcp_RetransSegs", "", float64(n.retransmits))
}

// Memory of a pod.
const (
	podBytes  = 6e9
	podLimit  = 16e9
	restarted = 30 * time.Second
)

// watchPod draws a scrape of a pod: of its container, and as its serving system
// shows it.
func (w *World) watchPod(p *pod, ms int64, out *samples) {
	d := w.scraped
	bytes := podBytes + d.Normal(0, 5e7)
	for _, f := range p.faults {
		step := w.Scrape.Milliseconds()
		switch s := f.at(ms); {
		case f.Kind == MemoryLeak && s > 0:
			bytes += (podLimit - podBytes) * filled(f, ms)
			if ms-step >= f.start && filled(f, ms) < filled(f, ms-step) {
				p.restart()
			}
		case f.Kind == PodRestart && f.start > ms-step && f.start <= ms:
			p.restart()
		}
	}
	if s, _ := p.gpu.node.faults.of(NoisyNeighbour, ms); s > 0 {
		p.starved.add(w.Scrape.Seconds() * 0.3 * (0.8 + 0.4*d.Float64()))
	}
	m := p.deployment.model
	add := func(source, name, unit string, v float64, more ...[2]string) {
		out.add(sample{source: source, metric: name, unit: unit, value: v, model: m.name, deployment: p.deployment.name, pod: p.name, node: p.gpu.node.name, labels: more})
	}
	add("cadvisor", "container_memory_working_set_bytes", "bytes", math.Round(bytes))
	add("cadvisor", "container_cpu_cfs_throttled_seconds_total", "seconds", draw.Digits(float64(p.starved), 3))
	add("kube-state-metrics", "kube_pod_container_status_restarts_total", "", float64(p.restarts))
	if !p.gpu.silent {
		waiting := 0.
		if over := w.load(p, ms) - 0.6; over > 0 {
			waiting = math.Round(100 * over * (0.8 + 0.4*d.Float64()))
		}
		m.serving.show(p, waiting, func(name, unit string, v float64, more ...[2]string) {
			add(m.serving.name, name, unit, v, more...)
		})
	}
	p.recent, p.recentMS, p.recentQS = 0, 0, 0
}

// restart sets what a process counts to 0.
func (p *pod) restart() {
	p.requests, p.failed, p.seconds, p.waited, p.tokens = 0, 0, 0, 0, 0
	p.restarts.add(1)
}

// serve counts a request.
func (p *pod) serve(a *answered) {
	ms := *a.event.LatencyMS
	p.requests.add(1)
	p.seconds.add(ms / 1000)
	p.waited.add(a.waits / 1000)
	p.tokens.add(math.Round(ms))
	p.recent, p.recentMS, p.recentQS = p.recent+1, p.recentMS+ms, p.recentQS+a.waits
}

// watchProvider draws a scrape of a provider as each of its models sees it.
func (w *World) watchProvider(p *provider, out *samples) {
	for _, m := range p.models {
		n := p.recent[m]
		p.requests[m].add(float64(n))
		add := func(name, unit string, v float64) {
			out.add(sample{source: "gateway", metric: name, unit: unit, value: v, model: m.name, labels: labels{{"provider", p.name}}})
		}
		add("provider_requests_total", "", float64(*p.requests[m]))
		add("provider_errors_total", "", math.Floor(float64(*p.requests[m])/4000))
		if n > 0 {
			add("provider_request_seconds", "seconds", draw.Digits(p.waited[m]/float64(n)/1000, 6))
		}
		p.recent[m], p.waited[m] = 0, 0
	}
}
