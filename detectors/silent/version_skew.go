package silent

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// versionSkew judges which version each replica of a deployment serves.
var versionSkewRule = Rule{
	Name: "version_skew", Title: "replicas of different versions", Unit: "seconds since the rollout began", Needs: []Input{Replicas},
	Doc:    "Pods of one deployment serve different model versions for longer than a rollout takes: one of them was not restarted, or pulls another tag.",
	Use:    "Deployments that name deployment, pod and version in their events.",
	Blind:  "A deployment whose pods each serve several versions is taken for an experiment. Equal versions with different weights.",
	Source: "versions by pod; the rollout begins with the newest version's first answer, or its deploy",
	Params: []Param{
		{"rollout", 3600, 1, week, "seconds", "in which versions may differ"},
		{"min_rows", 10, 1, 1e9, "rows of a pod", "pods with fewer are left out"},
		{"pure", 0.9, 0.5, 1, "share of a pod's rows", "of its commonest version: below it the pod serves several by intent"},
	},
	Model: versionSkew,
}

func versionSkew(m *Model, c Clock, p Params) []Finding {
	by := map[string][]Replica{}
	for _, r := range m.Replicas {
		if r.Deployment != "" && r.Pod != "" && r.Rows > 0 {
			by[r.Deployment] = append(by[r.Deployment], r)
		}
	}
	if len(by) == 0 {
		return []Finding{noData("no event of the last %s names deployment and pod", long(c.Recent))}
	}
	var out []Finding
	for deployment, replicas := range by {
		out = append(out, skew(replicas, m.Deployed, c, p).of("", "deployment/"+deployment))
	}
	return sorted(out)
}

func skew(replicas []Replica, deployed time.Time, c Clock, p Params) Finding {
	slices.SortFunc(replicas, func(a, b Replica) int {
		return cmp.Or(cmp.Compare(a.Pod, b.Pod), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Version, b.Version))
	})
	first := map[string]time.Time{} // answer of a version, from any pod
	serves := map[string]string{}   // version by pod
	var rows, pods uint64
	mixed := false
	for i := 0; i < len(replicas); {
		main, total := replicas[i], uint64(0)
		for ; i < len(replicas) && replicas[i].Pod == main.Pod; i++ {
			r := &replicas[i]
			total += r.Rows
			if at, known := first[r.Version]; !known || r.First.Before(at) {
				first[r.Version] = r.First
			}
		}
		if total < p.count("min_rows") {
			continue
		}
		rows, pods = rows+total, pods+1
		serves[main.Pod] = main.Version
		mixed = mixed || share(main.Rows, total) < p["pure"]
	}
	versions := map[string]uint64{}
	for _, v := range serves {
		versions[v]++
	}
	limit := p.duration("rollout")
	switch {
	case pods == 0:
		return insufficient(rows, 0, "no pod has %d rows", p.count("min_rows"))
	case mixed:
		return overdue(0, limit, rows, 0).says("its pods serve several versions each")
	case len(versions) == 1:
		return overdue(0, limit, rows, 0).says("%d pods serve one version", pods)
	}
	var newest string
	var names []string
	for v := range versions {
		names = append(names, v)
		if newest == "" || first[v].After(first[newest]) || first[v].Equal(first[newest]) && v > newest {
			newest = v
		}
	}
	slices.Sort(names)
	began := first[newest]
	if deployed.After(began) {
		began = deployed
	}
	f := overdue(c.since(began), limit, rows, 0)
	if f.State == schemas.StateOK {
		return f.says("a rollout of %q is under way for %s", newest, long(c.since(began)))
	}
	return f.says("%d pods serve %d versions (%s), %s after %q first answered", pods, len(names), list(names), long(c.since(began)), newest).from(began)
}
