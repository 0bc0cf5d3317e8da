package anomaly

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// Event is something that happened to an entity at a moment: evidence of a
// kind, with a weight of its own instead of a size.
type Event struct {
	Entity    graph.Entity
	Time      time.Time
	Name      string // such as xid_79 or deploy
	Mechanism metric.Mechanism
	Weight    float64 // prior evidence, on the scale of log(1 + z): 1.8 is just suspicious, 4 is all but proof
	Text      string  // one sentence
	Action    string  // what to do about it; may be empty
	To        string  // of a change: what it was changed to
	IsChange  bool    // made by people or machines on purpose
}

// Weights of events. A change is a suspicion that a clear anomaly outweighs;
// hardware that reports itself broken is hardly ever wrong.
const (
	weightProof    = 4.5
	weightStrong   = 3.5
	weightDeploy   = 2.6
	weightConfig   = 2.4
	weightSuspect  = 2.0
	weightHarmless = 1.0 // below suspicion, shown as evidence
)

// XID is what is known of an XID, an error that NVIDIA's driver reports.
type XID struct {
	Code      int
	Mechanism metric.Mechanism
	Weight    float64
	Meaning   string
	Action    string
}

// XIDs by code, after NVIDIA's catalogue for Ampere and newer. Those that
// applications cause (13, 31, 43, 45) and bookkeeping (63, 92) accuse nobody
// by themselves.
var XIDs = xids()

func xids() map[int]XID {
	out := map[int]XID{}
	for _, x := range []XID{
		{13, metric.GPUFault, weightHarmless, "graphics engine exception, most often the application's", "restart the application; the same GPU again and again is hardware"},
		{31, metric.GPUFault, weightHarmless, "memory page fault, most often the application's", "restart the application"},
		{43, metric.GPUFault, weightHarmless, "the GPU stopped processing for an application's fault", "restart the application"},
		{45, metric.GPUFault, weightHarmless, "cleanup after an earlier error", "look for the XID before it"},
		{48, metric.MemoryErrors, weightProof, "double-bit memory error", "drain the node and reset the GPU"},
		{62, metric.GPULost, weightProof, "micro-controller halted", "reset the GPU"},
		{63, metric.MemoryErrors, weightHarmless, "row of memory remapped", "reset the GPU at the next maintenance"},
		{64, metric.MemoryErrors, weightProof, "row remapping failed", "reset the GPU and consider replacing it"},
		{74, metric.LinkErrors, weightStrong, "NVLink error", "check the link and its peers; reset the GPUs"},
		{79, metric.GPULost, weightProof, "the GPU fell off the bus", "drain and reboot the node; replace the GPU if it happens again"},
		{92, metric.MemoryErrors, weightHarmless, "many single-bit memory errors", "watch it: it often comes before worse"},
		{94, metric.MemoryErrors, weightStrong, "contained memory error", "restart the application that was hit"},
		{95, metric.MemoryErrors, weightProof, "uncontained memory error", "drain the node and reset the GPU: everything on it is suspect"},
		{109, metric.GPUFault, weightStrong, "context switch timeout", "reset the GPU"},
		{119, metric.GPULost, weightProof, "the GPU's system processor does not answer", "reset the GPU"},
		{120, metric.GPULost, weightProof, "the GPU's system processor failed", "reset the GPU"},
		{136, metric.LinkErrors, weightStrong, "link training failed", "check the link"},
		{140, metric.MemoryErrors, weightProof, "unrecovered memory error", "reset the GPU"},
		{154, metric.GPUFault, weightStrong, "the driver asks for a recovery action", "do what the driver's log says"},
	} {
		out[x.Code] = x
	}
	for code := 144; code <= 150; code++ {
		out[code] = XID{code, metric.LinkErrors, weightStrong, "NVLink error", "check the link and its peers; reset the GPUs"}
	}
	return out
}

// Bits of gpu_clock_event_reasons that mean throttling.
const (
	powerBits   = 4 | 128
	thermalBits = 8 | 32 | 64
)

// Typed reads the events in a series whose numbers are names: XIDs and the
// reasons for low clocks. Its newest XID stays in a gauge, so that only a
// change of it is an event, and the first sample never is.
func Typed(s *Series, from, until time.Time) []Event {
	var out []Event
	for i := 1; i < len(s.T); i++ {
		at := time.UnixMilli(s.T[i]).UTC()
		if at.Before(from) || at.After(until) {
			continue
		}
		was, is := s.V[i-1], s.V[i]
		switch s.Metric {
		case "gpu_xid_last":
			if is != was && is > 0 {
				out = append(out, xidEvent(s.Entity, at, int(is)))
			}
		case "gpu_xid_errors":
			if code, known := codeOf(s.Label); known && is > was && is > 0 {
				out = append(out, xidEvent(s.Entity, at, code))
			}
		case "gpu_clock_event_reasons":
			out = append(out, clockEvents(s.Entity, at, was, is)...)
		}
	}
	return out
}

func codeOf(label string) (int, bool) {
	var code int
	n, err := fmt.Sscanf(label, "%d", &code)
	return code, err == nil && n == 1
}

func xidEvent(e graph.Entity, at time.Time, code int) Event {
	x, known := XIDs[code]
	if !known {
		x = XID{code, metric.GPUFault, weightSuspect, "an error of the driver", "look it up in NVIDIA's catalogue"}
	}
	return Event{
		Entity: e, Time: at, Name: fmt.Sprintf("xid_%d", code), Mechanism: x.Mechanism, Weight: x.Weight,
		Text: fmt.Sprintf("%s reported XID %d: %s", e, code, x.Meaning), Action: x.Action,
	}
}

func clockEvents(e graph.Entity, at time.Time, was, is float64) (out []Event) {
	if !(is >= 0 && is < math.MaxInt32 && was >= 0 && was < math.MaxInt32) {
		return nil
	}
	begun := int(is) &^ int(was)
	if begun&thermalBits != 0 {
		out = append(out, Event{
			Entity: e, Time: at, Name: "thermal_throttle", Mechanism: metric.ThermalThrottle, Weight: weightStrong,
			Text: fmt.Sprintf("%s began to lower its clocks for heat", e), Action: "check cooling and airflow; move the work to another GPU",
		})
	}
	if begun&powerBits != 0 {
		out = append(out, Event{
			Entity: e, Time: at, Name: "power_throttle", Mechanism: metric.PowerThrottle, Weight: weightSuspect,
			Text: fmt.Sprintf("%s began to lower its clocks for power", e), Action: "check power limits and supplies",
		})
	}
	return out
}

// OfChange is the event of a change.
func OfChange(c *schemas.Change) Event {
	e := Event{Entity: graph.Entity(c.Entity), Time: c.Time.UTC(), Name: string(c.Kind), To: c.To, IsChange: true, Weight: weightConfig}
	verb := map[schemas.ChangeKind]string{
		schemas.ChangeDeploy: "was deployed", schemas.ChangeConfig: "was configured anew", schemas.ChangeDriver: "got another driver",
		schemas.ChangeData: "changed its data", schemas.ChangeRetrain: "was trained again",
	}[c.Kind]
	switch c.Kind {
	case schemas.ChangeDeploy:
		e.Mechanism, e.Weight, e.Action = metric.Deploy, weightDeploy, "roll it back"
	case schemas.ChangeConfig:
		e.Mechanism, e.Action = metric.ConfigChange, "undo it"
	case schemas.ChangeDriver:
		e.Mechanism, e.Action = metric.DriverChange, "go back to the driver before"
	case schemas.ChangeData:
		e.Mechanism, e.Weight, e.Action = metric.DataChange, weightDeploy, "ask the owner of the source, and undo it"
	case schemas.ChangeRetrain:
		e.Mechanism, e.Weight, e.Action = metric.Retrained, weightDeploy, "go back to the version before"
	default:
		e.Mechanism, verb = metric.ConfigChange, "changed ("+string(c.Kind)+")"
	}
	e.Text = strings.TrimSpace(fmt.Sprintf("%s %s%s", e.Entity, verb, fromTo(c)))
	return e
}

func fromTo(c *schemas.Change) string {
	switch {
	case c.From != "" && c.To != "":
		return fmt.Sprintf(" from %s to %s", c.From, c.To)
	case c.To != "":
		return " to " + c.To
	default:
		return ""
	}
}

// OfJob is the event of a job's step, if it is one: runs that failed or were
// cancelled.
func OfJob(j *schemas.JobEvent) (Event, bool) {
	if j.State != schemas.JobFailed && j.State != schemas.JobCancelled {
		return Event{}, false
	}
	return Event{
		Entity: graph.Of(graph.Job, j.Job), Time: j.Time.UTC(), Name: "job_" + string(j.State), Mechanism: metric.StoppedJob,
		Weight: weightStrong, Text: fmt.Sprintf("run %s of job %s %s", j.RunID, j.Job, j.State), Action: "mend the job and run it again",
	}, true
}
