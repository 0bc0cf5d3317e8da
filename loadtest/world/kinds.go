package world

import (
	"slices"

	"github.com/driftline/driftline/schemas"
)

// Kind of a fault.
type Kind struct {
	Name     string            `json:"name"`
	About    string            `json:"about"`    // what happens, one line
	On       []string          `json:"on"`       // kinds of entity that can have it
	Means    string            `json:"means"`    // what its strength means
	Strength float64           `json:"strength"` // by default
	Harmless bool              `json:"harmless"` // no model suffers: nothing may alarm
	Cause    schemas.CauseKind `json:"cause"`    // empty for harmless kinds
	Retrain  bool              `json:"retrain"`  // whether training again mends it
	Inputs   bool              `json:"inputs"`   // it breaks features as they arrive
}

// Names of the kinds.
const (
	ThermalThrottle  = "thermal_throttle"
	PowerCap         = "power_cap"
	XID79            = "xid_79"
	ECCErrors        = "ecc_errors"
	NVLinkErrors     = "nvlink_errors"
	MemoryLeak       = "memory_leak"
	NodeNetwork      = "node_network"
	NoisyNeighbour   = "noisy_neighbour"
	StuckConsumer    = "stuck_consumer"
	StalePipeline    = "stale_pipeline"
	LabelFeedStopped = "label_feed_stopped"
	JobStuck         = "job_stuck"
	BadDeploy        = "bad_deploy"
	DriverUpgrade    = "driver_upgrade"
	SchemaChange     = "schema_change"
	UnitChange       = "unit_change"
	ProviderSlow     = "provider_slow"
	CovariateDrift   = "covariate_drift"
	ConceptDrift     = "concept_drift"
	TrafficSurge     = "traffic_surge"

	HarmlessDeploy = "harmless_deploy"
	GPUBusy        = "gpu_busy"
	LabelBacklog   = "label_backlog"
	PodRestart     = "pod_restart"
)

// Kinds are all kinds of fault, hardware first, harmless ones last.
var Kinds = []Kind{
	{
		Name: ThermalThrottle, On: []string{"gpu"}, Strength: 0.8, Cause: schemas.CauseInfrastructure,
		About: "a GPU at 88 °C lowers its clock; what runs on it takes longer", Means: "share of 70 % of the clock that is lost",
	},
	{
		Name: PowerCap, On: []string{"gpu"}, Strength: 0.8, Cause: schemas.CauseInfrastructure,
		About: "the power limit of a GPU falls, and its clock with it", Means: "share of 70 % of the clock that is lost",
	},
	{
		Name: XID79, On: []string{"gpu"}, Strength: 1, Cause: schemas.CauseInfrastructure,
		About: "a GPU falls off the bus: XID 79, no more telemetry of it; requests time out for two minutes, then the pods beside it take them", Means: "none: it is gone",
	},
	{
		Name: ECCErrors, On: []string{"gpu"}, Strength: 1, Cause: schemas.CauseInfrastructure,
		About: "corrected and uncorrected memory errors, XID 48, remapped rows; requests are repeated", Means: "what requests take longer, as a share",
	},
	{
		Name: NVLinkErrors, On: []string{"link"}, Strength: 1, Cause: schemas.CauseInfrastructure,
		About: "a link between two GPUs repeats what it sends, XID 74 on both; what runs on them takes longer", Means: "what requests take longer, as a share",
	},
	{
		Name: MemoryLeak, On: []string{"pod"}, Strength: 2, Cause: schemas.CauseInfrastructure,
		About: "memory of a pod grows to its limit in 20 minutes, then it restarts and grows again; the fuller, the slower", Means: "what requests take longer at the limit, as a share",
	},
	{
		Name: NodeNetwork, On: []string{"node"}, Strength: 1, Cause: schemas.CauseInfrastructure,
		About: "a network interface loses packets: receive errors, segments sent again; requests of the node's pods wait", Means: "what requests take longer, as a share",
	},
	{
		Name: NoisyNeighbour, On: []string{"node"}, Strength: 1, Cause: schemas.CauseInfrastructure,
		About: "somebody else uses a node's processors: steal time, throttled containers, slow pods", Means: "what requests take longer, as a share",
	},
	{
		Name: StuckConsumer, On: []string{"topic"}, Strength: 1, Cause: schemas.CauseInput, Inputs: true,
		About: "the consumer of a model's stream of events stands still; what it counts over an hour falls to 0 in ten minutes", Means: "none: it stands",
	},
	{
		Name: StalePipeline, On: []string{"stage"}, Strength: 0.9, Cause: schemas.CauseInput, Inputs: true,
		About: "a batch stage stops: no rows, an ever older watermark; its features keep the values of one old row", Means: "share of rows with old values",
	},
	{
		Name: LabelFeedStopped, On: []string{"stage"}, Strength: 1, Cause: schemas.CauseInput,
		About: "labels of a model no longer come", Means: "none: they stop",
	},
	{
		Name: JobStuck, On: []string{"job"}, Strength: 1, Cause: schemas.CauseInput,
		About: "a run of a job neither beats nor ends", Means: "none: it hangs",
	},
	{
		Name: BadDeploy, On: []string{"deployment"}, Strength: 0.8, Cause: schemas.CauseChange,
		About: "a new version is slower and answers otherwise", Means: "what requests take longer, as a share, and by how much its logit is off",
	},
	{
		Name: DriverUpgrade, On: []string{"node"}, Strength: 1, Cause: schemas.CauseChange,
		About: "a new GPU driver on a node; what runs there takes longer", Means: "what requests take longer, as a share",
	},
	{
		Name: SchemaChange, On: []string{"stage"}, Strength: 0.8, Cause: schemas.CauseInput, Inputs: true,
		About: "what comes from upstream has other fields: schema errors, features are missing", Means: "share of rows without the features",
	},
	{
		Name: UnitChange, On: []string{"model"}, Strength: 100, Cause: schemas.CauseInput, Inputs: true,
		About: "a feature arrives in another unit, and nothing complains", Means: "the factor",
	},
	{
		Name: ProviderSlow, On: []string{"provider"}, Strength: 2, Cause: schemas.CauseProvider,
		About: "a service that others run answers slowly; models that ask it wait", Means: "what the service takes longer, as a share",
	},
	{
		Name: CovariateDrift, On: []string{"model"}, Strength: 1.2, Cause: schemas.CauseData, Retrain: true,
		About: "another population: inputs move together and outcomes with them, by the same law", Means: "standard deviations by which what lies behind the features moves",
	},
	{
		Name: ConceptDrift, On: []string{"model"}, Strength: 1, Cause: schemas.CauseConcept, Retrain: true,
		About: "inputs stay, outcomes follow from them by another law", Means: "share of the strongest features' weights that turns into the opposite",
	},
	{
		Name: TrafficSurge, On: []string{"model"}, Strength: 1.4, Cause: schemas.CauseTraffic,
		About: "more requests than there is capacity for; they queue", Means: "additional traffic, as a share",
	},

	{
		Name: HarmlessDeploy, On: []string{"deployment"}, Strength: 1, Harmless: true,
		About: "a new version that answers as the old one does, as fast", Means: "none",
	},
	{
		Name: GPUBusy, On: []string{"gpu"}, Strength: 1, Harmless: true,
		About: "another workload fills a GPU: busy, warm, full of power, no throttling, nobody waits", Means: "none",
	},
	{
		Name: LabelBacklog, On: []string{"stage"}, Strength: 1, Harmless: true,
		About: "labels wait and come all at once when it is over", Means: "none",
	},
	{
		Name: PodRestart, On: []string{"pod"}, Strength: 1, Harmless: true,
		About: "a pod is started anew; its counters begin at 0", Means: "none",
	},
}

// KindOf a name, nil when there is none.
func KindOf(name string) *Kind {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return &Kinds[i]
}

func kindNames() (out []string) {
	for _, k := range Kinds {
		out = append(out, k.Name)
	}
	return out
}
