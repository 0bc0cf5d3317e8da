package outcomes

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/schemas"
)

// state is what is known after a window: of every version's errors, and of the
// comparison of two versions. Its JSON form is the snapshot; equal states have
// equal bytes.
type state struct {
	Versions map[string]*versionState `json:"versions"`
	Duel     *duelState               `json:"duel,omitempty"`
}

// versionState of one version's errors.
type versionState struct {
	Unseen  int                   `json:"unseen"` // windows since it was last seen
	Methods map[string]*following `json:"methods"`
}

// following is one method on one version.
type following struct {
	Detector []byte  `json:"detector"` // snapshot
	N        uint64  `json:"n"`        // errors since the last change
	Sum      float64 `json:"sum"`      // of them
	Recent   float64 `json:"recent"`   // their mean, exponentially weighted
}

// forgetAfter is the number of windows without a row after which a version is
// forgotten.
const forgetAfter = 100

// recently is the weight of the newest error in following.Recent.
const recently = 0.03

func readState(text string) (*state, error) {
	s := &state{Versions: map[string]*versionState{}}
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("read state of sequential detectors: %w", err)
	}
	return s, nil
}

func (s *state) text() (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("write state of sequential detectors: %w", err)
	}
	return string(b), nil
}

// Follow takes the labelled rows of the next window in event order, and says
// what sequential detectors and the comparison of versions make of them. Before
// and after are snapshots; the empty one knows of nothing. It is a pure
// function: the same rows after the same snapshot give the same bytes.
func (j *Judge) Follow(before string, w Window, span schemas.Span, now time.Time) (signals []schemas.Signal, after string, err error) {
	s, err := readState(before)
	if err != nil {
		return nil, "", err
	}
	base := schemas.Signal{
		WindowStart: span.Start, WindowEnd: span.End, Tenant: j.plan.Key.Tenant, Model: j.plan.Key.Model,
		Reference: j.reference, PValue: 1, EvaluatedAt: now,
	}
	for _, v := range s.Versions {
		v.Unseen++
	}
	for _, rows := range byVersion(w.Rows) {
		base.Version = rows[0].Version
		found, err := j.follow(s, base, rows)
		if err != nil {
			return nil, "", err
		}
		signals = append(signals, found...)
	}
	maps.DeleteFunc(s.Versions, func(_ string, v *versionState) bool { return v.Unseen >= forgetAfter })
	if j.plan.Challenger.Champion != "" {
		found, err := j.duel(s, base, w.Rows)
		if err != nil {
			return nil, "", err
		}
		signals = append(signals, found...)
	}
	after, err = s.text()
	return signals, after, err
}

// follow one version with every method.
func (j *Judge) follow(s *state, base schemas.Signal, rows []Row) (signals []schemas.Signal, err error) {
	losses, _ := j.errors(rows)
	if len(losses) == 0 {
		return nil, nil
	}
	v := s.Versions[base.Version]
	if v == nil {
		v = &versionState{}
		s.Versions[base.Version] = v
	}
	v.Unseen = 0
	methods := map[string]*following{} // those of the configuration: others are forgotten
	for _, name := range j.methods {
		f := v.Methods[name]
		if f == nil {
			f = &following{}
		}
		methods[name] = f
		signal, err := f.take(name, base, losses, j.unit())
		if err != nil {
			return nil, err
		}
		signals = append(signals, signal)
	}
	v.Methods = methods
	return signals, nil
}

// unit of errors.
func (j *Judge) unit() string {
	if j.cfg.Task == Regression {
		return "the label's unit"
	}
	return "share of rows"
}

// take the errors of a window.
func (f *following) take(name string, base schemas.Signal, losses []float64, unit string) (s schemas.Signal, err error) {
	d, err := f.restored(name)
	if err != nil {
		return s, err
	}
	s = base
	s.Detector, s.Unit, s.NWindow, s.NReference, s.State = schemas.SequentialPrefix+name, unit, uint64(len(losses)), f.N, schemas.StateOK
	title := d.Entry().Title
	s.Reason = fmt.Sprintf("%s sees no change in %d errors, %d before", title, len(losses), f.N)
	for i, x := range losses {
		status := d.Step(x)
		f.N++
		f.Sum += x
		if f.N == 1 {
			f.Recent = x
		} else {
			f.Recent += recently * (x - f.Recent)
		}
		if status != sequential.Drift {
			continue
		}
		was, is := f.Sum/float64(f.N), f.Recent
		const text = "%s finds that the mean error %s at row %d of %d, to about %s from %s over %d rows"
		switch {
		case is-was > s.Score:
			s.State, s.Score = schemas.StateAlarm, is-was
			s.Reason = fmt.Sprintf(text, title, "rose", i+1, len(losses), number(is), number(was), f.N)
		case s.State == schemas.StateOK:
			s.Reason = fmt.Sprintf(text, title, "fell", i+1, len(losses), number(is), number(was), f.N)
		}
		f.N, f.Sum, f.Recent = 0, 0, 0
	}
	f.Detector, err = d.MarshalBinary()
	return s, err
}

func (f *following) restored(name string) (*sequential.Detector, error) {
	if len(f.Detector) == 0 {
		return sequential.New(name, nil)
	}
	return sequential.Restore(f.Detector)
}

// errors of labelled rows in event order, and whose they are: 0 or 1 for a
// class, |label − prediction| for a number.
func (j *Judge) errors(rows []Row) (losses []float64, of []*Row) {
	order := make([]*Row, 0, len(rows))
	for i := range rows {
		if rows[i].Labelled {
			order = append(order, &rows[i])
		}
	}
	slices.SortFunc(order, inEventOrder)
	for _, r := range order {
		if x := j.errorOf(r); !math.IsNaN(x) {
			losses, of = append(losses, x), append(of, r)
		}
	}
	return losses, of
}

func (j *Judge) errorOf(r *Row) float64 {
	one := func(wrong bool) float64 {
		if wrong {
			return 1
		}
		return 0
	}
	switch {
	case j.cfg.Task == Regression:
		return math.Abs(quantity(r.Value, r.Label) - quantity(r.Score, r.Prediction))
	case j.cfg.Task == Multiclass && r.Prediction != "":
		return one(r.Prediction != r.truth())
	case j.cfg.Task == Binary && r.Prediction != "":
		return one((r.Prediction == j.cfg.PositivePrediction) != (r.truth() == j.cfg.Positive))
	case j.cfg.Task == Binary && !math.IsNaN(r.Score):
		return one((r.Score >= 0.5) != (r.truth() == j.cfg.Positive))
	}
	return math.NaN()
}

// loss of a row for the comparison of versions: the squared error of a
// probability, where there is one, else the error.
func (j *Judge) loss(r *Row) float64 {
	if j.cfg.Task == Binary && r.Score >= 0 && r.Score <= 1 {
		y := 0.
		if r.truth() == j.cfg.Positive {
			y = 1
		}
		return (r.Score - y) * (r.Score - y)
	}
	return j.errorOf(r)
}

// duelState is the comparison of champion and challenger.
type duelState struct {
	Champion string                      `json:"champion"`
	Version  string                      `json:"version"`
	Test     performance.SequentialState `json:"test"`
	Unpaired uint64                      `json:"unpaired"` // losses that had no counterpart in their window
}

// DefaultLevel is the level of a comparison of versions.
const DefaultLevel = 0.01

// duel compares the losses of two versions in one window: those of the same
// request with each other, the others in event order, the first with the first.
// How many of a version there are does not depend on how good they are, so
// leaving out the rest is fair.
func (j *Judge) duel(s *state, base schemas.Signal, rows []Row) ([]schemas.Signal, error) {
	c := j.plan.Challenger
	if s.Duel == nil || s.Duel.Champion != c.Champion || s.Duel.Version != c.Version {
		s.Duel = &duelState{Champion: c.Champion, Version: c.Version}
	}
	test, err := s.Duel.restored(c)
	if err != nil {
		return nil, err
	}
	champion, challenger := j.losses(rows, c.Champion), j.losses(rows, c.Version)
	paired := pair(champion, challenger)
	for _, p := range paired {
		test.Add(p[0], p[1])
	}
	s.Duel.Unpaired += uint64(len(champion) + len(challenger) - 2*len(paired))
	s.Duel.Test = test.Snapshot()
	return []schemas.Signal{j.compared(base, test.Compare(), s.Duel, len(paired))}, nil
}

func (d *duelState) restored(c Challenger) (*performance.Sequential, error) {
	level, bound := c.Level, c.Bound
	if level == 0 {
		level = DefaultLevel
	}
	if bound == 0 {
		bound = 1
	}
	if d.Test.N == 0 || d.Test.Level != level || d.Test.Bound != bound {
		return performance.NewSequential(level, bound)
	}
	return performance.RestoreSequential(d.Test)
}

// loss of one request.
type loss struct {
	request string
	value   float64
}

func (j *Judge) losses(rows []Row, version string) (out []loss) {
	for _, group := range byVersion(rows) {
		if group[0].Version != version {
			continue
		}
		_, of := j.errors(group)
		for _, r := range of {
			out = append(out, loss{r.RequestID, j.loss(r)})
		}
	}
	return out
}

// pair losses of two versions, in the champion's order: first those of one
// request, then the others.
func pair(champion, challenger []loss) (out [][2]float64) {
	both := map[string]float64{}
	for _, l := range challenger {
		both[l.request] = l.value
	}
	met := map[string]bool{}
	for _, l := range champion {
		if v, ok := both[l.request]; ok {
			out = append(out, [2]float64{l.value, v})
			met[l.request] = true
		}
	}
	alone := func(l loss) bool { return met[l.request] }
	a, b := slices.DeleteFunc(slices.Clone(champion), alone), slices.DeleteFunc(slices.Clone(challenger), alone)
	for i := range min(len(a), len(b)) {
		out = append(out, [2]float64{a[i].value, b[i].value})
	}
	return out
}

// compared is the signal of a comparison: an alarm when the champion is better.
func (j *Judge) compared(base schemas.Signal, c performance.Comparison, d *duelState, n int) schemas.Signal {
	s := base
	s.Version, s.Detector, s.Unit = d.Version, schemas.DetectorChallenger, "loss"
	s.NWindow, s.NReference, s.PValue = uint64(n), uint64(c.N), c.PValue
	if c.N == 0 {
		s.State, s.Reason = schemas.StateNoData, fmt.Sprintf("no labelled request of %s and %s to compare", d.Champion, d.Version)
		return s
	}
	s.State, s.Score = schemas.StateOK, max(0, -c.Difference)
	what := fmt.Sprintf("it is open which of %s and %s is better", d.Champion, d.Version)
	switch c.Winner {
	case performance.Champion:
		s.State = schemas.StateAlarm
		what = fmt.Sprintf("%s does worse than %s", d.Version, d.Champion)
	case performance.Challenger:
		what = fmt.Sprintf("%s does better than %s", d.Version, d.Champion)
	case performance.Undecided:
	}
	s.Reason = fmt.Sprintf("%s: mean loss less by %s in %d pairs (%s to %s at all times), p=%s, %d without a counterpart", what,
		number(c.Difference), c.N, number(c.Low), number(c.High), number(c.PValue), d.Unpaired)
	return s
}
