// Package riskd is the vocabulary of a continuous risk-scoring engine for live
// sessions: the nouns that every room of the house speaks.
//
// # The walk of one request
//
// A gateway reports an [Event]. Signals measure it against what is remembered
// of its [Session] and its user's [Profile] and give a [Reading] each: a fact.
// Policies judge facts and give each a [Reason]: evidence in nats, the natural
// logarithm of how much likelier the fact is under attack than under normal
// use. The engine adds evidence up to a score, asks the policy for a
// [Judgement] of the sum, and answers with a [Decision]: allow, step_up or
// revoke. A [Record] keeps all of it.
//
// # What this package is not for
//
// Nothing here touches a file, a socket or a clock, and nothing outside the
// standard library is imported: times and ids come in as values.
package riskd
