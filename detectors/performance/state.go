package performance

import "math"

// ScoreBins is how many bins of equal width a BinaryState's score histogram has.
const ScoreBins = 256

// BinaryState is what one minute of labelled rows leaves behind: about 4 KB
// whatever the traffic. States merge by adding, so that any window is a merge
// of its minutes. Accuracy, precision, recall, F1, log loss, Brier score and
// the calibration error over bins of equal width come out exactly (counts bit
// for bit, sums of floats to rounding, about 1e-15 of themselves per merge);
// the AUC with an error bound that the state knows. The zero value is not
// usable, NewBinaryState is.
type BinaryState struct {
	Confusion   Confusion        `json:"confusion"`
	LogLoss     [2]float64       `json:"log_loss"`    // sum, sum of squares
	Brier       [2]float64       `json:"brier"`       // sum, sum of squares
	Calibration []CalibrationBin `json:"calibration"` // CalibrationBins of equal width
	Histogram   [2][]uint32      `json:"histogram"`   // rows by score in [0,1], negatives and positives
}

// NewBinaryState is the state of no rows.
func NewBinaryState() *BinaryState {
	return &BinaryState{
		Confusion: NewConfusion(2), Calibration: make([]CalibrationBin, CalibrationBins),
		Histogram: [2][]uint32{make([]uint32, ScoreBins), make([]uint32, ScoreBins)},
	}
}

// Add one labelled row; the score is a probability.
func (s *BinaryState) Add(score float64, predicted, positive bool) {
	s.Confusion.Add(int(one(positive)), int(one(predicted)), 1)
	addLoss(&s.LogLoss, logLoss(score, positive))
	addLoss(&s.Brier, squaredError(score, positive))
	s.Calibration[binOf(score, len(s.Calibration))].add(score, positive)
	s.Histogram[int(one(positive))][binOf(score, ScoreBins)]++
}

func addLoss(sums *[2]float64, loss float64) {
	sums[0] += loss
	sums[1] += loss * loss
}

// Merge adds another state's rows.
func (s *BinaryState) Merge(o *BinaryState) {
	s.Confusion.Merge(o.Confusion)
	for i := range 2 {
		s.LogLoss[i] += o.LogLoss[i]
		s.Brier[i] += o.Brier[i]
		for k, n := range o.Histogram[i] {
			s.Histogram[i][k] += n
		}
	}
	for k, b := range o.Calibration {
		s.Calibration[k].Rows += b.Rows
		s.Calibration[k].Scores += b.Scores
		s.Calibration[k].Positives += b.Positives
	}
}

// Figure of a metric by name; undefined for those of regressions.
func (s *BinaryState) Figure(metric string) Figure {
	n := int(s.Confusion.Rows())
	switch metric {
	case NameAUC:
		f, _ := s.AUC()
		return f
	case NameLogLoss:
		return meanFigure(s.LogLoss[0], s.LogLoss[1], n)
	case NameBrier:
		return meanFigure(s.Brier[0], s.Brier[1], n)
	case NameECE:
		return ECE(s.Calibration).Figure
	}
	return s.Confusion.figure(s.Confusion.metric(metric))
}

// AUC takes rows of one bin for ties. The exact one differs by at most bound,
// half the share of pairs of a positive and a negative row that share a bin.
// The standard error is Hanley's and McNeil's.
func (s *BinaryState) AUC() (f Figure, bound float64) {
	scores, pos, neg := make([]float64, ScoreBins), make([]float64, ScoreBins), make([]float64, ScoreBins)
	var within float64
	for k := range scores {
		scores[k], neg[k], pos[k] = float64(k), float64(s.Histogram[0][k]), float64(s.Histogram[1][k])
		within += pos[k] * neg[k]
	}
	r := rank(scores, pos, neg)
	n := int(r.pos + r.neg)
	if math.IsNaN(r.auc) {
		return undefined(n), math.NaN()
	}
	return Figure{r.auc, HanleyMcNeil(r.auc, r.pos, r.neg), n}, within / 2 / (r.pos * r.neg)
}

// MulticlassState is the same for several classes, numbered from 0: a confusion
// matrix and the log loss, 8·classes² bytes.
type MulticlassState struct {
	Confusion Confusion  `json:"confusion"`
	LogLoss   [2]float64 `json:"log_loss"` // sum, sum of squares
	Scored    int        `json:"scored"`   // rows with probabilities
}

// NewMulticlassState is the state of no rows.
func NewMulticlassState(classes int) *MulticlassState {
	return &MulticlassState{Confusion: NewConfusion(classes)}
}

// Add one labelled row; probabilities may be nil when the model gives none.
func (s *MulticlassState) Add(probabilities []float64, predicted, truth int) {
	s.Confusion.Add(truth, predicted, 1)
	if probabilities != nil {
		addLoss(&s.LogLoss, logLoss(probabilities[truth], true))
		s.Scored++
	}
}

// Merge adds another state's rows.
func (s *MulticlassState) Merge(o *MulticlassState) {
	s.Confusion.Merge(o.Confusion)
	for i := range s.LogLoss {
		s.LogLoss[i] += o.LogLoss[i]
	}
	s.Scored += o.Scored
}

// Figure of a metric by name: accuracy (which is also the micro average of
// precision, recall and F1), macro averages of precision, recall and F1, and
// log loss; undefined for others.
func (s *MulticlassState) Figure(metric string) Figure {
	if metric == NameLogLoss {
		return meanFigure(s.LogLoss[0], s.LogLoss[1], s.Scored)
	}
	return s.Confusion.figure(s.Confusion.metric(metric))
}
