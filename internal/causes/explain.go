package causes

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/schemas"
)

// Options of Explain.
type Options struct {
	Edges     string    // file
	Telemetry string    // file
	Symptom   string    // entity, a slash and a metric
	At        time.Time // when the symptom was seen
	Metrics   []metric.Entry
}

// Explanation is what `driftline explain` prints.
type Explanation struct {
	Symptom    string             `json:"symptom"`
	At         time.Time          `json:"at"`
	Onset      time.Time          `json:"onset"` // of the symptom, as its own series shows it
	Causes     []schemas.Cause    `json:"causes"`
	RuledOut   []schemas.RuledOut `json:"ruled_out"`
	Unobserved []string           `json:"unobserved"`
	Abstained  string             `json:"abstained"` // why no cause is named; empty when one is
	Advice     string             `json:"advice"`
}

// Explain ranks the causes of a symptom over files.
func Explain(o Options) (*Explanation, error) {
	g, err := open(o.Edges, ReadEdges)
	if err != nil {
		return nil, fmt.Errorf("read edges: %w", err)
	}
	series, err := open(o.Telemetry, ReadTelemetry)
	if err != nil {
		return nil, fmt.Errorf("read telemetry: %w", err)
	}
	registry, err := metric.New(o.Metrics)
	if err != nil {
		return nil, err
	}
	entity, name, err := split(o.Symptom, series)
	if err != nil {
		return nil, err
	}
	res := rank.Rank(rank.Input{
		Graph: g.Whole(), Registry: registry, Series: series,
		Symptom: rank.Symptom{Entity: entity, Metric: name, At: o.At},
	})
	return &Explanation{
		Symptom: o.Symptom, At: o.At.UTC(), Onset: res.Onset, Causes: res.Causes, RuledOut: res.RuledOut,
		Unobserved: res.Unobserved, Abstained: res.Abstained, Advice: res.Advice,
	}, nil
}

// split finds the slash between entity and metric: names may have slashes
// themselves, so that the telemetry decides.
func split(symptom string, series []*anomaly.Series) (graph.Entity, string, error) {
	var of []string
	for i, r := range symptom {
		if r != '/' {
			continue
		}
		entity, name := graph.Entity(symptom[:i]), symptom[i+1:]
		for _, s := range series {
			if s.Entity == entity && s.Metric == name {
				return entity, name, nil
			}
			if s.Entity == entity && len(of) < 10 {
				of = append(of, s.Metric)
			}
		}
	}
	switch {
	case len(of) > 0:
		return "", "", fmt.Errorf("the telemetry has no series %s; metrics of that entity: %s", symptom, strings.Join(of, ", "))
	case !strings.Contains(symptom, "/"):
		return "", "", fmt.Errorf("symptom %q: want ENTITY/METRIC, such as frontend/latency", symptom)
	default:
		return "", "", fmt.Errorf("the telemetry has no series %s, and no other of that entity", symptom)
	}
}

// WriteText is the explanation for people.
func (e *Explanation) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s at %s, began %s\n", e.Symptom, e.At.Format(time.RFC3339), e.Onset.Format(time.RFC3339))
	if e.Abstained != "" {
		fmt.Fprintf(w, "no cause named: %s\n", e.Abstained)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if len(e.Causes) > 0 {
		fmt.Fprint(t, "\nCAUSE\tMETRIC\tSCORE\tCONFIDENCE\tONSET\tPATH\n")
		for i := range e.Causes {
			c := &e.Causes[i]
			fmt.Fprintf(t, "%s\t%s\t%.2f\t%.0f %%\t%s\t%s\n", orKind(c), c.Metric, c.Score, 100*c.Confidence, c.Onset.Format(time.TimeOnly), strings.Join(c.Path, " → "))
		}
		fmt.Fprint(t, "\nEVIDENCE\tMETRIC\tBEFORE\tAFTER\tZ\tN\tLEAD\n")
		for _, v := range e.Causes[0].Evidence {
			fmt.Fprintf(t, "%s\t%s\t%.4g\t%.4g\t%+.1f\t%d\t%s\n", v.Entity, v.Metric, v.Before, v.After, v.Z, v.N, time.Duration(v.LeadS*float64(time.Second)))
		}
	}
	if len(e.RuledOut) > 0 {
		fmt.Fprint(t, "\nRULED OUT\tMETRIC\tWHY\n")
		for _, r := range e.RuledOut {
			fmt.Fprintf(t, "%s\t%s\t%s\n", r.Entity, r.Metric, r.Reason)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(e.Unobserved) > 0 {
		fmt.Fprintf(w, "\nnot observed: %s\n", strings.Join(e.Unobserved, ", "))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", e.Advice)
	return err
}

func orKind(c *schemas.Cause) string {
	if c.Entity != "" {
		return c.Entity
	}
	return "(" + string(c.Kind) + ")"
}
