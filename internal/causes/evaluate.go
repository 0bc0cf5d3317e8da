package causes

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/schemas"
)

// Report is what the ranking of causes is worth.
type Report struct {
	PetShop    []SystemReport `json:"petshop"`
	Confidence []Reliability  `json:"confidence"` // on simulated incidents that the weights were not fitted on, and on PetShop
}

// Evaluate measures the ranking on the PetShop data set in a folder, and its
// confidence on simulated incidents too.
func Evaluate(ctx context.Context, dir string) (*Report, error) {
	systems, all, err := evaluatePetShop(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &Report{PetShop: systems, Confidence: []Reliability{
		reliability("simulated", evaluateSimulated()), reliability("PetShop", all),
	}}, nil
}

// WriteText is the report for people.
func (r *Report) WriteText(w io.Writer) error { return r.write(w, (*grid).text) }

// WriteMarkdown is the report for the manual.
func (r *Report) WriteMarkdown(w io.Writer) error { return r.write(w, (*grid).markdown) }

func (r *Report) write(w io.Writer, print func(*grid, io.Writer) error) error {
	for i := range r.PetShop {
		s := &r.PetShop[i]
		robust := append(append([]Score{}, s.Late...), s.Dropped)
		for _, part := range []struct {
			title  string
			scores []Score
		}{
			{"PetShop " + s.System + ", all incidents", s.All},
			{"PetShop " + s.System + ", its test part", s.Test},
			{"PetShop " + s.System + ", driftline, incidents seen later or with less telemetry", robust},
		} {
			g := scores(part.scores)
			fmt.Fprintf(w, "%s:\n\n", part.title)
			if err := print(&g, w); err != nil {
				return err
			}
			fmt.Fprintln(w)
		}
		n := s.Normal
		fmt.Fprintf(w, "PetShop %s, %d windows of normal operation: a cause is named in %d (%.1f %%); in %d (%.1f %%) when the symptom is taken for granted.\n\n",
			s.System, n.Windows, n.Named, percent(n.Named, n.Windows), n.Believed, percent(n.Believed, n.Windows))
	}
	g := reliabilities(r.Confidence)
	fmt.Fprint(w, "Confidence of the first cause, and how often it was right:\n\n")
	return print(&g, w)
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// SystemReport is of one system of PetShop.
type SystemReport struct {
	System  string  `json:"system"`
	All     []Score `json:"all"`      // of all cases, ours first
	Test    []Score `json:"test"`     // of the data set's test part
	Late    []Score `json:"late"`     // ours, seen later; named by the time
	Dropped Score   `json:"dropped"`  // ours, without a fifth of the series
	Normal  Normal  `json:"no_issue"` // windows of normal operation
}

// Normal says how often a cause is named where there is none.
type Normal struct {
	Windows  int `json:"windows"`
	Named    int `json:"named"`    // with a cause, of a symptom that somebody claims
	Believed int `json:"believed"` // with a cause, of a symptom that is taken for granted
}

// lateBy are the times by which incidents are seen later.
var lateBy = []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute}

// drops are the draws of series that are left out.
const drops = 5

// evaluatePetShop measures ours and the baselines on the PetShop data set in a
// folder.
func evaluatePetShop(ctx context.Context, dir string) ([]SystemReport, []judged, error) {
	systems, err := ReadPetShop(dir)
	if err != nil {
		return nil, nil, err
	}
	var out []SystemReport
	var all []judged
	for i := range systems {
		s := &systems[i]
		r := SystemReport{System: s.Name}
		for _, m := range append([]method{ours}, baselines...) {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			r.All = append(r.All, score(m.name, run(m, s, every, 0, nil)))
			r.Test = append(r.Test, score(m.name, run(m, s, func(c *Case) bool { return c.Test }, 0, nil)))
		}
		for _, late := range lateBy {
			r.Late = append(r.Late, score(fmt.Sprintf("seen %.0f minutes later", late.Minutes()), run(ours, s, every, late, nil)))
		}
		var places []int
		for seed := range uint64(drops) {
			places = append(places, run(ours, s, every, 0, dropping(0.2, seed+1))...)
		}
		r.Dropped = score("without a fifth of the series", places)
		r.Normal = normal(s)
		for i := range s.Cases {
			c := &s.Cases[i]
			all = append(all, judge(diagnose(s, c, before(s.Normal, c), c.At), string(c.Cause)))
		}
		out = append(out, r)
	}
	return out, all, nil
}

func every(*Case) bool { return true }

// normal looks for causes every half hour of normal operation, at a symptom
// that the system's cases have.
func normal(s *System) (n Normal) {
	if len(s.Cases) == 0 || len(s.Normal) == 0 {
		return n
	}
	long := s.Normal[0]
	for _, one := range s.Normal {
		if one.Len() > long.Len() {
			long = one
		}
	}
	for i := 60; i+4 < long.Len(); i += 6 {
		at := time.UnixMilli(long.T[i]).UTC()
		for _, name := range []string{"latency_Average", "availability_Average"} {
			in := rank.Input{
				Graph: s.Graph, Registry: metric.Builtin(), Series: upTo(s.Normal, at.Add(20*time.Minute)),
				Symptom: rank.Symptom{Entity: s.Cases[0].Entity, Metric: name, At: at},
			}
			n.Windows++
			if len(rank.Rank(in).Causes) > 0 {
				n.Named++
			}
			in.Symptom.Signals = []schemas.Signal{{Feature: schemas.FeatureLatency, Detector: "ks", State: schemas.StateAlarm}}
			if causes := rank.Rank(in).Causes; len(causes) > 0 && causes[0].Kind != schemas.CauseUnobserved {
				n.Believed++
			}
		}
	}
	return n
}

// upTo is what was known at a time.
func upTo(series []*anomaly.Series, at time.Time) (out []*anomaly.Series) {
	for _, s := range series {
		cut := *s
		for cut.Len() > 0 && cut.T[cut.Len()-1] > at.UnixMilli() {
			cut.T, cut.V = cut.T[:cut.Len()-1], cut.V[:cut.Len()-1]
		}
		out = append(out, &cut)
	}
	return out
}

// table is a header and rows of a report.
type grid struct {
	header []string
	rows   [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

func (g *grid) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{g.header}, g.rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

func (g *grid) markdown(w io.Writer) error {
	fmt.Fprintf(w, "| %s |\n|---%s|\n", strings.Join(g.header, " | "), strings.Repeat("|--:", len(g.header)-1))
	for _, row := range g.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	return nil
}

func scores(of []Score) grid {
	g := grid{header: []string{"METHOD", "CASES", "AC@1", "AC@3", "Avg@5"}}
	for _, s := range of {
		g.add(s.Method, fmt.Sprint(s.N), share(s.AC1, s.AC1In), share(s.AC3, s.AC3In), share(s.Avg5, s.Avg5In))
	}
	return g
}

func share(v float64, in [2]float64) string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", v, in[0], in[1])
}
