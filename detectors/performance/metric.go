package performance

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Figure is one measured number with its sampling error.
type Figure struct {
	Value float64 // in the metric's unit; NaN when undefined: no rows, one class only
	SE    float64 // standard error of Value; NaN when unknown
	N     int     // rows it rests on
}

// Defined tells whether there is a value.
func (f Figure) Defined() bool { return !math.IsNaN(f.Value) }

// undefined is the figure of n rows that have none.
func undefined(n int) Figure { return Figure{Value: math.NaN(), SE: math.NaN(), N: n} }

// Metric is one entry of the manual.
type Metric struct {
	Name   string  // as in options and reports
	Title  string  // for people
	Unit   string  // of its value
	Range  string  // of its value
	Lower  bool    // smaller is better
	Effect float64 // default for the smallest deficit that counts, in Unit; 0: it has no natural scale and must be given
	Doc    string  // definition and standard error
}

// Names of the metrics.
const (
	NameAUC       = "roc_auc"
	NameAccuracy  = "accuracy"
	NamePrecision = "precision"
	NameRecall    = "recall"
	NameF1        = "f1"
	NameMicroF1   = "f1_micro"
	NameLogLoss   = "log_loss"
	NameBrier     = "brier"
	NameECE       = "ece"
	NameMAE       = "mae"
	NameRMSE      = "rmse"
	NamePinball   = "pinball"
	NameR2        = "r2"
)

var metrics = []Metric{
	{NameAUC, "ROC AUC", "probability", "0 to 1, 0.5 is chance", false, 0.05, "chance that a positive row scores above a negative one, ties counting half, of several classes the plain mean of each against the rest; standard error by DeLong, DeLong and Clarke-Pearson 1988"},
	{NameAccuracy, "accuracy", "share of rows", "0 to 1", false, 0.05, "rows whose prediction equals the label; standard error of a proportion"},
	{NamePrecision, "precision", "share of rows", "0 to 1", false, 0.1, "true positives among predicted positives, of several classes their plain mean; standard error by the delta method"},
	{NameRecall, "recall", "share of rows", "0 to 1", false, 0.1, "true positives among positives, of several classes their plain mean; standard error by the delta method"},
	{NameF1, "F1", "1", "0 to 1", false, 0.05, "harmonic mean of precision and recall, of several classes their plain mean; standard error by the delta method"},
	{NameMicroF1, "micro F1", "1", "0 to 1", false, 0.05, "F1 over all rows and classes at once; for classes that exclude each other also micro precision, micro recall and the accuracy, whose standard error it has"},
	{NameLogLoss, "log loss", "nats", "0 to 34.54", true, 0.1, "mean of −ln of the probability given to the label, probabilities clipped to [1e-15, 1−1e-15]; standard error of a mean"},
	{NameBrier, "Brier score", "squared probability", "0 to 1", true, 0.05, "mean squared distance of probability and label; standard error of a mean"},
	{NameECE, "calibration error", "probability", "0 to 1", true, 0.05, "mean distance of probability and observed share over ten bins, weighted by rows; biased upwards by chance, see ECE"},
	{NameMAE, "mean absolute error", "the label's unit", "0 and up", true, 0, "mean of |label − prediction|; standard error of a mean"},
	{NameRMSE, "root mean squared error", "the label's unit", "0 and up", true, 0, "√ of the mean of (label − prediction)²; standard error by the delta method"},
	{NamePinball, "pinball loss", "the label's unit", "0 and up", true, 0, "mean of max(τ·e, (τ−1)·e), e = label − prediction: the loss that the τ-quantile minimises; standard error of a mean"},
	{NameR2, "R²", "share of variance", "minus infinity to 1", false, 0.1, "1 − residual over total sum of squares; standard error after Olkin and Finn 1995, for normal data"},
}

// Metrics lists the manual.
func Metrics() []Metric { return slices.Clone(metrics) }

// Lookup finds a metric by name.
func Lookup(name string) (Metric, error) {
	var names []string
	for _, m := range metrics {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Metric{}, fmt.Errorf("unknown metric %q; metrics: %s", name, strings.Join(names, ", "))
}

// meanFigure is a mean from a sum, a sum of squares and a count, with the
// standard error of a mean.
func meanFigure(sum, squares float64, n int) Figure {
	if n == 0 {
		return undefined(0)
	}
	k := float64(n)
	mean := sum / k
	f := Figure{Value: mean, SE: math.NaN(), N: n}
	if n > 1 {
		f.SE = math.Sqrt(max(0, squares/k-mean*mean) / (k - 1))
	}
	return f
}
