// Package scoring turns one event into one decision.
//
// [Engine.Decide] reads from top to bottom as a request walks through riskd:
// revoked, locate, remember, measure, reason, weigh, judge, guard, record. The
// arithmetic of evidence is in weigh.go, the rails that no policy can leave in
// guard.go.
//
// It is not the place for what a fact means (that is policy), how it is measured
// (signals) or where it is kept (sessions).
package scoring
