package eval

import "github.com/driftline/driftline/detectors/sequential"

// table is classification data in the order in which it arrives.
type table struct {
	x       [][]float64 // features of each row
	labels  []int       // 0 up to classes
	classes int
}

// play tests and then trains a classifier on each row, and gives its errors to
// the detector; the classifier begins anew at each alarm. A nil detector never
// alarms.
func (t *table) play(d *sequential.Detector) (alarms []int, accuracy float64) {
	model := newBayes(len(t.x[0]), t.classes)
	right := 0
	for i, x := range t.x {
		wrong := 1.0
		if model.predict(x) == t.labels[i] {
			wrong = 0
			right++
		}
		model.learn(x, t.labels[i])
		if d != nil && d.Step(wrong) == sequential.Drift {
			alarms = append(alarms, i)
			model.reset()
		}
	}
	return alarms, float64(right) / float64(len(t.x))
}
