// Package replay runs a recorded trace under two policy packs, each with an engine
// and a memory of its own, and says what differs: which sessions are answered
// otherwise and from which event on, who is asked or sent away under the one and not
// under the other, and, where somebody has labelled the attacks, which of them each
// pack catches at what price.
//
// It decides nothing: engines come from outside, and the labels never reach them. It
// reads no clock, and what it reports depends on the trace, the packs and the labels
// alone, not on how many workers there were.
//
// # Two passes
//
// The first pass reads every line and joins what shares state into groups: the
// sessions of a user, those on a device, those that follow each other by rotation, and
// what an identity event names. Nothing that happens in one group shows in another, so
// the second pass runs the groups in batches, each in engines of its own that are
// dropped afterwards, and adds up what the batches give in the order of the trace.
//
// Held in memory are 24 bytes for each line, the names of sessions, users and devices,
// the sessions whose answers differ, and, for each worker, the state of one batch. A
// batch has Options.BatchLines lines, or is a single group that is larger.
package replay
