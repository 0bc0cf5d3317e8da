package silent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// healthySeed is a fleet in which nothing is wrong, always the same.
func healthySeed() *Snapshot { return healthyFleet(rand.New(rand.NewPCG(1, 1))) }

// hourly is the hourly job of a fleet, credit its first model.
func hourly(s *Snapshot) *Job   { return &s.Jobs[0] }
func credit(s *Snapshot) *Model { return &s.Models[0] }

// recentBlocks changes the blocks of a feature of credit in the judged time.
func recentBlocks(s *Snapshot, feature string, change func(*Block)) {
	for i := range credit(s).Blocks {
		if b := &credit(s).Blocks[i]; b.Feature == feature && !b.Start.Before(s.Clock.from()) {
			change(b)
		}
	}
}

// lateRuns changes the successful runs of the job that runs often and that
// ended in the last hour.
func lateRuns(s *Snapshot, change func(*Run)) {
	for i := range s.Jobs[1].Runs {
		if r := &s.Jobs[1].Runs[i]; r.succeeded() && r.Ended.After(ago(time.Hour)) {
			change(r)
		}
	}
}

// faults and exactly the alarms that each gives: rule and feature, or rule
// alone for a model as a whole.
var faults = []struct {
	name   string
	inject func(*Snapshot)
	alarms []string
	reason string // part of the first alarm's
}{
	{"a job stops succeeding", func(s *Snapshot) {
		j := hourly(s)
		j.Runs = slices.DeleteFunc(j.Runs, func(r Run) bool { return r.Started.After(ago(5 * time.Hour)) })
	}, []string{"dead_man job/hourly"}, "the last success was 5h44m"},
	{"a run stops beating", func(s *Snapshot) {
		hourly(s).Runs = append(hourly(s).Runs, Run{ID: "hung", HasStart: true, Started: ago(15 * time.Minute), Last: ago(12 * time.Minute), Beats: 6, Gap: 30 * time.Second, MaxGap: 30 * time.Second, ItemsIn: 100})
	}, []string{"heartbeat job/hourly", "lost_runs job/hourly"}, "run hung has sent nothing for 12m0s"},
	{"a run beats and never ends", func(s *Snapshot) {
		hourly(s).Runs = append(hourly(s).Runs, Run{ID: "undead", HasStart: true, Started: ago(5 * time.Hour), Last: ago(10 * time.Second), Beats: 600, Gap: 30 * time.Second, MaxGap: 33 * time.Second, ItemsIn: 100})
	}, []string{"zombie job/hourly"}, "run undead is under way for 5h0m0s"},
	{"runs vanish without an end", func(s *Snapshot) {
		for i := range 3 {
			s.Jobs[2].Runs = append(s.Jobs[2].Runs, Run{ID: fmt.Sprint("lost", i), HasStart: true, Started: ago(20 * time.Hour), Last: ago(20 * time.Hour)})
		}
	}, []string{"lost_runs job/on-demand", "zombie job/on-demand"}, "= 3, and 0 ended without a start"},
	{"a run ends that was never started", func(s *Snapshot) {
		s.Jobs[2].Runs = append(s.Jobs[2].Runs, Run{ID: "stray", Last: ago(time.Hour), Ended: ago(2 * time.Hour), State: schemas.JobFailed})
	}, []string{"lost_runs job/on-demand"}, "1 ended without a start"},
	{"runs succeed and give nothing", func(s *Snapshot) {
		lateRuns(s, func(r *Run) { r.ItemsIn, r.ItemsOut, r.BytesOut = 0, 0, 0 })
	}, []string{"empty_success job/often"}, "gave nothing (100%), before it was 0 of"},
	{"runs lose a third of their items", func(s *Snapshot) {
		lateRuns(s, func(r *Run) { r.ItemsOut = r.ItemsIn * 2 / 3 })
	}, []string{"truncated job/often"}, "put out less than they should"},
	{"runs stop at a round number", func(s *Snapshot) {
		lateRuns(s, func(r *Run) { r.ItemsIn, r.ItemsOut = r.ItemsIn+2000, 10000 })
	}, []string{"truncated job/often"}, "put out less than they should"},
	{"every run needs a second attempt", func(s *Snapshot) {
		for i := range s.Jobs[1].Runs {
			s.Jobs[1].Runs[i].Attempts = 1
		}
		lateRuns(s, func(r *Run) { r.Attempts = 2 })
	}, []string{"retry_masking job/often"}, "needed more than one attempt"},
	{"a model answers a third", func(s *Snapshot) {
		for i := range credit(s).Counts {
			if c := &credit(s).Counts[i]; c.Start.After(ago(16 * time.Minute)) {
				c.Rows /= 3
			}
		}
	}, []string{"throughput"}, "were forecast from the same hour of earlier weeks (20 spans)"},
	{"a model falls silent", func(s *Snapshot) {
		m := credit(s)
		m.Counts = slices.DeleteFunc(m.Counts, func(c Count) bool { return c.Start.After(ago(25*time.Minute)) && c.Start.Before(noon) })
	}, []string{"stale_model", "throughput"}, "0 rows in 15m0s"},
	{"a young model falls silent", func(s *Snapshot) {
		m := credit(s)
		m.Counts = slices.DeleteFunc(m.Counts, func(c Count) bool { return c.Start.After(ago(25*time.Minute)) || c.Start.Before(ago(4*time.Hour)) })
	}, []string{"stale_model", "throughput"}, "from the last hours"},
	{"a consumer stands still", func(s *Snapshot) {
		for i := range s.Consumers[0].Polls {
			s.Consumers[0].Polls[i].Committed, s.Consumers[0].Polls[i].End = 500, 1000+int64(i)
		}
	}, []string{"stuck_lag consumer/features/orders/0"}, "offset 500 is committed for 15 polls, the log grew by 14 to a lag of 514"},
	{"a source falls silent", func(s *Snapshot) {
		for i := range s.Feeds[0].Series {
			s.Feeds[0].Series[i].Last = ago(40 * time.Minute)
		}
	}, []string{"stale_source source/dcgm"}, "the newest sample is 40m0s old"},
	{"a GPU's series stop", func(s *Snapshot) {
		for i := range s.Feeds[0].Series {
			if r := &s.Feeds[0].Series[i]; r.Place == "node/0" {
				r.Last = ago(40 * time.Minute)
			}
		}
	}, []string{"telemetry_vanished source/dcgm"}, "2 of 8 series have stopped, metrics that are gone: none"},
	{"a metric is renamed", func(s *Snapshot) {
		for i := range s.Feeds[0].Series {
			if r := &s.Feeds[0].Series[i]; r.Metric == "gpu_utilization_ratio" {
				r.Last = ago(40 * time.Minute)
			}
		}
	}, []string{"telemetry_vanished source/dcgm"}, "metrics that are gone: gpu_utilization_ratio"},
	{"a feature has no values any more", func(s *Snapshot) {
		recentBlocks(s, "income", func(b *Block) { b.Present = 0 })
	}, []string{"null_rate income", "schema_drift", "stale_feature income"}, "missing values: 100% of"},
	{"answers are empty", func(s *Snapshot) {
		recentBlocks(s, schemas.FeaturePrediction, func(b *Block) { b.Present = b.Rows / 2 })
	}, []string{"null_rate _prediction"}, "before it was 0% of"},
	{"a feature is stuck", func(s *Snapshot) {
		recentBlocks(s, "income", func(b *Block) { b.Min, b.Max, b.Mean = 2400, 2400, 2400 })
	}, []string{"frozen_feature income"}, "the value was 2.4e+03 in all rows of the last 15m0s"},
	{"a score is stuck", func(s *Snapshot) {
		recentBlocks(s, schemas.FeatureScore, func(b *Block) { b.Min, b.Max, b.Mean = .3, .3, .3 })
	}, []string{"frozen_feature _score"}, "the value was 0.3"},
	{"a feature is in thousands", func(s *Snapshot) {
		recentBlocks(s, "income", func(b *Block) { b.Min, b.Max, b.Mean = b.Min/1000, b.Max/1000, b.Mean/1000 })
	}, []string{"unit_shift income"}, "the mean went from 3.01e+03 to 2.99, 0.000992 times as much"},
	{"a feature becomes text", func(s *Snapshot) {
		recentBlocks(s, "income", func(b *Block) { b.Kind = schemas.Categorical })
	}, []string{"schema_drift"}, "came: income (categorical); went: income (numeric)"},
	{"a feature is added", func(s *Snapshot) {
		for _, b := range slices.Clone(credit(s).Blocks) {
			if b.Feature == "one" {
				b.Feature = "two"
				if b.Start.Before(s.Clock.from()) {
					b.Present = 0
				}
				credit(s).Blocks = append(credit(s).Blocks, b)
			}
		}
	}, []string{"schema_drift"}, "came: two (numeric); went: none"},
	{"one class is left", func(s *Snapshot) {
		for i := range credit(s).Classes {
			if c := &credit(s).Classes[i]; c.Value == "no" {
				c.Recent = 600
			} else {
				c.Recent = 1
			}
		}
	}, []string{"output_collapse _prediction"}, `class "no" is 99.7% of 602 predictions`},
	{"requests come twice", func(s *Snapshot) {
		credit(s).IDs = RequestIDs{3000, 2700}
	}, []string{"duplicates"}, "300 of 3000 request ids had come before (10%)"},
	{"a pod serves the old version", func(s *Snapshot) {
		for i := range credit(s).Replicas {
			if i > 0 {
				credit(s).Replicas[i].Version, credit(s).Replicas[i].First = "v2", ago(2*time.Hour)
			}
		}
	}, []string{"version_skew deployment/credit-eu"}, "4 pods serve 2 versions (v1, v2), 2h0m0s after"},
	{"a GPU computes something else", func(s *Snapshot) {
		credit(s).GPUs[2].Recent.Mean += .1
	}, []string{"gpu_outlier gpu/node/2"}, "that of 3 siblings moved by"},
	{"no labels come", func(s *Snapshot) {
		credit(s).Labels = slices.DeleteFunc(credit(s).Labels, func(c Count) bool { return c.Start.After(ago(6 * time.Hour)) })
	}, []string{"label_feed"}, "the newest label is about 6h0m0s old"},
	{"labels do not join", func(s *Snapshot) {
		credit(s).Joins[1].Labelled = 90
	}, []string{"label_join"}, "9% of 1000 predictions have a label"},
	{"a clock is ahead", func(s *Snapshot) {
		s.Monitor.Streams[0].Newest = s.Clock.Wall.Add(time.Hour)
	}, []string{"clock_ahead monitor/driftline"}, "the newest of events is 1h0m0s ahead"},
	{"nothing arrives", func(s *Snapshot) {
		for i := range s.Monitor.Streams {
			s.Monitor.Streams[i].Advanced = s.Clock.Wall.Add(-time.Duration(20+i) * time.Minute)
		}
	}, []string{"monitor_blind monitor/driftline"}, "in any of 3 streams for 20m0s, events was last"},
	{"nothing arrives after a restart", func(s *Snapshot) {
		for i := range s.Monitor.Streams {
			s.Monitor.Streams[i] = Stream{s.Monitor.Streams[i].Kind, ago(2 * time.Hour), s.Clock.Wall.Add(-time.Hour), time.Time{}}
		}
	}, []string{"monitor_blind monitor/driftline"}, "for 1h0m0s"},
}

// Each fault is found by its rules, and by them alone.
func TestEachFaultIsFoundAndNothingElse(t *testing.T) {
	found := map[string]bool{}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s := healthySeed()
			f.inject(s)
			var got []string
			reason := ""
			for _, g := range judged(s) {
				if g.State != schemas.StateAlarm {
					continue
				}
				rule := strings.TrimPrefix(g.Detector, schemas.SilentPrefix)
				found[rule] = true
				got = append(got, strings.TrimSpace(rule+" "+g.Feature))
				if len(got) == 1 || slices.Min(got) == got[len(got)-1] {
					reason = g.Reason
				}
				if want := map[bool]string{true: "ranking", false: "credit"}[strings.HasPrefix(g.Feature, "job/often") || strings.HasPrefix(g.Feature, "job/hourly")]; !strings.Contains(g.Feature, "/") && g.Model != want {
					t.Errorf("model %s, want %s", g.Model, want)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, f.alarms) {
				t.Errorf("alarms %q, want %q", got, f.alarms)
			}
			if !strings.Contains(reason+allReasons(s), f.reason) {
				t.Errorf("reason %q lacks %q", reason, f.reason)
			}
		})
	}
	for _, name := range Names() {
		if !found[name] {
			t.Errorf("no fault shows that %s alarms", name)
		}
	}
}

func allReasons(s *Snapshot) (all string) {
	for _, g := range judged(s) {
		if g.State == schemas.StateAlarm {
			all += g.Reason + "\n"
		}
	}
	return all
}

// States that are neither ok nor alarm, and alarms that are held back.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		name    string
		inject  func(*Snapshot)
		rule    string
		subject string // model, or feature of a signal
		want    schemas.State
		reason  string
	}{
		{"zero rows of a known model is a number", func(s *Snapshot) {
			credit(s).Counts = slices.DeleteFunc(credit(s).Counts, func(c Count) bool { return c.Start.After(ago(16 * time.Minute)) })
		}, "throughput", "credit", schemas.StateAlarm, "0 rows in 15m0s"},
		{"rows of an unknown model are no data", func(s *Snapshot) { credit(s).Counts = nil }, "throughput", "credit", schemas.StateNoData, "no event"},
		{"a model of an hour", func(s *Snapshot) {
			credit(s).Counts = slices.DeleteFunc(credit(s).Counts, func(c Count) bool { return c.Start.Before(ago(time.Hour)) })
		}, "throughput", "credit", schemas.StateInsufficient, "neither two earlier weeks"},
		{"few requests in, few answers out", func(s *Snapshot) {
			m := credit(s)
			for i := range m.Counts {
				if c := &m.Counts[i]; c.Start.After(ago(Trailing + time.Minute)) {
					m.Requests = append(m.Requests, *c)
					if c.Start.After(ago(16 * time.Minute)) {
						c.Rows /= 4
						m.Requests[len(m.Requests)-1].Rows /= 4
					}
				}
			}
		}, "throughput", "credit", schemas.StateOK, "requests fell by"},
		{"one low bin is none of three", func(s *Snapshot) {
			credit(s).Counts[len(credit(s).Counts)-1].Rows = 0
		}, "throughput", "credit", schemas.StateOK, ""},
		{"no labels ever", func(s *Snapshot) { credit(s).Labels = nil }, "label_feed", "credit", schemas.StateNoData, "unknown"},
		{"no label of that age ever", func(s *Snapshot) { credit(s).Joins = [2]Join{{1000, 0}, {1000, 0}} }, "label_join", "credit", schemas.StateNoData, "unknown"},
		{"a feature never had values", func(s *Snapshot) {
			for i := range credit(s).Blocks {
				if b := &credit(s).Blocks[i]; b.Feature == "age" {
					b.Present = 0
				}
			}
		}, "stale_feature", "age", schemas.StateNoData, "had none before"},
		{"a version that is served no more", func(s *Snapshot) {
			credit(s).Blocks = slices.DeleteFunc(credit(s).Blocks, func(b Block) bool { return !b.Start.Before(s.Clock.from()) })
		}, "stale_feature", "income", schemas.StateNoData, "no row of the version"},
		{"a version that is new", func(s *Snapshot) {
			credit(s).Blocks = slices.DeleteFunc(credit(s).Blocks, func(b Block) bool { return b.Start.Before(s.Clock.from()) })
		}, "schema_drift", "credit", schemas.StateInsufficient, "too few"},
		{"no run ended lately", func(s *Snapshot) {
			hourly(s).Runs = slices.DeleteFunc(hourly(s).Runs, func(r Run) bool { return r.Ended.After(ago(2 * time.Hour)) })
		}, "empty_success", "job/hourly", schemas.StateNoData, "no run has succeeded in the last 1h0m0s"},
		{"a job that reports no output", func(s *Snapshot) {
			for i := range hourly(s).Runs {
				r := &hourly(s).Runs[i]
				r.ItemsIn, r.ItemsOut, r.BytesOut = 0, 0, 0
			}
		}, "empty_success", "job/hourly", schemas.StateOK, "gave nothing"},
		{"a job that ran three times", func(s *Snapshot) { hourly(s).Runs = hourly(s).Runs[:3] }, "dead_man", "job/hourly", schemas.StateInsufficient, "too few"},
		{"a job of few runs, one for two days", func(s *Snapshot) {
			hourly(s).Runs = []Run{{ID: "old", HasStart: true, Started: ago(48 * time.Hour), Last: ago(48 * time.Hour)}}
		}, "zombie", "job/hourly", schemas.StateAlarm, "more than 24h0m0s"},
		{"a job of few runs, one under way", func(s *Snapshot) {
			hourly(s).Runs = []Run{{ID: "young", HasStart: true, Started: ago(2 * time.Hour), Last: ago(2 * time.Hour)}}
		}, "zombie", "job/hourly", schemas.StateInsufficient, "too few"},
		{"a job that never beats", func(s *Snapshot) {}, "heartbeat", "job/on-demand", schemas.StateNoData, "heartbeat"},
		{"a lag that is worked off", func(s *Snapshot) {
			for i := range s.Consumers[0].Polls {
				s.Consumers[0].Polls[i].Committed, s.Consumers[0].Polls[i].End = int64(10*i), 100_000
			}
		}, "stuck_lag", "consumer/features/orders/0", schemas.StateOK, ""},
		{"a lag in a log that is frozen", func(s *Snapshot) {
			for i := range s.Consumers[0].Polls {
				s.Consumers[0].Polls[i].Committed, s.Consumers[0].Polls[i].End = 5, 6
			}
		}, "stuck_lag", "consumer/features/orders/0", schemas.StateOK, "the log grew by 0"},
		{"a rollout under way", func(s *Snapshot) {
			credit(s).Replicas[0].Version, credit(s).Replicas[0].First = "v2", ago(10*time.Minute)
		}, "version_skew", "deployment/credit-eu", schemas.StateOK, "rollout"},
		{"an experiment in every pod", func(s *Snapshot) {
			for _, r := range slices.Clone(credit(s).Replicas) {
				r.Version = "v2"
				credit(s).Replicas = append(credit(s).Replicas, r)
			}
		}, "version_skew", "deployment/credit-eu", schemas.StateOK, "several versions each"},
		{"a deploy explains two versions", func(s *Snapshot) {
			credit(s).Replicas[0].Version = "v2"
			credit(s).Deployed = ago(5 * time.Minute)
		}, "version_skew", "deployment/credit-eu", schemas.StateOK, "rollout"},
		{"all series of a source have stopped", func(s *Snapshot) {
			for i := range s.Feeds[0].Series {
				s.Feeds[0].Series[i].Last = ago(40 * time.Minute)
			}
		}, "telemetry_vanished", "source/dcgm", schemas.StateNoData, "stale_source"},
		{"all GPUs move together", func(s *Snapshot) {
			for i := range credit(s).GPUs {
				credit(s).GPUs[i].Recent.Mean += .2
			}
		}, "gpu_outlier", "gpu/node/2", schemas.StateOK, ""},
		{"a start a minute ago", func(s *Snapshot) {
			for i := range s.Monitor.Streams {
				s.Monitor.Streams[i] = Stream{"events", ago(2 * time.Hour), ago(-time.Minute), time.Time{}}
			}
		}, "monitor_blind", MonitorName, schemas.StateOK, "for 2m0s"},
		{"a replay that is over", func(s *Snapshot) {
			for i := range s.Monitor.Streams {
				s.Monitor.Streams[i] = Stream{"events", ago(1000 * time.Hour), ago(time.Hour), time.Time{}}
			}
		}, "monitor_blind", MonitorName, schemas.StateInsufficient, "replay"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := healthySeed()
			c.inject(s)
			for _, g := range judged(s) {
				if g.Detector != schemas.SilentPrefix+c.rule || g.Feature != c.subject && (g.Model != c.subject || g.Feature != "") || !slices.Contains([]string{"credit", "ranking"}, g.Model) && !strings.Contains(g.Model, "/") || g.Model == "ranking" && !strings.HasPrefix(g.Feature, "job/") {
					continue
				}
				if g.State != c.want || !strings.Contains(g.Reason, c.reason) {
					t.Errorf("%s: %s, want %s with %q", g.State, g.Reason, c.want, c.reason)
				}
				return
			}
			t.Error("no signal")
		})
	}
}

// Tails against sums of their probability functions.
func TestTails(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9*(1+want) {
			t.Errorf("%s = %.12g, want %.12g", what, got, want)
		}
	}
	for _, m := range []float64{.5, 3, 40} {
		sum, term := 0., math.Exp(-m)
		for k := range uint64(60) {
			sum += term
			near("Poisson", countBelow(k, m, m), sum)
			term *= m / float64(k+1)
		}
		v := 3 * m // negative binomial: r = m²/(v−m), terms by their recurrence
		r := m * m / (v - m)
		q := m / (r + m)
		sum, term = 0, math.Pow(1-q, r)
		for k := range uint64(60) {
			sum += term
			near("negative binomial", countBelow(k, m, v), sum)
			term *= q * (float64(k) + r) / float64(k+1)
		}
	}
	near("binomial", binomialAtLeast(2, 3, .5), .5)
	near("binomial", binomialAtLeast(3, 3, .1), .001)
	near("beta-binomial", risen(1, 1, 0, 29), .5/30)
	near("beta-binomial", risen(0, 5, 1, 29), 1)
	if exact, normal := risen(1100, 2000, 4000, 8000), risen(1101, 2001, 4000, 8000); math.Abs(math.Log10(exact/normal)) > .2 {
		t.Errorf("the approximation gives %g where the sum gives %g", normal, exact)
	}
	low, high := wilson(0, 30, 1.96)
	near("Wilson", low, 0)
	near("Wilson", high, 1.96*1.96/(30+1.96*1.96))
}
