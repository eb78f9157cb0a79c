// Package tune finds better numbers for a pack: thresholds, half-lives, caps, and
// the weights and bounds of its rules.
//
// A [Recorder] runs a labelled trace once through the engine, with the pack as it
// stands, and keeps of each event what weighing needs: the readings' nats behind
// its reasons, before weight, bounds and caps. The [Log] that comes out of it is
// weighed again under other numbers ([Log.Measure]) in a fraction of a second for a
// million requests, by the engine's own arithmetic (package balance), and gives the
// alarms that the engine gave. [Search] tries numbers on a part of the users and of
// the time, and reports on the others.
//
// Weighing again leaves out that other numbers would have had other consequences:
// what profiles learn depends on the score, a step-up that is passed makes a place
// and a device known, and a policy may read reasons or nats besides the score. So
// what is found has to be run through the engine once more before it is believed;
// [Recorder] does that too.
//
// It decides nothing, and reads no clock: what it finds depends on the trace, the
// labels, the pack and the seed alone.
package tune
