package rank

import (
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// mechanism says what a cause can do, and what to do about it.
type mechanism struct {
	kind    schemas.CauseKind
	explain map[Effect]float64 // how well it explains an effect, 0 to 1; what is not there it cannot
	spreads bool               // is a symptom itself as soon as something further down shows more
	is      string             // of an entity: "GPU 3 is throttling for heat"
	advice  string             // what to do
}

func effects(w float64, of ...Effect) map[Effect]float64 {
	out := map[Effect]float64{}
	for _, e := range of {
		out[e] = w
	}
	return out
}

func also(to map[Effect]float64, w float64, of ...Effect) map[Effect]float64 {
	for _, e := range of {
		to[e] = w
	}
	return to
}

// slower is what lack of capacity does.
func slower() map[Effect]float64 {
	return also(effects(1, Latency), 0.7, Throughput, Errors)
}

// mechanisms is the table: hardware slows and fails but never changes what
// features say; data change what features say but never slow anything. Weights
// are 1 for what a mechanism does by its nature, 0.7 for what it often does and
// 0.4 for what it may do.
var mechanisms = map[metric.Mechanism]mechanism{
	metric.Slow:              {schemas.CauseInfrastructure, slower(), true, "answers slowly", "look into it"},
	metric.Failing:           {schemas.CauseInfrastructure, also(effects(1, Errors), 0.7, Latency, Throughput, Silence), true, "fails", "look into its errors"},
	metric.Saturation:        {schemas.CauseInfrastructure, slower(), true, "has more waiting than it can serve", "add capacity or shed load"},
	metric.ThermalThrottle:   {schemas.CauseInfrastructure, slower(), false, "is throttling for heat", "check cooling; move the work to another GPU"},
	metric.PowerThrottle:     {schemas.CauseInfrastructure, slower(), false, "is throttling for power", "check power limits and supplies"},
	metric.ClockDrop:         {schemas.CauseInfrastructure, slower(), false, "runs at a low clock", "look for what throttles it"},
	metric.MemoryErrors:      {schemas.CauseInfrastructure, also(effects(1, Errors), 0.7, Latency, Throughput, Silence, Outputs), false, "has memory errors", "drain the node and reset the GPU"},
	metric.GPULost:           {schemas.CauseInfrastructure, effects(1, Errors, Latency, Throughput, Silence), false, "is lost", "drain and reboot the node"},
	metric.GPUFault:          {schemas.CauseInfrastructure, also(effects(1, Errors), 0.7, Latency, Throughput, Silence, Outputs), false, "reports a fault", "read the driver's log; reset the GPU"},
	metric.LinkErrors:        {schemas.CauseInfrastructure, slower(), false, "has link errors", "check the link and its peers"},
	metric.MemoryPressure:    {schemas.CauseInfrastructure, also(effects(1, Latency, Errors), 0.7, Throughput, Silence), false, "runs out of memory", "find the leak; restart it meanwhile"},
	metric.CPUPressure:       {schemas.CauseInfrastructure, slower(), false, "is short of processor time", "find what uses it; add capacity"},
	metric.DiskPressure:      {schemas.CauseInfrastructure, slower(), false, "is short of disk", "free space"},
	metric.Network:           {schemas.CauseInfrastructure, also(slower(), 0.7, Silence), false, "has a bad network", "check its interfaces and routes"},
	metric.ResourceElsewhere: {schemas.CauseInfrastructure, slower(), false, "is used by others too", "move one of them"},
	metric.CrashLoop:         {schemas.CauseInfrastructure, also(effects(1, Errors, Throughput, Silence), 0.7, Latency), false, "restarts again and again", "read why it ended last"},
	metric.StuckConsumer:     {schemas.CauseInput, also(effects(1, Throughput, Silence), 0.7, Inputs, Outputs, Performance, Latency), true, "is not read", "restart the consumer; see why it stands"},
	metric.StaleInput:        {schemas.CauseInput, also(effects(1, Inputs), 0.7, Outputs, Performance, Silence), true, "delivers old data", "run it again; serve from what is fresh"},
	metric.BrokenInput:       {schemas.CauseInput, also(effects(1, Inputs), 0.7, Outputs, Performance, Errors), true, "delivers broken data", "mend the source; hold what it delivered"},
	metric.StoppedJob:        {schemas.CauseInput, also(effects(1, Inputs, Silence), 0.7, Outputs, Performance, Throughput), true, "has stopped", "mend the job and run it again"},
	metric.Deploy:            {schemas.CauseChange, also(effects(1, Latency, Errors, Throughput, Outputs, Performance, Silence), 0.4, Inputs), false, "was deployed", "roll it back"},
	metric.ConfigChange:      {schemas.CauseChange, also(effects(1, Latency, Errors, Throughput, Silence), 0.7, Outputs, Performance, Inputs), false, "was configured anew", "undo the change"},
	metric.DriverChange:      {schemas.CauseChange, also(effects(1, Latency, Errors, Throughput, Silence), 0.4, Outputs), false, "got another driver", "go back to the driver before"},
	metric.DataChange:        {schemas.CauseChange, also(effects(1, Inputs), 0.7, Outputs, Performance), false, "changed its data", "ask the owner of the source"},
	metric.Retrained:         {schemas.CauseChange, also(effects(1, Outputs, Performance), 0.4, Latency), false, "was trained again", "go back to the version before"},
}

// makesData are the kinds of entity whose deploys and settings change what
// features say.
var makesData = map[graph.Kind]bool{graph.Pipeline: true, graph.Stage: true, graph.Topic: true, graph.Job: true, graph.Provider: true}

// makesBadData is how well mechanisms at such an entity explain inputs.
var makesBadData = map[metric.Mechanism]float64{
	metric.Deploy: 1, metric.ConfigChange: 1,
	metric.Failing: 0.7, metric.Slow: 0.7, metric.CrashLoop: 0.7, metric.Saturation: 0.7,
}

// explains is how well a mechanism at an entity explains the best explained of
// the effects.
func explains(m metric.Mechanism, at graph.Entity, of []Effect) float64 {
	best := 0.
	for _, e := range of {
		w := mechanisms[m].explain[e]
		if e == Inputs && makesData[at.Kind()] {
			w = max(w, makesBadData[m])
		}
		best = max(best, w)
	}
	return best
}

// kindOf a cause: what others run is a provider whatever it suffers from, and
// a pipeline that is slow or fails is bad input.
func kindOf(m metric.Mechanism, at graph.Entity) schemas.CauseKind {
	k := mechanisms[m].kind
	switch {
	case k == schemas.CauseInfrastructure && at.Kind() == graph.Provider:
		return schemas.CauseProvider
	case k == schemas.CauseInfrastructure && makesData[at.Kind()]:
		return schemas.CauseInput
	default:
		return k
	}
}
