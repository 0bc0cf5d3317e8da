// Package kserve makes inference events of what KServe's logger sends: one
// CloudEvent for the request of an inference and one for its response, with
// the same id, as Knative's Broker or KafkaSink writes them to Kafka. A
// [Decoder] reads a record into a [Half]; a [Joiner] puts the halves of a
// partition together.
//
// # Bodies
//
// Both protocols in JSON are read: V1 ({"instances": […]}, {"predictions":
// […]}) and V2, the Open Inference Protocol ({"inputs": […]}, {"outputs": […]}).
// A batch of n instances is n events, whose request ids are id/0, id/1 and so
// on; a single one keeps the id. In V2 the first dimension is the batch if all
// tensors of the body agree on it, otherwise the body is one instance.
//
// The model is the InferenceService, the deployment namespace/name. Components
// other than the predictor see other data, so they are models of their own:
// name/transformer. An endpoint other than default, such as canary, becomes the
// segment, and the model_version of a V2 response the version.
//
// Features are named by the keys of an instance, or by the tensor: input-0[3]
// is the fourth value of a row, input-0 its only one. Instances without names
// take input-0, which is what KServe calls them when it turns V1 into V2.
// Nested objects join their keys with points, nested arrays are counted row by
// row. Numbers are numeric, booleans numeric 0 or 1, strings categorical; null,
// NaN, infinities and TensorFlow's {"b64": …} are missing. No name may come
// twice in an instance.
//
// # Answers
//
// Of what a model says about an instance, the first text is the prediction,
// and the first number the score. Numbers between 0 and 1 that add up to 1 are
// probabilities of classes: the highest is the score, and its index the
// prediction, or its key if the classes have names, or else the text or whole
// number that comes beside them. In objects, label, class, class_name,
// predicted_class and predicted_label hold the prediction, even as a number;
// score, probability, confidence and prediction hold the number; of a list of
// such objects the one with the highest score counts. A boolean is a
// prediction, true or false. All else is kept as a feature whose name begins
// with response.
//
// # Joining
//
// Every event says in the categorical feature [Outcome] how it came about: ok;
// unmatched, a request whose response did not come, which is what a failed one
// looks like, since KServe logs responses of status 200 only; orphan, a response
// whose request did not come; unpaired, a pair whose numbers of instances
// differ, so that nobody knows which answer is whose. The time of an event is
// that of its request. The latency runs from the time of the request to that of
// the response: KServe stamps both when it sends the logs, so it is right to
// within the logger's queue.
//
// Both halves must be in the same partition. KServe sets no partitionkey, and
// without one Knative's producers spread records over partitions as they like:
// use a topic of one partition, or a relay that keys records by ce_id. Of a
// topic of n partitions without such keys, about the share 1-1/n of responses
// are orphans, and as many requests unmatched; failed requests make unmatched
// ones only. [Counts] tells.
//
// # What the same offsets give is the same
//
// A pending range of offsets must become the same rows again whoever reads it,
// so what comes of a record depends on the log alone, and on little of it.
// Clocks play no part. Let W be [Config.Window].
//
//   - A half at offset p is visible at a later record x while x < p+W and no
//     record after p, up to and with x, has a timestamp of [Config.MaxAge] or
//     more beyond that of p. Once invisible it stays so.
//   - V(x) are the halves of the same id and target that are visible at x. x
//     opens if V(x) is empty. x is a repeat if V(x) has one of its kind. Else x
//     answers the earliest of V(x) if that one opened and nothing of x's kind
//     has come since; if something has, x is a repeat. Else x is a stray.
//   - Whatever opens is held until it is answered, or invisible, or the halves
//     held from it on exceed MaxRows or MaxBytes, whichever is first.
//
// No half answers two: were two openers visible at x, the earlier one would
// have been visible at the later one. None is answered twice: nothing of the
// answer's kind comes between. So every half is in one group of events, or is
// held, or is a repeat, which is counted and makes none.
//
// Lookback. A visible half is less than W offsets old, and whether it opened
// depends on records less than W before it. Halves are let go for want of
// room oldest first, so when p goes depends on what p and later ones hold, not
// on earlier ones. The state after record l is thus a function of the records
// with offsets in (l-2W, l]. Hence: a joiner that was given all records
// from offset [Config.From](a) = a-2W on agrees with one that was given all
// since any earlier offset, from offset a on, in every event and its order, if
// a-1 is the offset of a record, as it is where a batch ended. Nothing is asked
// of timestamps: they may jump, repeat and run backwards. If the log has no
// record in [a-g, a), the same holds from offset a-g-2W on.
//
// It needs three things of the owner. All records are given in order, those
// without a half to [Joiner.Skip]. Every owner reads back, the first one too.
// And the log before a must not change: the topic is not compacted, and keeps
// 2W records behind the committed offset.
//
// Records that repeat keep an id visible, and a window that renewed itself only
// at the first of them would make the state a function of the whole log: a
// request repeated for ever every W/2 records would be new or not by the
// parity of repetitions since the first.
package kserve
