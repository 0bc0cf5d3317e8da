package metric

// Mechanism is a way in which one thing does harm to another. Which symptoms
// it can explain is in package rank.
type Mechanism string

// The mechanisms.
const (
	Slow              Mechanism = "slow"               // answers take longer
	Failing           Mechanism = "failing"            // answers fail or do not come
	Traffic           Mechanism = "traffic"            // more or fewer requests
	Saturation        Mechanism = "saturation"         // queues, full caches, no capacity left
	ThermalThrottle   Mechanism = "thermal_throttle"   // clocks lowered for heat
	PowerThrottle     Mechanism = "power_throttle"     // clocks lowered for power
	ClockDrop         Mechanism = "clock_drop"         // clocks lower under load, nobody says why
	MemoryErrors      Mechanism = "memory_errors"      // ECC and remapped rows
	GPULost           Mechanism = "gpu_lost"           // off the bus, halted, not answering
	GPUFault          Mechanism = "gpu_fault"          // XIDs of applications and engines
	LinkErrors        Mechanism = "link_errors"        // NVLink and PCIe
	MemoryPressure    Mechanism = "memory_pressure"    // memory of a host or a GPU runs out
	CPUPressure       Mechanism = "cpu_pressure"       // processors busy
	DiskPressure      Mechanism = "disk_pressure"      // disks full or slow
	Network           Mechanism = "network"            // loss, retransmits, errors
	CrashLoop         Mechanism = "crash_loop"         // restarts
	StuckConsumer     Mechanism = "stuck_consumer"     // lag grows
	StaleInput        Mechanism = "stale_input"        // data are older than they should be
	BrokenInput       Mechanism = "broken_input"       // data are missing, null, of another schema or unit
	StoppedJob        Mechanism = "stopped_job"        // a job failed or no longer beats
	Deploy            Mechanism = "deploy"             // new code or model version
	ConfigChange      Mechanism = "config_change"      // new settings
	DriverChange      Mechanism = "driver_change"      // of a GPU or a kernel
	DataChange        Mechanism = "data_change"        // of an upstream source
	Retrained         Mechanism = "retrained"          // a model trained again
	PopulationShift   Mechanism = "population_shift"   // other inputs, rightly delivered
	ConceptShift      Mechanism = "concept_shift"      // other outcomes for the same inputs
	NothingObserved   Mechanism = "nothing_observed"   // what is measured does not explain it
	ResourceElsewhere Mechanism = "resource_elsewhere" // other use of a shared resource
)

// Mechanisms are all that a metric may have.
var Mechanisms = []Mechanism{
	Slow, Failing, Traffic, Saturation, ThermalThrottle, PowerThrottle, ClockDrop, MemoryErrors, GPULost, GPUFault, LinkErrors,
	MemoryPressure, CPUPressure, DiskPressure, Network, CrashLoop, StuckConsumer, StaleInput, BrokenInput, StoppedJob, ResourceElsewhere,
}
