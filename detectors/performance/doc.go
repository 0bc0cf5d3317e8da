// Package performance measures how well a model does, with labels and without,
// and says when the two disagree. All of it is arithmetic: rows and times come
// as arguments, and inputs are never changed.
//
//   - realised: what labels say (AUC, Confusion, LogLoss, Brier, ECE,
//     MeasureRegression), each a Figure with its sampling error, and the same as
//     mergeable states of fixed size (BinaryState, MulticlassState,
//     RegressionState), so that any window is a merge of its minutes;
//   - labels that come late: Joiner matches predictions and labels in any order;
//   - estimated: CBPE and MultiCBPE for classifiers, DLE for regressions, from
//     rows without labels;
//   - Gap: estimated minus realised. Both see the same inputs, so a shift of the
//     inputs moves both, and what is left is a change of P(y|x): concept drift;
//   - Sequential: champion against challenger, to be looked at after every row.
//
// Estimates hold as long as P(y|score) is what it was in the reference. They
// are blind to concept drift, which is what makes the gap a detector of it. The
// limit: where rows of one score differ in their chance by something that the
// model does not use, a shift of that something moves P(y|score) as well, and
// the gap cannot tell it from concept drift. Either way the estimate is wrong
// and the model's probabilities with it.
package performance
