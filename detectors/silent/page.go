package silent

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Page is the manual of the rules, docs/silent-failures.md.
func Page() []byte {
	var b bytes.Buffer
	b.WriteString(`# Silent failures

This page is generated from the code: ` + "`make generate`" + `.

Failures that raise no error: a job that stopped beating, an answer that is empty, labels that no longer come. The role
detect looks for them in the tables, for every tenant, model, job, telemetry source and consumer that is in them: nothing
needs to be configured. Findings are signals like any other, of the detector ` + "`silent_`" + ` and the rule's name; alarms
open incidents, apart from those of drift. A subject that is no model is the signal's feature (` + "`job/NAME`, `source/NAME`, `consumer/GROUP/TOPIC/PARTITION`, `monitor/driftline`" + `), under the model that it works for, or its own name.

**No data is a state of its own.** A subject that was never seen is ` + "`no_data`" + `, too little of it is ` + "`insufficient`" + `; neither is
ever a score of zero, and neither resolves an incident. A subject that was there and is no more is what the rules are for.

**Time.** Each stream (events, labels, telemetry, jobs) is judged at its own newest event time while it moves, so that a
replay, or a backlog, is judged at its own time. A stream that has not moved for ` + "`detect.silent.stall`" + ` is judged at the newest time of the
tenant's other streams: that is how its silence is seen. When nothing arrives at all, ` + "`monitor_blind`" + ` says so, by the wall clock.
When Driftline itself is down it cannot say so: alert from outside on the age of
` + "`driftline_silent_last_judged_timestamp_seconds`" + `, or on the absence of the signal ` + "`silent_monitor_blind`" + `.

**Settings** are under ` + "`detect.silent`" + ` ([configuration](configuration.md)): ` + "`params: {heartbeat: {min_silence: 300}}`" + ` for all subjects,
` + "`overrides: [{subject: job/nightly*, params: {dead_man: {min_silence: 90000}}, disable: [zombie]}]`" + ` for some. Times are in seconds.

`)
	for i := range register {
		r := &register[i]
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", r.Name, r.Name, r.Title)
	}
	for i := range register {
		register[i].manual(&b)
	}
	return b.Bytes()
}

func (r *Rule) manual(b *bytes.Buffer) {
	clock := "event time"
	if r.Wall {
		clock = "the wall clock"
	}
	fmt.Fprintf(b, "\n## %s\n\n%s Score: %s. Goes by %s.\n\n", r.Name, r.Doc, r.Unit, clock)
	fmt.Fprintf(b, "- **Use**: %s\n- **Blind to**: %s\n- **Source**: %s.\n", r.Use, r.Blind, r.Source)
	if r.Twin != "" {
		fmt.Fprintf(b, "- **Left out** for models with a reference: the detector `%s` sees the same there.\n", r.Twin)
	}
	b.WriteString("\n")
	b.WriteString("| parameter | default | unit | meaning |\n|---|---|---|---|\n")
	for _, p := range r.Params {
		value := strconv.FormatFloat(p.Default, 'g', -1, 64)
		if p.Unit == "seconds" && p.Default >= 120 {
			value += " (" + long(time.Duration(p.Default)*time.Second) + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, value, p.Unit, p.Doc)
	}
}
