// Package rank names the likely causes of a symptom among the entities that
// the symptom depends on, says why, and says when it does not know.
//
// What is spent here is not spent on discovering causal graphs, which does no
// better than guessing, but on what was measured to help: robust scales, the
// known topology, what a metric can and cannot do harm to, and honest
// confidence.
//
//  1. Candidates are all entities that the symptom depends on, by the graph.
//  2. Each of their metrics is judged against its own past (package anomaly);
//     evidence is log(1 + z), never capped. Events bring a weight of their own.
//  3. The mechanism table keeps what can explain the symptom.
//  4. Where requests are known, time and failures are accounted for: what a
//     callee adds is taken off its callers, and what is left is held against
//     the symptom's whole. Elsewhere evidence further down explains evidence
//     further up away.
//  5. Peers outside the symptom's reach that moved alike, and a late onset,
//     weigh against; users that suffer while others do not weigh for.
//  6. The hypotheses without an entity compete: traffic, the population, the
//     concept, broken input, and that nothing observed explains it.
//
// All is arithmetic and deterministic: the same input in any order gives the
// same answer.
package rank
