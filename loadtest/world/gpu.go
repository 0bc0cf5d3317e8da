package world

import (
	"math"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
)

// gpu is an accelerator with 80 GB and 400 W.
type gpu struct {
	name   string
	index  int // on its node
	node   *node
	link   *link // nil when it has none
	pods   []*pod
	faults faults

	warm                          float64 // die, °C
	thermal, power                counter // seconds throttled
	corrected, uncorrected, remap counter
	replays                       counter
	energy                        counter // joules
	silent                        bool    // off the bus
}

// clock is the share of a GPU's clock that faults leave.
func (g *gpu) clock(ms int64) float64 {
	clock := 1.
	for _, kind := range []string{ThermalThrottle, PowerCap} {
		if s, _ := g.faults.of(kind, ms); s > 0 {
			clock *= 1 - 0.7*min(s, 1)
		}
	}
	return clock
}

// Bits of the reasons for low clocks.
const (
	reasonIdle       = 1
	reasonPowerCap   = 4
	reasonSWThermal  = 32
	reasonHWThermal  = 64
	reasonPowerBrake = 128
)

// watch draws a scrape of a GPU. Utilisation has two modes, as kernels run or
// do not; power follows it at once, temperature with a lag, and the clock falls
// a little under load. The ranges are those of A100 clusters: 27 to 80 °C, 63
// to 400 W, clocks up to 1410 MHz, memory near full once taken.
func (w *World) watch(g *gpu, ms int64, out *samples) {
	d, step := w.scraped, w.Scrape.Seconds()
	load := 0.
	for _, p := range g.pods {
		load += w.load(p, ms)
	}
	util := math.Round(8 * d.Float64())
	if d.Float64() < 0.1+0.8*min(load, 1) {
		util = min(100, math.Round(d.Normal(93, 5)))
	}
	if s, _ := g.faults.of(GPUBusy, ms); s > 0 {
		util = math.Round(98 + 2*d.Float64())
	}
	g.warm += 0.3 * (33 + 0.42*util - g.warm)
	celsius, watts, limit, clock := g.warm+d.Normal(0, 0.8), 66+3.2*util+d.Normal(0, 8), 400., g.clock(ms)
	mhz, reasons := (1410-15*math.Round(3*util/100*d.Float64()))*clock, 0
	if util < 10 {
		reasons |= reasonIdle
	}
	if s, _ := g.faults.of(ThermalThrottle, ms); s > 0 {
		g.warm += 0.6 * (88 - g.warm)
		celsius, reasons = max(celsius, 88+d.Normal(0, 1)), reasons|reasonSWThermal|reasonHWThermal
		watts *= clock
		g.thermal.add(step * s * (0.85 + 0.15*d.Float64()))
	}
	if s, _ := g.faults.of(PowerCap, ms); s > 0 {
		limit = 400 * clock
		watts, reasons = min(watts, limit+d.Normal(0, 3)), reasons|reasonPowerCap|reasonPowerBrake
		g.power.add(step * s * (0.85 + 0.15*d.Float64()))
	}
	xid := w.broken(g, ms)
	if g.silent {
		return
	}
	g.energy.add(max(watts, 60) * step)
	add := func(name, unit string, v float64) {
		out.add(sample{source: "dcgm", metric: name, unit: unit, value: v, node: g.node.name, gpu: g.name, labels: labels{{"modelName", "A100-SXM4-80GB"}}})
	}
	add("DCGM_FI_DEV_GPU_UTIL", "%", util)
	add("DCGM_FI_DEV_MEM_COPY_UTIL", "%", math.Round(0.6*util))
	add("DCGM_FI_DEV_GPU_TEMP", "C", math.Round(celsius))
	add("DCGM_FI_DEV_MEMORY_TEMP", "C", math.Round(celsius+8))
	add("DCGM_FI_DEV_POWER_USAGE", "W", draw.Digits(max(watts, 60), 1))
	add("DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "W", draw.Digits(limit, 1))
	add("DCGM_FI_DEV_SM_CLOCK", "MHz", math.Round(mhz))
	add("DCGM_FI_DEV_FB_USED", "MiB", 70_000+float64(1500*g.index)+math.Round(d.Normal(0, 40)))
	add("DCGM_FI_DEV_XID_ERRORS", "", float64(xid))
	add("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "", float64(reasons))
	add("DCGM_FI_DEV_THERMAL_VIOLATION", "ns", math.Round(float64(g.thermal)*1e9))
	add("DCGM_FI_DEV_POWER_VIOLATION", "ns", math.Round(float64(g.power)*1e9))
	add("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "", float64(g.corrected))
	add("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "", float64(g.uncorrected))
	add("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "", float64(g.remap))
	add("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "", float64(g.replays))
	add("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "mJ", math.Round(float64(g.energy)*1000))
}

// gasps is how long a GPU that falls off the bus can still be read.
const gasps = time.Minute

// broken draws the errors of a scrape and gives the last XID.
func (w *World) broken(g *gpu, ms int64) (xid int) {
	d := w.scraped
	if d.Float64() < 0.002 { // cosmic rays
		g.corrected.add(1)
	}
	if d.Float64() < 0.002 {
		g.replays.add(1)
	}
	for _, f := range g.faults {
		if ms < f.start {
			continue
		}
		during := ms < f.end
		switch f.Kind {
		case XID79:
			xid, g.silent = 79, during && f.since(ms) >= gasps
		case ECCErrors:
			xid = 48 // stays when it is over
			if during {
				g.corrected.add(math.Round(20 + 40*d.Float64()))
				if d.Float64() < 0.3 {
					g.uncorrected.add(1)
					g.remap.add(1)
				}
			}
		}
	}
	if g.link != nil {
		for _, f := range g.link.faults {
			if f.Kind == NVLinkErrors && ms >= f.start {
				xid = 74
			}
		}
	}
	return xid
}

// watchLink draws a scrape of a link, as both of its GPUs count.
func (w *World) watchLink(l *link, ms int64, out *samples) {
	d := w.scraped
	if d.Float64() < 0.01 {
		l.crc.add(1)
	}
	if s, _ := l.faults.of(NVLinkErrors, ms); s > 0 {
		l.crc.add(math.Round(s * (300 + 200*d.Float64())))
		l.replays.add(math.Round(s * (80 + 60*d.Float64())))
		if d.Float64() < 0.5 {
			l.recoveries.add(1)
		}
	}
	for _, g := range l.ends {
		if g.silent {
			continue
		}
		add := func(name string, v counter) {
			out.add(sample{source: "dcgm", metric: name, value: float64(v), node: g.node.name, gpu: g.name, labels: labels{{"link", l.name}}})
		}
		add("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", l.crc)
		add("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", l.replays)
		add("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", l.recoveries)
	}
}
