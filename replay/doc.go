// Package replay runs a recorded trace under one policy pack or two, each with an
// engine and a memory of its own. Under one it says how well attacks that somebody has
// labelled are caught, and at what price; under two it says what differs: which
// sessions are answered otherwise and from which event on, who is asked or sent away
// under the one and not under the other, and what each is worth where there are labels.
//
// It decides nothing: engines come from outside, and the labels never reach them. It
// reads no clock, and what it reports depends on the trace, the packs and the labels
// alone.
//
// # One pass
//
// Everything is read once and decided in its order, by one engine for each pack: what
// is known of all users together changes with every event, so that a trace can't be
// taken apart. What runs side by side are the stages: lines are read and decoded ahead
// in batches, of which there is a fixed number, the packs decide them each for itself,
// and what they answer is added up in the order of the trace.
//
// Held in memory are the labels, a few hundred bytes for each session of the last days,
// a small record for each session and each attack that is over, and the sessions whose
// answers differ; nothing is kept for an event.
package replay
