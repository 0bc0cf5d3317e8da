package performance

import "math"

// Confusion counts rows by truth and prediction. Counts may be expected ones
// and then are fractional. Two matrices of one shape merge by adding.
type Confusion struct {
	Classes int       `json:"classes"`
	Counts  []float64 `json:"counts"` // [truth*Classes + predicted]; whole numbers are exact up to 2^53
}

// NewConfusion is an empty matrix of so many classes.
func NewConfusion(classes int) Confusion {
	return Confusion{Classes: classes, Counts: make([]float64, classes*classes)}
}

// Add one row, or a share of one.
func (c *Confusion) Add(truth, predicted int, weight float64) {
	c.Counts[truth*c.Classes+predicted] += weight
}

// Merge adds the counts of another matrix of the same shape.
func (c *Confusion) Merge(o Confusion) {
	for i, n := range o.Counts {
		c.Counts[i] += n
	}
}

// Rows is the total count.
func (c *Confusion) Rows() (n float64) {
	for _, k := range c.Counts {
		n += k
	}
	return n
}

// margins of a class: rows of it and predictions of it.
func (c *Confusion) margins(class int) (truths, predictions float64) {
	for k := range c.Classes {
		truths += c.Counts[class*c.Classes+k]
		predictions += c.Counts[k*c.Classes+class]
	}
	return truths, predictions
}

// slope is the derivative of a metric by each count. All metrics here stay the
// same when every count is doubled, so Σ count·slope = 0 (Euler), and the
// multinomial delta method shortens to SE² = Σ count·slope².
type slope []float64

func (c *Confusion) figure(value float64, s slope) Figure {
	n := int(math.Round(c.Rows()))
	if math.IsNaN(value) {
		return undefined(n)
	}
	var v float64
	for i, k := range c.Counts {
		v += k * s[i] * s[i]
	}
	return Figure{Value: value, SE: math.Sqrt(v), N: n}
}

// Accuracy is the share of rows on the diagonal. For classes that exclude each
// other it is also micro-averaged precision, recall and F1. The standard error
// is 0 when all rows are right or all are wrong: no variation was seen.
func (c *Confusion) Accuracy() Figure { return c.figure(c.accuracy()) }

// Precision of a class; undefined when it is never predicted.
func (c *Confusion) Precision(class int) Figure { return c.figure(c.precision(class)) }

// Recall of a class; undefined when it never occurs.
func (c *Confusion) Recall(class int) Figure { return c.figure(c.recall(class)) }

// F1 of a class; undefined when it neither occurs nor is predicted.
func (c *Confusion) F1(class int) Figure { return c.figure(c.f1(class)) }

// MacroPrecision is the plain mean over the classes that occur or are
// predicted; a class that is never predicted counts as 0.
func (c *Confusion) MacroPrecision() Figure { return c.figure(c.macro(c.precision)) }

// MacroRecall is the plain mean over the classes that occur or are predicted;
// a class that never occurs counts as 0.
func (c *Confusion) MacroRecall() Figure { return c.figure(c.macro(c.recall)) }

// MacroF1 is the plain mean over the classes that occur or are predicted.
func (c *Confusion) MacroF1() Figure { return c.figure(c.macro(c.f1)) }

func (c *Confusion) accuracy() (float64, slope) {
	n, right := c.Rows(), 0.0
	for k := range c.Classes {
		right += c.Counts[k*c.Classes+k]
	}
	return c.ratio(right, n, func(truth, predicted int) (float64, float64) { return one(truth == predicted), 1 })
}

func (c *Confusion) precision(class int) (float64, slope) {
	_, predictions := c.margins(class)
	return c.ratio(c.Counts[class*c.Classes+class], predictions, func(truth, predicted int) (float64, float64) {
		return one(truth == class && predicted == class), one(predicted == class)
	})
}

func (c *Confusion) recall(class int) (float64, slope) {
	truths, _ := c.margins(class)
	return c.ratio(c.Counts[class*c.Classes+class], truths, func(truth, predicted int) (float64, float64) {
		return one(truth == class && predicted == class), one(truth == class)
	})
}

func (c *Confusion) f1(class int) (float64, slope) {
	truths, predictions := c.margins(class)
	return c.ratio(2*c.Counts[class*c.Classes+class], truths+predictions, func(truth, predicted int) (float64, float64) {
		return 2 * one(truth == class && predicted == class), one(truth == class) + one(predicted == class)
	})
}

// ratio of two sums of counts, with the coefficient of each cell in either.
func (c *Confusion) ratio(over, under float64, coefficients func(truth, predicted int) (over, under float64)) (float64, slope) {
	s := make(slope, len(c.Counts))
	if !(under > 0) {
		return math.NaN(), s
	}
	value := over / under
	for i := range s {
		a, b := coefficients(i/c.Classes, i%c.Classes)
		s[i] = (a - value*b) / under
	}
	return value, s
}

func (c *Confusion) macro(of func(class int) (float64, slope)) (float64, slope) {
	total := make(slope, len(c.Counts))
	var sum, classes float64
	for k := range c.Classes {
		if truths, predictions := c.margins(k); truths+predictions == 0 {
			continue
		}
		classes++
		v, s := of(k)
		if math.IsNaN(v) {
			continue
		}
		sum += v
		for i := range s {
			total[i] += s[i]
		}
	}
	for i := range total {
		total[i] /= classes
	}
	return sum / classes, total
}

// metric by name, for the class 1 of two and the mean of more.
func (c *Confusion) metric(name string) (float64, slope) {
	binary := c.Classes == 2
	switch {
	case name == NameAccuracy, name == NameMicroF1:
		return c.accuracy()
	case name == NamePrecision && binary:
		return c.precision(1)
	case name == NameRecall && binary:
		return c.recall(1)
	case name == NameF1 && binary:
		return c.f1(1)
	case name == NamePrecision:
		return c.macro(c.precision)
	case name == NameRecall:
		return c.macro(c.recall)
	case name == NameF1:
		return c.macro(c.f1)
	}
	return math.NaN(), make(slope, len(c.Counts))
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
